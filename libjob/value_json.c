/* JSON to values, by cJSON. Its tree is bounded by the text's size; its nesting is checked before it parses. */
#include "libjob/value_internal.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

static const struct value *from_cjson(struct value_pool *pool, const cJSON *item)
{
	struct value *v;

	if (cJSON_IsBool(item))
		return value_bool(cJSON_IsTrue(item));
	if (cJSON_IsString(item))
		return value_string(pool, item->valuestring);
	if (cJSON_IsNumber(item))
		return floor(item->valuedouble) == item->valuedouble && fabs(item->valuedouble) < 9007199254740992.0
			       ? value_int(pool, (int64_t)item->valuedouble)
			       : value_float(pool, item->valuedouble);
	if (!cJSON_IsArray(item) && !cJSON_IsObject(item))
		return value_none();
	v = cJSON_IsArray(item) ? value_list(pool) : value_dict(pool);
	for (const cJSON *child = item->child; child; child = child->next) {
		if (cJSON_IsArray(item))
			value_append(pool, v, from_cjson(pool, child));
		else
			value_set(pool, v, child->string, from_cjson(pool, child));
	}
	return v;
}

/* Counts brackets outside strings: cJSON itself would recurse 1000 deep. */
static bool too_deep(const char *text)
{
	bool in_string = false;
	int depth = 0;

	for (; *text; text++) {
		if (in_string && *text == '\\' && text[1])
			text++;
		else if (*text == '"')
			in_string = !in_string;
		else if (!in_string && strchr("[{", *text) && ++depth > VALUE_DEPTH_MAX)
			return true;
		else if (!in_string && strchr("]}", *text))
			depth--;
	}
	return false;
}

const struct value *value_from_json(struct value_pool *pool, const char *text, struct gw_error *err)
{
	const struct value *v = NULL;
	cJSON *json;

	if (too_deep(text)) {
		gw_fail(err, GW_BAD_INPUT, "JSON is nested too deeply; accepted: %d levels", VALUE_DEPTH_MAX);
		return NULL;
	}
	json = cJSON_ParseWithOpts(text, NULL, true);
	if (!json)
		gw_fail(err, GW_BAD_INPUT, "not JSON");
	else
		v = from_cjson(pool, json);
	cJSON_Delete(json);
	if (v && pool->full) {
		gw_fail(err, GW_BAD_INPUT, "JSON needs more than %zu bytes", pool->limit);
		return NULL;
	}
	return v;
}
