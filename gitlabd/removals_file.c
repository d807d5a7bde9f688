#include "gitlabd/removals_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/files.h"
#include "libgateway/json.h"
#include "libgateway/log.h"

cJSON *place_json(const struct place *place)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "name", place->instance);
	cJSON_AddStringToObject(item, "url", place->url);
	return item;
}

cJSON *removal_json(const struct removal *removal)
{
	cJSON *item = cJSON_CreateObject();

	cJSON_AddStringToObject(item, "url", removal->url);
	cJSON_AddStringToObject(item, "token", removal->token);
	cJSON_AddNumberToObject(item, "runner_id", (double)removal->runner_id);
	cJSON_AddStringToObject(item, "description", removal->description);
	return item;
}

char *removals_encode(const struct removals *removals)
{
	cJSON *json = cJSON_CreateObject(), *list;
	char *text;

	cJSON_AddNumberToObject(json, "version", 1);
	cJSON_AddStringToObject(json, "journal", removals->journal.name);
	list = cJSON_AddArrayToObject(json, "instances");
	for (size_t i = 0; i < removals->n_places; i++)
		cJSON_AddItemToArray(list, place_json(&removals->places[i]));
	list = cJSON_AddArrayToObject(json, "runners");
	for (const struct removal *removal = removals->first; removal; removal = removal->next)
		cJSON_AddItemToArray(list, removal_json(removal));
	text = gw_have(cJSON_Print(json));
	cJSON_Delete(json);
	return text;
}

static const char *text_of(const cJSON *item, const char *name)
{
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(item, name);

	return cJSON_IsString(text) && *text->valuestring ? text->valuestring : NULL;
}

bool removals_take(struct removals *removals, const cJSON *item, struct gw_error *err)
{
	const char *url = text_of(item, "url"), *token = text_of(item, "token"), *description = text_of(item, "description");
	const cJSON *id = cJSON_GetObjectItemCaseSensitive(item, "runner_id");

	if (!url || !token || !cJSON_IsNumber(id) || fabs(id->valuedouble) > 9e15)
		return gw_fail(err, GW_BAD_INPUT, "runners: one has no url, token or runner_id");
	if (!removals_find(removals, url, token))
		removals_put(removals, url, token, (int64_t)id->valuedouble, description ? description : "");
	return true;
}

bool removals_take_gone(struct removals *removals, const cJSON *item, struct gw_error *err)
{
	const char *url = text_of(item, "url"), *token = text_of(item, "token");
	struct removal *removal = url && token ? removals_find(removals, url, token) : NULL;

	if (!url || !token)
		return gw_fail(err, GW_BAD_INPUT, "gone: it has no url or token");
	if (removal)
		removals_take_off(removal);
	return true;
}

bool removals_take_place(struct removals *removals, const cJSON *item, struct gw_error *err)
{
	const char *name = text_of(item, "name"), *url = text_of(item, "url");

	if (!name || !url)
		return gw_fail(err, GW_BAD_INPUT, "instances: one has no name or url");
	removals_put_place(removals, name, url);
	return true;
}

bool removals_decode(struct removals *removals, const char *text, size_t len, struct gw_error *err)
{
	cJSON *json = json_decode(text, len, err);
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "runners"), *item;
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(json, "version");
	const char *name = text_of(json, "journal");
	bool ok = json != NULL;

	if (json && (!cJSON_IsNumber(version) || version->valuedouble != 1 || !cJSON_IsArray(list)))
		ok = gw_fail(err, GW_BAD_INPUT, "it is not a list of runners of version 1");
	if (ok) {
		cJSON_ArrayForEach(item, list)
		{
			ok = ok && removals_take(removals, item, err);
		}
		cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(json, "instances"))
		{
			ok = ok && removals_take_place(removals, item, err);
		}
	}
	snprintf(removals->journal.name, sizeof(removals->journal.name), "%s", ok && name ? name : "");
	cJSON_Delete(json);
	return ok;
}

/* A runner may be forgotten then, which `prune` finds; what was read of the list stays on it. */
static void set_aside(const char *path, struct gw_error *err)
{
	char *bad = gw_sprintf("%s.bad", path);

	log_warning("%s: %s; it is set aside as %s, and runners that were to be removed may stay on GitLab", path, err->text, bad);
	if (rename(path, bad) != 0)
		log_warning("%s cannot be renamed", path);
	free(bad);
	*err = (struct gw_error){0};
}

bool removals_load(struct removals *removals, struct gw_error *err)
{
	size_t len;
	char *text = file_read(removals->path, REMOVALS_FILE_MAX, &len, err);

	if (!text && err->kind == GW_NOT_FOUND) {
		*err = (struct gw_error){0};
		return true;
	}
	if (!text)
		return false;
	if (!removals_decode(removals, text, len, err))
		set_aside(removals->path, err);
	explicit_bzero(text, len);
	free(text);
	return true;
}
