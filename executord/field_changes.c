#include "executord/field_changes.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/buffer.h"
#include "libmars/decode.h"

#define TEXT_MAX 1000 /* bytes of a list, about */

static void add_row(cJSON *list, const char *path, const char *loaded, const char *file)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "name", path);
	if (loaded && file) {
		cJSON_AddStringToObject(json, "loaded", loaded);
		cJSON_AddStringToObject(json, "file", file);
	}
	cJSON_AddItemToArray(list, json);
}

/* ---- texts of values; the caller frees ---- */

static bool add_item(struct buffer *out, const char *text)
{
	return buffer_printf(out, "%s%s", out->len > 1 ? ", " : "", text);
}

static char *strings_text(const struct mars_strings *strings, const struct mars_strings *other)
{
	struct buffer out = {.max = TEXT_MAX};
	size_t i = 0;

	buffer_add(&out, "[", 1);
	while (i < strings->n && add_item(&out, strings->v[i]))
		i++;
	if (i < strings->n) { /* too many: what the other has not */
		buffer_drop(&out, out.len);
		buffer_add(&out, "[...", 4);
		for (i = 0; i < strings->n; i++)
			if (!mars_strings_have(other, strings->v[i]) && !add_item(&out, strings->v[i]))
				break;
	}
	out.max = 0;
	buffer_add(&out, "]", 1);
	return buffer_take(&out);
}

static char *number_text(double number)
{
	return number < 0 ? gw_strdup("none") : gw_sprintf("%.15g", number);
}

static char *value_text(const struct mars_field *field, const void *at, const void *other)
{
	const char *text;

	switch (field->type) {
	case MARS_BOOL:
		return gw_strdup(*(const bool *)at ? "true" : "false");
	case MARS_INTEGER:
		return *(const int64_t *)at < 0 ? gw_strdup("none") : gw_sprintf("%lld", (long long)*(const int64_t *)at);
	case MARS_SECONDS:
	case MARS_WATTS:
		return number_text(*(const double *)at);
	case MARS_TEXTS:
	case MARS_TAGS:
	case MARS_PORT_IDS:
		return strings_text(at, other);
	default:
		text = *(char *const *)at;
		return gw_strdup(text ? text : "none");
	}
}

static void add_value(cJSON *list, const char *path, const struct mars_field *field, const void *old, const void *new)
{
	char *loaded = value_text(field, old, new), *file = value_text(field, new, old);

	add_row(list, path, loaded, file);
	free(loaded);
	free(file);
}

/* That there is one, or none any more, is no secret. */
static void add_secret(cJSON *list, const char *path, const char *old, const char *new)
{
	if (!old == !new)
		add_row(list, path, NULL, NULL);
	else
		add_row(list, path, old ? "given" : "none", new ? "given" : "none");
}

/* ---- a driver's configuration ---- */

/* A host name may come with a user and a password in front. */
static bool may_be_shown(const char *key, const cJSON *value)
{
	if (strcmp(key, "port") == 0)
		return !value || cJSON_IsNumber(value);
	return strcmp(key, "hostname") == 0 && (!value || (cJSON_IsString(value) && !strchr(value->valuestring, '@')));
}

static char *plain_text(const cJSON *value)
{
	return !value ? gw_strdup("none") : cJSON_IsString(value) ? gw_strdup(value->valuestring) : number_text(value->valuedouble);
}

static void compare_member(cJSON *list, const char *prefix, const char *key, const cJSON *old, const cJSON *new)
{
	char *path = gw_sprintf("%s.%s", prefix, key), *loaded, *file;

	if (may_be_shown(key, old) && may_be_shown(key, new)) {
		loaded = plain_text(old);
		file = plain_text(new);
		add_row(list, path, loaded, file);
		free(loaded);
		free(file);
	} else if (!old || !new) {
		add_row(list, path, old ? "given" : "none", new ? "given" : "none");
	} else {
		add_row(list, path, NULL, NULL);
	}
	free(path);
}

static void compare_config(cJSON *list, const char *path, const char *old, const char *new)
{
	cJSON *a = cJSON_Parse(old), *b = cJSON_Parse(new);
	const cJSON *item, *other;

	cJSON_ArrayForEach(item, a)
	{
		other = cJSON_GetObjectItemCaseSensitive(b, item->string);
		if (!cJSON_Compare(item, other, true))
			compare_member(list, path, item->string, item, other);
	}
	cJSON_ArrayForEach(item, b) if (!cJSON_GetObjectItemCaseSensitive(a, item->string))
		compare_member(list, path, item->string, NULL, item);
	cJSON_Delete(a);
	cJSON_Delete(b);
}

/* ---- objects in objects ---- */

static void compare(cJSON *list, const char *prefix, const struct mars_object *object, uint32_t fields, const void *old, const void *new);

static void compare_all(cJSON *list, const char *path, const struct mars_object *object, const void *old, const void *new)
{
	compare(list, path, object, mars_object_diff(object, old, new), old, new);
}

static const char *name_of(const struct mars_list *of, const struct mars_object *object, size_t i)
{
	return *(char *const *)(const void *)((const char *)of->v + i * object->size);
}

static const void *find(const struct mars_list *of, const struct mars_object *object, const char *name)
{
	for (size_t i = 0; i < of->n; i++)
		if (strcmp(name_of(of, object, i), name) == 0)
			return (const char *)of->v + i * object->size;
	return NULL;
}

/* All fields that are not what they are where nothing is given. */
static void show_new(cJSON *list, const char *path, const struct mars_object *object, const void *new)
{
	struct gw_errors errs = {0};
	struct decoder decoder = {.name = "", .errs = &errs};
	void *defaults = gw_calloc(1, object->size);

	mars_decode_object(&decoder, object, NULL, NULL, defaults);
	compare_all(list, path, object, defaults, new);
	mars_object_finish(object, defaults);
	free(defaults);
	gw_errors_finish(&errs);
}

static char *named_path(const char *prefix, const char *name)
{
	return gw_sprintf(strpbrk(name, ". '") ? "%s.'%s'" : "%s.%s", prefix, name);
}

static void compare_entry(cJSON *list, const char *path, const struct mars_object *object, const void *old, const void *new)
{
	if (old && new) {
		compare_all(list, path, object, old, new);
	} else {
		add_row(list, path, old ? "given" : "none", new ? "given" : "none");
		if (new)
			show_new(list, path, object, new);
	}
}

static void compare_lists(cJSON *list, const char *prefix, const struct mars_object *object, const struct mars_list *old,
			  const struct mars_list *new)
{
	char *path;

	for (size_t i = 0; i < old->n; i++) {
		path = named_path(prefix, name_of(old, object, i));
		compare_entry(list, path, object, (const char *)old->v + i * object->size, find(new, object, name_of(old, object, i)));
		free(path);
	}
	for (size_t i = 0; i < new->n; i++) {
		if (find(old, object, name_of(new, object, i)))
			continue;
		path = named_path(prefix, name_of(new, object, i));
		compare_entry(list, path, object, NULL, (const char *)new->v + i * object->size);
		free(path);
	}
}

static void compare_runner(cJSON *list, const char *path, const struct mars_gateway_runner *old, const struct mars_gateway_runner *new)
{
	if (old->given != new->given)
		add_row(list, path, old->given ? "given" : "none", new->given ? "given" : "none");
	compare_all(list, path, &mars_gateway_runner_object, old, new);
}

static void compare_field(cJSON *list, const char *path, const struct mars_field *field, const void *old, const void *new)
{
	switch (field->type) {
	case MARS_UNUSED:
		return;
	case MARS_SECRET:
		return add_secret(list, path, *(char *const *)old, *(char *const *)new);
	case MARS_CONFIG:
		return compare_config(list, path, *(char *const *)old, *(char *const *)new);
	case MARS_OBJECT:
		if (field->object == &mars_gateway_runner_object)
			return compare_runner(list, path, old, new);
		return compare_all(list, path, field->object, old, new);
	case MARS_OBJECTS:
		return compare_lists(list, path, field->object, old, new);
	default:
		return add_value(list, path, field, old, new);
	}
}

static void compare(cJSON *list, const char *prefix, const struct mars_object *object, uint32_t fields, const void *old, const void *new)
{
	for (size_t i = 0; i < object->n; i++) {
		const struct mars_field *field = &object->fields[i];
		int rows = cJSON_GetArraySize(list);
		char *path;

		if (!(fields & (1U << i)))
			continue;
		path = gw_sprintf("%s%s%s", prefix, *prefix ? "." : "", field->name);
		compare_field(list, path, field, (const char *)old + field->offset, (const char *)new + field->offset);
		if (rows == cJSON_GetArraySize(list))
			add_row(list, path, "in this order", "in another");
		free(path);
	}
}

void field_changes_add(cJSON *list, const struct mars_object *object, uint32_t fields, const void *old, const void *new)
{
	compare(list, "", object, fields, old, new);
}
