/* The command gitlab: how the runners are, and the removal of those that nobody has. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/rest.h"
#include "executorctl/show.h"
#include "executorctl/table.h"

/* GitLab is asked page by page, with pauses if it wants them. */
#define PRUNE_PATIENCE_MS 110000

const struct ctl_option ctl_gitlab_options[] = {
	{'i', "instance", "NAME", "prune: just this instance."},
	{'l', "list", NULL, "prune: list them, remove none."},
	{'J', "json", NULL, "The gateway's answer as JSON."},
	{0},
};

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(get(object, name));
}

/* "2026-01-31T12:00:00.123+00:00" without what nobody reads in a table. NULL: never. */
static char *short_date(const cJSON *object, const char *name)
{
	const char *text = text_of(object, name);
	char *date = text ? gw_strdup(text) : NULL, *dot = date ? strchr(date, '.') : NULL;

	if (dot)
		*dot = '\0';
	return date;
}

/* ---- status ---- */

static void show_runners(const struct ctl *ctl, const cJSON *runners)
{
	static const char *const titles[] = {"INSTANCE", "RUNNER", "ID", "EXPOSED", "VALID", "LAST CHECK", "LAST ERROR"};
	struct table table;
	const cJSON *runner;

	table_init(&table, titles, sizeof(titles) / sizeof(titles[0]));
	cJSON_ArrayForEach(runner, runners)
	{
		const cJSON *id = get(runner, "runner_id");
		char *date = short_date(runner, "last_check");
		char number[32];

		snprintf(number, sizeof(number), "%.0f", cJSON_IsNumber(id) ? id->valuedouble : -1);
		table_row(&table);
		table_set(&table, 0, text_of(runner, "instance"));
		table_set(&table, 1, text_of(runner, "description"));
		table_set(&table, 2, cJSON_IsNumber(id) && id->valuedouble >= 0 ? number : NULL);
		table_set(&table, 3, cJSON_IsTrue(get(runner, "exposed")) ? "yes" : "no");
		table_set(&table, 4, text_of(runner, "valid"));
		table_set(&table, 5, date);
		table_set(&table, 6, text_of(runner, "last_error"));
		free(date);
	}
	table_print(&table, stdout, ctl->colour, ctl->width);
}

static void warn(const char *fmt, const char *name, const char *text)
{
	char *shown_name = printable(name ? name : "?"), *shown = printable(text);

	fprintf(stderr, fmt, shown_name, shown);
	free(shown_name);
	free(shown);
}

static void warn_of_removals(const char *name, double n)
{
	char text[64];

	snprintf(text, sizeof(text), "runners that are still to be removed there: %.0f", n);
	warn("executorctl: %s: %s\n", name, text);
}

/* What stands in the way of the whole, once for each instance and not for each of its runners. */
static void warn_of_instances(const cJSON *answer)
{
	const cJSON *instance;

	cJSON_ArrayForEach(instance, get(answer, "instances"))
	{
		const cJSON *removals = get(instance, "removals");

		if (text_of(instance, "last_error"))
			warn("executorctl: %s: %s\n", text_of(instance, "name"), text_of(instance, "last_error"));
		if (cJSON_IsNumber(removals) && removals->valuedouble > 0)
			warn_of_removals(text_of(instance, "name"), removals->valuedouble);
	}
	if (text_of(answer, "config_error"))
		warn("executorctl: %s is as it was: %s\n", text_of(answer, "config_file"), text_of(answer, "config_error"));
}

static int status(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", "gitlab", NULL, err);
	int orphans;

	if (!answer)
		return CTL_FAILED(err);
	orphans = cJSON_GetArraySize(get(answer, "orphans"));
	if (ctl_given(args, 'J'))
		show_json(answer);
	else if (!cJSON_GetArraySize(get(answer, "instances")))
		printf("There are no GitLab instances; they are added to the gateway's mars_db.yaml.\n");
	else
		show_runners(ctl, get(answer, "runners"));
	warn_of_instances(answer);
	if (orphans)
		fprintf(stderr, "executorctl: runners named as ours that no machine has: %d; `executorctl gitlab prune` removes them\n",
			orphans);
	cJSON_Delete(answer);
	return 0;
}

/* ---- prune ---- */

/* How many could not be removed. */
static int show_orphans(const struct ctl *ctl, const cJSON *orphans, bool listed)
{
	static const char *const titles[] = {"INSTANCE", "ID", "DESCRIPTION", "WHAT"};
	struct table table;
	const cJSON *orphan;
	int failed = 0;

	table_init(&table, titles, sizeof(titles) / sizeof(titles[0]));
	cJSON_ArrayForEach(orphan, orphans)
	{
		const cJSON *id = get(orphan, "runner_id");
		const char *error = text_of(orphan, "error");
		char number[32];

		snprintf(number, sizeof(number), "%.0f", cJSON_IsNumber(id) ? id->valuedouble : -1);
		table_row(&table);
		table_set(&table, 0, text_of(orphan, "instance"));
		table_set(&table, 1, number);
		table_set(&table, 2, text_of(orphan, "description"));
		table_set(&table, 3, error ? error : listed ? "orphan" : "removed");
		failed += error != NULL;
	}
	table_print(&table, stdout, ctl->colour, ctl->width);
	return failed;
}

static cJSON *prune_body(const struct ctl_args *args)
{
	cJSON *body = cJSON_CreateObject();

	if (ctl_value(args, 'i'))
		cJSON_AddStringToObject(body, "instance", ctl_value(args, 'i'));
	cJSON_AddBoolToObject(body, "remove", !ctl_given(args, 'l'));
	return body;
}

static int prune(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	struct ctl patient = *ctl;
	cJSON *body = prune_body(args), *answer;
	const cJSON *error;
	int failed = 0, unasked;

	patient.patience_ms = PRUNE_PATIENCE_MS;
	answer = rest_ask(&patient, "POST", "gitlab/prune", body, err);
	cJSON_Delete(body);
	if (!answer)
		return CTL_FAILED(err);
	unasked = cJSON_GetArraySize(get(answer, "errors"));
	if (ctl_given(args, 'J'))
		show_json(answer);
	else if (cJSON_GetArraySize(get(answer, "orphans")))
		failed = show_orphans(ctl, get(answer, "orphans"), ctl_given(args, 'l'));
	else if (!unasked)
		printf("There are no orphans.\n");
	cJSON_ArrayForEach(error, get(answer, "errors")) if (cJSON_IsString(error)) warn("executorctl: %s%s\n", "", error->valuestring);
	cJSON_Delete(answer);
	if (failed || unasked)
		gw_fail(err, GW_REFUSED, "not all orphans were %s", ctl_given(args, 'l') ? "listed" : "removed");
	return err->kind == GW_OK ? 0 : CTL_FAILED(err);
}

int ctl_gitlab(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *what = args->operands[0];

	if (strcmp(what, "status") == 0 && (ctl_given(args, 'i') || ctl_given(args, 'l')))
		gw_fail(err, GW_BAD_INPUT, "--instance and --list belong to `gitlab prune`");
	else if (strcmp(what, "status") == 0)
		return status(ctl, args, err);
	else if (strcmp(what, "prune") == 0)
		return prune(ctl, args, err);
	else
		gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a command of gitlab; accepted: status, prune", what);
	return CTL_FAILED(err);
}
