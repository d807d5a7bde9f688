#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libbus/messages.h"

/* A list's struct begins so, whatever its items are. */
struct any_list {
	char *v;
	size_t n;
};

static bool text_fits(const char *text, double max, const char *name, struct gw_error *err)
{
	size_t len = strlen(text);

	if ((double)len > max)
		return gw_fail(err, GW_BAD_INPUT, "%s: %zu bytes are too many; accepted: %.0f", name, len, max);
	return true;
}

static bool number_fits(double value, const struct bus_field *f, struct gw_error *err)
{
	if (!(value >= f->min && value <= f->max))
		return gw_fail(err, GW_BAD_INPUT, "%s: %g is out of bounds; accepted: %g to %g", f->name, value, f->min, f->max);
	if (f->kind == BUS_INTEGER && value != floor(value))
		return gw_fail(err, GW_BAD_INPUT, "%s: %g is not a whole number", f->name, value);
	return true;
}

static bool count_fits(size_t n, const struct bus_field *f, struct gw_error *err)
{
	if ((double)n > f->max)
		return gw_fail(err, GW_BAD_INPUT, "%s: %zu items are too many; accepted: %.0f", f->name, n, f->max);
	return true;
}

static cJSON *encode_texts(const struct bus_field *f, const struct bus_texts *texts, struct gw_error *err)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < texts->n; i++) {
		if (!text_fits(texts->v[i], (double)f->text_max, f->name, err)) {
			cJSON_Delete(array);
			return NULL;
		}
		cJSON_AddItemToArray(array, cJSON_CreateString(texts->v[i]));
	}
	return array;
}

static cJSON *encode_list(const struct bus_field *f, const struct any_list *list, struct gw_error *err)
{
	cJSON *array = cJSON_CreateArray();

	for (size_t i = 0; i < list->n; i++) {
		cJSON *item = bus_body_encode(f->item, list->v + i * f->item->size, err);
		if (!item) {
			cJSON_Delete(array);
			gw_context(err, "%s[%zu]", f->name, i);
			return NULL;
		}
		cJSON_AddItemToArray(array, item);
	}
	return array;
}

/* NULL with GW_OK: an optional text that is absent. */
static cJSON *encode_field(const struct bus_field *f, const char *at, struct gw_error *err)
{
	const char *text;

	switch (f->kind) {
	case BUS_TEXT:
	case BUS_TEXT_OPT:
		text = *(char *const *)at;
		if (!text && f->kind == BUS_TEXT)
			gw_fail(err, GW_BAD_INPUT, "%s: needed", f->name);
		return text && text_fits(text, f->max, f->name, err) ? cJSON_CreateString(text) : NULL;
	case BUS_INTEGER:
		return number_fits((double)*(const int64_t *)at, f, err) ? cJSON_CreateNumber((double)*(const int64_t *)at) : NULL;
	case BUS_NUMBER:
		return number_fits(*(const double *)at, f, err) ? cJSON_CreateNumber(*(const double *)at) : NULL;
	case BUS_BOOLEAN:
		return cJSON_CreateBool(*(const bool *)at);
	case BUS_TEXTS:
		return count_fits(((const struct bus_texts *)at)->n, f, err) ? encode_texts(f, (const struct bus_texts *)at, err) : NULL;
	case BUS_LIST:
		return count_fits(((const struct any_list *)at)->n, f, err) ? encode_list(f, (const struct any_list *)at, err) : NULL;
	case BUS_FIELDS_END:
		break;
	}
	return NULL;
}

cJSON *bus_body_encode(const struct bus_body *body, const void *value, struct gw_error *err)
{
	struct gw_error why = {0};
	cJSON *json = cJSON_CreateObject();

	for (const struct bus_field *f = body->fields; f->kind != BUS_FIELDS_END; f++) {
		cJSON *item = encode_field(f, (const char *)value + f->offset, &why);
		if (why.kind != GW_OK) {
			cJSON_Delete(json);
			gw_fail(err, why.kind, "%s", why.text);
			return NULL;
		}
		if (item)
			cJSON_AddItemToObjectCS(json, f->name, item);
	}
	return json;
}

static bool decode_texts(const struct bus_field *f, struct bus_texts *texts, const cJSON *json, struct gw_error *err)
{
	const cJSON *item;

	texts->v = gw_calloc((size_t)cJSON_GetArraySize(json), sizeof(*texts->v));
	cJSON_ArrayForEach(item, json)
	{
		if (!cJSON_IsString(item))
			return gw_fail(err, GW_BAD_INPUT, "%s: an item is not a text", f->name);
		if (!text_fits(item->valuestring, (double)f->text_max, f->name, err))
			return false;
		texts->v[texts->n++] = gw_strdup(item->valuestring);
	}
	return true;
}

static bool decode_into(const struct bus_body *body, void *value, const cJSON *json, struct gw_error *err);

static bool decode_list(const struct bus_field *f, struct any_list *list, const cJSON *json, struct gw_error *err)
{
	const cJSON *item;

	list->v = gw_calloc((size_t)cJSON_GetArraySize(json), f->item->size);
	cJSON_ArrayForEach(item, json)
	{
		if (!decode_into(f->item, list->v + list->n++ * f->item->size, item, err))
			return gw_context(err, "%s[%zu]", f->name, list->n - 1);
	}
	return true;
}

static bool decode_field(const struct bus_field *f, char *at, const cJSON *json, struct gw_error *err)
{
	switch (f->kind) {
	case BUS_TEXT:
	case BUS_TEXT_OPT:
		if (!cJSON_IsString(json))
			return gw_fail(err, GW_BAD_INPUT, "%s: not a text", f->name);
		if (!text_fits(json->valuestring, f->max, f->name, err))
			return false;
		*(char **)at = gw_strdup(json->valuestring);
		return true;
	case BUS_INTEGER:
	case BUS_NUMBER:
		if (!cJSON_IsNumber(json))
			return gw_fail(err, GW_BAD_INPUT, "%s: not a number", f->name);
		if (!number_fits(json->valuedouble, f, err))
			return false;
		if (f->kind == BUS_INTEGER)
			*(int64_t *)at = (int64_t)json->valuedouble;
		else
			*(double *)at = json->valuedouble;
		return true;
	case BUS_BOOLEAN:
		*(bool *)at = cJSON_IsTrue(json);
		return cJSON_IsBool(json) || gw_fail(err, GW_BAD_INPUT, "%s: not true or false", f->name);
	case BUS_TEXTS:
	case BUS_LIST:
		if (!cJSON_IsArray(json))
			return gw_fail(err, GW_BAD_INPUT, "%s: not a list", f->name);
		if (!count_fits((size_t)cJSON_GetArraySize(json), f, err))
			return false;
		return f->kind == BUS_TEXTS ? decode_texts(f, (struct bus_texts *)at, json, err)
					    : decode_list(f, (struct any_list *)at, json, err);
	case BUS_FIELDS_END:
		break;
	}
	return false;
}

static const struct bus_field *field_find(const struct bus_body *body, const char *name)
{
	for (const struct bus_field *f = body->fields; f->kind != BUS_FIELDS_END; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

static bool no_unknown_fields(const struct bus_body *body, const cJSON *json, struct gw_error *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, json)
	{
		const cJSON *first = item->string ? cJSON_GetObjectItemCaseSensitive(json, item->string) : NULL;
		if (!item->string || !field_find(body, item->string))
			return gw_fail(err, GW_BAD_INPUT, "%.64s: not a field of '%s'", item->string ? item->string : "?", body->name);
		if (first != item)
			return gw_fail(err, GW_BAD_INPUT, "%s: given twice", item->string);
	}
	return true;
}

static bool decode_into(const struct bus_body *body, void *value, const cJSON *json, struct gw_error *err)
{
	if (!cJSON_IsObject(json))
		return gw_fail(err, GW_BAD_INPUT, "a '%s' is not an object", body->name);
	if (!no_unknown_fields(body, json, err))
		return false;
	for (const struct bus_field *f = body->fields; f->kind != BUS_FIELDS_END; f++) {
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, f->name);
		if (!item && f->kind == BUS_TEXT_OPT)
			continue;
		if (!item)
			return gw_fail(err, GW_BAD_INPUT, "%s: needed", f->name);
		if (!decode_field(f, (char *)value + f->offset, item, err))
			return false;
	}
	return true;
}

void *bus_body_decode(const struct bus_body *body, const cJSON *json, struct gw_error *err)
{
	void *value = gw_calloc(1, body->size);

	if (decode_into(body, value, json, err))
		return value;
	bus_body_free(body, value);
	return NULL;
}

static void free_fields(const struct bus_body *body, char *value)
{
	for (const struct bus_field *f = body->fields; f->kind != BUS_FIELDS_END; f++) {
		char *at = value + f->offset;
		struct any_list *list = (struct any_list *)at;
		struct bus_texts *texts = (struct bus_texts *)at;

		if (f->kind == BUS_TEXT || f->kind == BUS_TEXT_OPT) {
			free(*(char **)at);
		} else if (f->kind == BUS_TEXTS) {
			for (size_t i = 0; i < texts->n; i++)
				free(texts->v[i]);
			free(texts->v);
		} else if (f->kind == BUS_LIST) {
			for (size_t i = 0; i < list->n; i++)
				free_fields(f->item, list->v + i * f->item->size);
			free(list->v);
		}
	}
}

void bus_body_free(const struct bus_body *body, void *value)
{
	if (value)
		free_fields(body, value);
	free(value);
}

void *bus_body_try_dup(const struct bus_body *body, const void *value, struct gw_error *err)
{
	cJSON *json = bus_body_encode(body, value, err);
	void *copy = json ? bus_body_decode(body, json, err) : NULL;

	cJSON_Delete(json);
	return copy;
}

void *bus_body_dup(const struct bus_body *body, const void *value)
{
	void *copy = bus_body_try_dup(body, value, NULL);

	gw_assert(copy);
	return copy;
}
