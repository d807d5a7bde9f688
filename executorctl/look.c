/* The commands that only look: duts, pdus. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/rest.h"
#include "executorctl/show.h"
#include "executorctl/table.h"

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(get(object, name));
}

/* The gateway goes on with what it had; whoever looks at the machines is told that their edit does not count. */
static void warn_of_database(const cJSON *state)
{
	const char *error = text_of(get(state, "database"), "error");
	char *shown = error ? printable(error) : NULL;

	if (shown)
		fprintf(stderr, "executorctl: the database is not in use as it is on disk: %s\n", shown);
	free(shown);
}

/* Ports that cannot be switched OFF: someone must go and look. */
static void warn_of_alarms(const cJSON *state)
{
	const cJSON *alarm;

	cJSON_ArrayForEach(alarm, get(state, "alarms"))
	{
		char *shown = text_of(alarm, "text") ? printable(text_of(alarm, "text")) : NULL;

		if (shown)
			fprintf(stderr, "executorctl: ALARM: %s\n", shown);
		free(shown);
	}
}

/* A daemon that was never seen may be none of this gateway's: an external SALAD's, say. */
static bool is_missed(const cJSON *daemon)
{
	const char *state = text_of(daemon, "state");

	return state && strcmp(state, "up") != 0 && (text_of(daemon, "since") || text_of(daemon, "last_exit"));
}

static void warn_of_daemon(const cJSON *daemon)
{
	const char *state = text_of(daemon, "state"), *since = text_of(daemon, "since"), *how = text_of(daemon, "last_exit");
	const cJSON *back_off = get(daemon, "back_off");
	struct buffer line = {0};
	char *text, *shown;

	buffer_printf(&line, "the daemon %s is %s", daemon->string, state);
	if (since)
		buffer_printf(&line, " since %s", since);
	if (how)
		buffer_printf(&line, "; its last end: %s", how);
	if (cJSON_IsNumber(back_off) && back_off->valuedouble > 0)
		buffer_printf(&line, "; its next start waits %.15g s", back_off->valuedouble);
	text = buffer_take(&line);
	shown = printable(text);
	fprintf(stderr, "executorctl: %s\n", shown);
	free(shown);
	free(text);
}

static void warn_of_daemons(const cJSON *state)
{
	const cJSON *daemon;

	cJSON_ArrayForEach(daemon, get(state, "daemons")) if (is_missed(daemon)) warn_of_daemon(daemon);
}

static void show_duts_json(const cJSON *duts)
{
	cJSON *page = cJSON_CreateObject();

	cJSON_AddItemReferenceToObject(page, "duts", (cJSON *)(uintptr_t)duts);
	show_json(page);
	cJSON_Delete(page);
}

int ctl_duts(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", "full-state", NULL, err);
	const cJSON *duts = get(answer, "duts");

	if (!answer)
		return CTL_FAILED(err);
	if (ctl_given(args, 'J')) {
		show_duts_json(duts);
	} else if (!cJSON_GetArraySize(duts)) {
		printf("There are no machines yet; `executorctl discover PDU PORT` adds one.\n");
	} else {
		show_duts(stdout, duts, NULL, ctl->colour, ctl->width);
	}
	warn_of_database(answer);
	warn_of_daemons(answer);
	warn_of_alarms(answer);
	cJSON_Delete(answer);
	return 0;
}

int ctl_pdus(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", ctl_given(args, 'J') ? "pdus" : "full-state", NULL, err);
	const cJSON *pdus = get(answer, "pdus");

	if (!answer)
		return CTL_FAILED(err);
	if (ctl_given(args, 'J'))
		show_json(answer);
	else if (!cJSON_GetArraySize(pdus))
		printf("There are no PDUs; they are added to the gateway's mars_db.yaml.\n");
	else
		show_pdus(stdout, pdus, get(answer, "pinned_ports"), ctl->colour, ctl->width);
	warn_of_daemons(answer);
	warn_of_alarms(answer);
	cJSON_Delete(answer);
	return 0;
}
