/* What REST tells of runners, and the removal of orphans: gitlabd knows, and never says a token. */
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/names.h"
#include "executord/rest.h"

/* GitLab's answers, page by page, may take longer than REST's clients wait. */
#define STATUS_PATIENCE_MS 5000
#define PRUNE_PATIENCE_MS  100000

/* Seconds since the epoch as REST prints times; 0, never, is null. */
static void print_date(cJSON *object, const char *name)
{
	cJSON *number = cJSON_GetObjectItemCaseSensitive(object, name);
	double seconds = cJSON_GetNumberValue(number);
	char text[40];

	if (seconds > 0)
		names_date_text(seconds, text);
	cJSON_ReplaceItemInObjectCaseSensitive(object, name, seconds > 0 ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void print_dates(cJSON *json, const char *list, const char *name)
{
	cJSON *object;

	cJSON_ArrayForEach(object, cJSON_GetObjectItemCaseSensitive(json, list)) print_date(object, name);
}

static void answer_body(struct http_request *rq, const struct bus_body *body, const void *answer, const struct gw_error *why)
{
	struct gw_error err = *why;
	cJSON *json = answer ? bus_body_encode(body, answer, &err) : NULL;

	if (!json) {
		http_answer_error(rq, &err);
		return;
	}
	print_dates(json, "instances", "last_check");
	print_dates(json, "instances", "next_try");
	print_dates(json, "runners", "last_check");
	http_answer_json(rq, 200, json);
}

static void on_status(void *data, const void *answer, const struct gw_error *err)
{
	answer_body(data, &bus_body_gitlab_status, answer, err);
}

static void on_pruned(void *data, const void *answer, const struct gw_error *err)
{
	answer_body(data, &bus_body_gitlab_pruned, answer, err);
}

static bool may_ask(struct executord *ex, struct http_request *rq, struct gw_error *err)
{
	if (!rest_may_change(ex, rq, err))
		return false;
	return bus_peer_up(&ex->bus, "gitlabd") || gw_fail(err, GW_UNREACHABLE, "gitlabd does not run: nothing is known of the runners");
}

void rest_get_gitlab(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};

	if (may_ask(ex, rq, &err))
		bus_ask(&ex->bus, "gitlabd", MSG_GITLAB_STATUS, &(struct msg_nothing){0}, STATUS_PATIENCE_MS, on_status, rq);
	else
		http_answer_error(rq, &err);
}

/* {"instance": NAME or null, "remove": true or false}: without `remove` they are listed. */
static bool decode_prune(struct executord *ex, const cJSON *json, struct msg_gitlab_prune *prune, struct gw_error *err)
{
	const cJSON *field;

	cJSON_ArrayForEach(field, json)
	{
		if (strcmp(field->string, "remove") == 0 && cJSON_IsBool(field))
			prune->remove = cJSON_IsTrue(field);
		else if (strcmp(field->string, "remove") == 0)
			return gw_fail(err, GW_BAD_INPUT, "remove: accepted: true or false");
		else if (strcmp(field->string, "instance") != 0)
			return gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a field of this request; accepted: instance, remove",
				       field->string);
		else if (cJSON_IsString(field))
			prune->instance = field->valuestring;
		else if (!cJSON_IsNull(field))
			return gw_fail(err, GW_BAD_INPUT, "instance: accepted: the name of a GitLab instance, or null for all");
	}
	if (prune->instance && !mars_db_find_gitlab(ex->database.db, prune->instance))
		return gw_fail(err, GW_NOT_FOUND, "the database has no GitLab instance '%.128s'", prune->instance);
	return true;
}

void rest_prune_gitlab(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct msg_gitlab_prune prune = {0};
	cJSON *json = http_body_json(rq, &err);

	if (json && decode_prune(ex, json, &prune, &err) && may_ask(ex, rq, &err))
		bus_ask(&ex->bus, "gitlabd", MSG_GITLAB_PRUNE, &prune, PRUNE_PATIENCE_MS, on_pruned, rq);
	else
		http_answer_error(rq, &err);
	cJSON_Delete(json);
}
