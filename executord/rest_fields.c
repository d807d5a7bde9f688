#include "executord/rest_fields.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libmars/decode.h"
#include "libmars/fields.h"
#include "libmars/marsdb.h"

static bool refuse(const struct mars_field *field, struct gw_error *err)
{
	if (field->type == MARS_SECONDS)
		return gw_fail(err, GW_BAD_INPUT, "%s: accepted: a number of seconds from %g to %g", field->name, field->min, field->max);
	if (field->type == MARS_TAGS)
		return gw_fail(err, GW_BAD_INPUT, "%s: accepted: a list of at most %g texts", field->name, field->max);
	if (field->type == MARS_TEXT || field->type == MARS_NAME || field->type == MARS_LINES)
		return gw_fail(err, GW_BAD_INPUT, "%s: accepted: a text of %g to %g bytes%s", field->name, field->min, field->max,
			       field->fallback ? "" : ", or null");
	return gw_fail(err, GW_BAD_INPUT, "%s: accepted: %s", field->name,
		       field->type == MARS_BOOL   ? "true or false"
		       : field->type == MARS_MAC  ? "a MAC address, as 52:54:00:11:22:0a"
		       : field->type == MARS_IPV4 ? "an IPv4 address, or null"
						  : mars_type_name(field->type));
}

/* Of the types whose decoded value is a text. */
static bool accepts(const struct mars_field *field, const char *text)
{
	struct mars_options options = {0};
	char *decoded = NULL;
	bool ok = mars_scalar_decode(field, &options, text, strlen(text), &decoded);

	free(decoded);
	return ok;
}

static bool take_text(const struct mars_field *field, const cJSON *item, struct rest_field *out, struct gw_error *err)
{
	size_t len = cJSON_IsString(item) ? strlen(item->valuestring) : 0;

	if (!cJSON_IsString(item) || (double)len < field->min || (field->max > 0 && (double)len > field->max))
		return refuse(field, err);
	if (mars_text_has_control(item->valuestring, len, field->type == MARS_LINES))
		return gw_fail(err, GW_BAD_INPUT, "%s: it has a control character; accepted: a text without", field->name);
	if (field->type == MARS_NAME && strchr(item->valuestring, '/'))
		return gw_fail(err, GW_BAD_INPUT, "%s: accepted: a text without `/`, since the full name in URLs is made of it",
			       field->name);
	out->value = MARS_V_TEXT(item->valuestring);
	return true;
}

static bool take_bool(const struct mars_field *field, const cJSON *item, struct rest_field *out, struct gw_error *err)
{
	out->value = MARS_V_BOOL(cJSON_IsTrue(item));
	return cJSON_IsBool(item) || refuse(field, err);
}

static bool take_number(const struct mars_field *field, const cJSON *item, struct rest_field *out, struct gw_error *err)
{
	if (!cJSON_IsNumber(item) || !(item->valuedouble >= field->min && item->valuedouble <= field->max))
		return refuse(field, err);
	out->value = MARS_V_NUMBER(item->valuedouble);
	return true;
}

static bool take_scalar(const struct mars_field *field, const cJSON *item, struct rest_field *out, struct gw_error *err)
{
	if (!cJSON_IsString(item) || !accepts(field, item->valuestring))
		return refuse(field, err);
	out->value = MARS_V_TEXT(item->valuestring);
	return true;
}

static bool take_texts(const struct mars_field *field, const cJSON *list, struct rest_field *out, struct gw_error *err)
{
	const cJSON *item;
	size_t n = 0;

	if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > field->max)
		return refuse(field, err);
	out->texts = gw_calloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*out->texts));
	cJSON_ArrayForEach(item, list)
	{
		if (!cJSON_IsString(item) || !accepts(field, item->valuestring))
			return gw_fail(err, GW_BAD_INPUT,
				       "%s[%zu]: accepted: a text of 1 to 255 bytes without commas, control characters or blanks around it",
				       field->name, n);
		out->texts[n++] = item->valuestring;
	}
	out->value = MARS_V_TEXTS(out->texts, n);
	return true;
}

typedef bool take_fn(const struct mars_field *field, const cJSON *item, struct rest_field *out, struct gw_error *err);
static take_fn *const takers[MARS_TYPES] = {
	[MARS_TEXT] = take_text,      [MARS_NAME] = take_text,  [MARS_LINES] = take_text,  [MARS_BOOL] = take_bool,
	[MARS_SECONDS] = take_number, [MARS_MAC] = take_scalar, [MARS_IPV4] = take_scalar, [MARS_TAGS] = take_texts,
};

static void list_fields(unsigned who, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	if (who & MARS_BY_CREATE)
		used += (size_t)snprintf(out, size, "id");
	for (size_t i = 0; i < mars_dut_object.n && used < size; i++)
		if (mars_dut_object.fields[i].who & who)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", mars_dut_object.fields[i].name);
}

static bool take(struct rest_fields *fields, const cJSON *item, unsigned who, struct gw_error *err)
{
	const struct mars_field *field = mars_field_find(&mars_dut_object, item->string, strlen(item->string));
	struct rest_field *out = &fields->v[fields->n];
	char accepted[400];

	if (!field || !(field->who & who) || !takers[field->type]) {
		list_fields(who, accepted, sizeof(accepted));
		return gw_fail(err, GW_BAD_INPUT, "'%.64s' is not a field that can be set here; accepted: %s", item->string, accepted);
	}
	gw_assert(fields->n < REST_FIELDS_MAX);
	out->name = field->name;
	out->value = MARS_V_NULL;
	fields->n++;
	if (cJSON_IsNull(item) && !field->required && !field->fallback && field->type != MARS_MAC)
		return true; /* none, as in the file */
	return takers[field->type](field, item, out, err);
}

static bool take_id(struct rest_fields *fields, const cJSON *item, struct gw_error *err)
{
	fields->id = cJSON_GetStringValue(item);
	if (fields->id && strcmp(fields->id, "discover") == 0) /* /dut/discover is an endpoint */
		return gw_fail(err, GW_BAD_INPUT, "id: a machine cannot be called 'discover'");
	return (fields->id && *fields->id && strlen(fields->id) <= 128 && !strchr(fields->id, '/') &&
		!mars_text_has_control(fields->id, strlen(fields->id), false)) ||
	       gw_fail(err, GW_BAD_INPUT, "id: accepted: a text of 1 to 128 bytes without `/` and control characters");
}

bool rest_fields_decode(struct rest_fields *fields, const cJSON *json, unsigned who, struct gw_error *err)
{
	const cJSON *item;

	*fields = (struct rest_fields){0};
	cJSON_ArrayForEach(item, json)
	{
		bool is_id = (who & MARS_BY_CREATE) && strcmp(item->string, "id") == 0;

		if (is_id ? !take_id(fields, item, err) : !take(fields, item, who, err))
			return false;
	}
	return fields->n || gw_fail(err, GW_BAD_INPUT, "nothing is to be set; the body is an empty object");
}

void rest_fields_finish(struct rest_fields *fields)
{
	for (size_t i = 0; i < fields->n; i++)
		free(fields->v[i].texts);
	fields->n = 0;
}

const struct mars_value *rest_fields_find(const struct rest_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->n; i++)
		if (strcmp(fields->v[i].name, name) == 0)
			return &fields->v[i].value;
	return NULL;
}
