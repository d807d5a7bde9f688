/* JSON to values, by cJSON. Its tree is bounded by the text's size; its nesting is checked before it parses. */
#include "libjob/value_internal.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
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

/* ---- to JSON ---- */

static cJSON *to_cjson(const struct value *v, int depth);

static bool can_be_said(const struct value *v)
{
	enum value_type type = value_type(v);

	return type != VALUE_UNDEFINED && type != VALUE_CALLABLE && type != VALUE_LOOP;
}

static bool add_child(cJSON *to, const char *key, const struct value *v, int depth)
{
	cJSON *child = to_cjson(v, depth + 1);

	if (!child)
		return false;
	return key ? cJSON_AddItemToObject(to, key, child) : cJSON_AddItemToArray(to, child);
}

static cJSON *container_to_cjson(const struct value *v, int depth)
{
	bool is_dict = value_type(v) == VALUE_DICT, ok = depth < VALUE_DEPTH_MAX;
	cJSON *json = is_dict ? cJSON_CreateObject() : cJSON_CreateArray();

	for (size_t i = 0; ok && i < value_len(v); i++) {
		const struct value *item = is_dict ? value_item_at(v, i) : value_at(v, i);
		const char *key = is_dict ? value_text(value_key_at(v, i), NULL) : NULL;

		if (can_be_said(item) && (key || !is_dict))
			ok = add_child(json, key, item, depth);
	}
	if (ok)
		return json;
	cJSON_Delete(json);
	return NULL;
}

static cJSON *to_cjson(const struct value *v, int depth)
{
	switch (value_type(v)) {
	case VALUE_BOOL:
		return cJSON_CreateBool(value_as_bool(v));
	case VALUE_INT:
		return cJSON_CreateNumber((double)value_as_int(v));
	case VALUE_FLOAT:
		return cJSON_CreateNumber(value_as_float(v));
	case VALUE_STRING:
		return cJSON_CreateString(value_text(v, NULL));
	case VALUE_LIST:
	case VALUE_DICT:
		return container_to_cjson(v, depth);
	default:
		return cJSON_CreateNull();
	}
}

char *value_to_json(const struct value *v)
{
	cJSON *json = to_cjson(v, 0);
	char *text = json ? cJSON_PrintUnformatted(json) : NULL;

	cJSON_Delete(json);
	return text;
}
