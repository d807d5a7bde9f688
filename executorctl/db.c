/* executorctl db check, db diff: the farm's database before an edit of it counts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "executorctl/db_effects.h"
#include "executorctl/rest.h"
#include "executorctl/show.h"
#include "executorctl/table.h"
#include "libgateway/files.h"
#include "libmars/excerpt.h"
#include "libmars/marsdb.h"

const struct ctl_option ctl_db_options[] = {
	{'G', "gateway", NULL, "check: ask the gateway at the default URL; -e URL before `db` asks that one."},
	{'J', "json", NULL, "The gateway's answer as JSON."},
	{0},
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void print_message(FILE *out, const char *message, const char *name, const char *text, size_t len)
{
	char *excerpt = mars_excerpt(message, name, text, len), *shown = printable(message);

	fprintf(out, "%s\n%s", shown, excerpt);
	free(shown);
	free(excerpt);
}

static int say_invalid(const char *name, size_t n, struct gw_error *err)
{
	gw_fail(err, GW_REFUSED, "%s is not valid: %zu error%s", name, n, n == 1 ? "" : "s");
	return CTL_FAILED(err);
}

/* --- Without a gateway ---------------------------------------------------------------------------------------------------------------- */

static bool is_on(const char *variable)
{
	const char *value = getenv(variable);

	return value && (strcasecmp(value, "true") == 0 || strcasecmp(value, "enabled") == 0 || strcmp(value, "1") == 0 ||
			 strcasecmp(value, "yes") == 0);
}

/* As a gateway tells it: nothing is wrong with the text, but such a machine does nothing. */
static void warn_of_reserved(const char *name, const struct mars_db *db)
{
	for (size_t i = 0; i < mars_db_dut_count(db); i++) {
		const struct mars_dut *dut = mars_db_dut(db, i);
		const struct mars_pdu *pdu = dut->pdu && dut->pdu_port_id ? mars_db_find_pdu(db, dut->pdu) : NULL;
		char *text, *shown;

		if (!pdu || !mars_pdu_port_reserved(pdu, dut->pdu_port_id))
			continue;
		text = gw_sprintf(
			"%s: duts.'%s': port %s of %s is reserved: it is never switched, so the machine waits until it is not, or "
			"has another",
			name, dut->id, dut->pdu_port_id, dut->pdu);
		shown = printable(text);
		fprintf(stderr, "%s\n", shown);
		free(shown);
		free(text);
	}
}

static int check_offline(const char *name, const char *text, size_t len, struct gw_error *err)
{
	struct mars_options options = {.allow_insecure_urls = is_on("GITLAB_ALLOW_INSECURE"),
				       .virtual_pdu = getenv("EXECUTOR_VPDU_ENDPOINT") ? "VPDU" : NULL};
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_parse(text, len, name, &options, &errs);
	int code = 0;

	for (size_t i = 0; i < errs.n; i++)
		print_message(stderr, errs.v[i].text, name, text, len);
	if (errs.left_out)
		fprintf(stderr, "and %zu more errors\n", errs.left_out);
	if (db) {
		for (size_t i = 0; i < mars_db_warnings(db)->n; i++)
			print_message(stderr, mars_db_warnings(db)->v[i].text, name, text, len);
		warn_of_reserved(name, db);
		printf("%s is valid: PDUs: %zu, DUTs: %zu, GitLab instances: %zu\n", name, mars_db_pdu_count(db), mars_db_dut_count(db),
		       mars_db_gitlab_count(db));
	} else {
		code = say_invalid(name, errs.n + errs.left_out, err);
	}
	gw_errors_finish(&errs);
	mars_db_destroy(db);
	return code;
}

/* --- With one ------------------------------------------------------------------------------------------------------------------------- */

static size_t print_messages(const cJSON *answer, const char *key, const char *name, const char *text, size_t len)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(answer, key), *item;

	cJSON_ArrayForEach(item, list) if (cJSON_IsString(item)) print_message(stderr, item->valuestring, name, text, len);
	return (size_t)cJSON_GetArraySize(list);
}

/* `text` is NULL where the file is the gateway's: its lines may be seen there alone. */
static int show_answer(const struct ctl *ctl, const struct ctl_args *args, const cJSON *answer, const char *name, const char *text,
		       size_t len, struct gw_error *err)
{
	const cJSON *left_out = cJSON_GetObjectItemCaseSensitive(answer, "errors_left_out");
	size_t errors;

	if (ctl_given(args, 'J')) {
		show_json(answer);
		errors = (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(answer, "errors"));
	} else {
		errors = print_messages(answer, "errors", name, text ? text : "", len);
		print_messages(answer, "warnings", name, text ? text : "", len);
		if (!errors)
			db_effects_print(answer, name, ctl->colour);
	}
	if (!errors)
		return 0;
	if (cJSON_IsNumber(left_out))
		errors += (size_t)left_out->valuedouble;
	return say_invalid(name, errors, err);
}

static int check_at_gateway(const struct ctl *ctl, const struct ctl_args *args, const char *name, const char *text, size_t len,
			    struct gw_error *err)
{
	char *path = rest_path("database/check?name=%s", (const char *const[]){name});
	cJSON *answer = rest_post_text(ctl, path, "application/yaml", text, len, err);
	int code = answer ? show_answer(ctl, args, answer, name, text, len, err) : CTL_FAILED(err);

	free(path);
	cJSON_Delete(answer);
	return code;
}

static int check(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	const char *path = args->operands[1];
	size_t len;
	char *text = file_read(path, MARS_MAX_SIZE, &len, err);
	int code;

	if (!text)
		return CTL_FAILED(err);
	if (ctl->url_given || ctl_given(args, 'G'))
		code = check_at_gateway(ctl, args, last_part(path), text, len, err);
	else
		code = check_offline(last_part(path), text, len, err);
	free(text);
	return code;
}

static int diff(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	cJSON *answer = rest_ask(ctl, "GET", "database", NULL, err);
	const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(answer, "file"));
	int code = answer ? show_answer(ctl, args, answer, name ? name : "the file", NULL, 0, err) : CTL_FAILED(err);

	cJSON_Delete(answer);
	return code;
}

int ctl_db(const struct ctl *ctl, const struct ctl_args *args, struct gw_error *err)
{
	if (strcmp(args->operands[0], "check") == 0 && args->n_operands == 2)
		return check(ctl, args, err);
	if (strcmp(args->operands[0], "diff") == 0 && args->n_operands == 1)
		return diff(ctl, args, err);
	gw_fail(err, GW_BAD_INPUT, "usage: executorctl db check FILE, or executorctl db diff; see executorctl db --help");
	return CTL_FAILED(err);
}
