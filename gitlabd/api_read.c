#include "gitlabd/api_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DESCRIPTION_MAX = 4096, TAG_MAX = 1024, TAGS_MAX = 1000, LISTED_MAX = 10000 };
#define ID_MAX 9007199254740991.0

static bool whole(const cJSON *json, double min, int64_t *out)
{
	if (!cJSON_IsNumber(json) || json->valuedouble < min || json->valuedouble > ID_MAX || floor(json->valuedouble) != json->valuedouble)
		return false;
	*out = (int64_t)json->valuedouble;
	return true;
}

static bool read_id(const cJSON *json, int64_t *out, struct gw_error *err)
{
	return whole(cJSON_GetObjectItemCaseSensitive(json, "id"), 1, out) ||
	       gw_fail(err, GW_BAD_INPUT, "id is not the number of a runner");
}

/* It goes into a header, MarsDB and config.toml. */
static bool is_token(const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f || strchr("\"'\\`$", text[i]))
			return false;
	return len >= 1 && len <= API_TOKEN_MAX;
}

/* null reads as "". */
static bool read_description(const cJSON *json, char **out, struct gw_error *err)
{
	const cJSON *text = cJSON_GetObjectItemCaseSensitive(json, "description");

	if (!text || cJSON_IsNull(text))
		*out = gw_strdup("");
	else if (cJSON_IsString(text) && strlen(text->valuestring) <= DESCRIPTION_MAX)
		*out = gw_strdup(text->valuestring);
	else
		return gw_fail(err, GW_BAD_INPUT, "description is not a text of at most %d bytes", DESCRIPTION_MAX);
	return true;
}

bool api_read_registered(struct api_answer *answer, const cJSON *json, struct gw_error *err)
{
	const cJSON *token = cJSON_GetObjectItemCaseSensitive(json, "token");

	if (!read_id(json, &answer->id, err))
		return false;
	if (!cJSON_IsString(token) || !is_token(token->valuestring))
		return gw_fail(err, GW_BAD_INPUT, "token is not a text of 1 to %d characters without spaces or quotes", API_TOKEN_MAX);
	answer->token = gw_strdup(token->valuestring);
	return true;
}

bool api_read_verified(struct api_answer *answer, const cJSON *json, struct gw_error *err)
{
	if (!cJSON_GetObjectItemCaseSensitive(json, "id"))
		return true; /* GitLabs before 15.1 */
	return read_id(json, &answer->id, err);
}

static bool read_tags(const cJSON *list, struct api_details *details, struct gw_error *err)
{
	const cJSON *tag;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > TAGS_MAX)
		return gw_fail(err, GW_BAD_INPUT, "tag_list is not a list of at most %d tags", TAGS_MAX);
	details->tags = gw_calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*details->tags));
	cJSON_ArrayForEach(tag, list)
	{
		if (!cJSON_IsString(tag) || strlen(tag->valuestring) > TAG_MAX)
			return gw_fail(err, GW_BAD_INPUT, "tag_list: a tag is not a text of at most %d bytes", TAG_MAX);
		details->tags[details->n_tags++] = gw_strdup(tag->valuestring);
	}
	return true;
}

bool api_read_details(struct api_answer *answer, const cJSON *json, struct gw_error *err)
{
	struct api_details *details = &answer->details;
	const cJSON *timeout = cJSON_GetObjectItemCaseSensitive(json, "maximum_timeout");

	details->maximum_timeout = -1;
	if (timeout && !cJSON_IsNull(timeout) && !whole(timeout, 0, &details->maximum_timeout))
		return gw_fail(err, GW_BAD_INPUT, "maximum_timeout is not a number of seconds");
	return read_id(json, &details->id, err) && read_description(json, &details->description, err) &&
	       read_tags(cJSON_GetObjectItemCaseSensitive(json, "tag_list"), details, err);
}

bool api_read_list(struct api_answer *answer, const cJSON *json, struct gw_error *err)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "v"), *item;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > LISTED_MAX)
		return gw_fail(err, GW_BAD_INPUT, "it is not a list of at most %d runners", LISTED_MAX);
	answer->listed = gw_calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*answer->listed));
	cJSON_ArrayForEach(item, list)
	{
		struct api_listed *listed = &answer->listed[answer->n_listed];

		if (!cJSON_IsObject(item))
			return gw_fail(err, GW_BAD_INPUT, "runner %zu is not an object", answer->n_listed + 1);
		answer->n_listed++;
		if (!read_id(item, &listed->id, err) || !read_description(item, &listed->description, err))
			return gw_context(err, "runner %zu", answer->n_listed);
	}
	return true;
}
