#include "libmars/decode.h"

#include "libgateway/shared_bounds.h"
#include "libmars/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 72 /* bytes of what was found, in a message */

static void *member(void *object, const struct mars_field *field)
{
	return (char *)object + field->offset;
}

static const void *const_member(const void *object, const struct mars_field *field)
{
	return (const char *)object + field->offset;
}

void mars_complain(struct decoder *d, const struct tree_node *at, const struct tree_path *path, const char *fmt, ...)
{
	char where[200], text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tree_path_text(path, where, sizeof(where));
	gw_errors_add(d->errs, GW_BAD_INPUT, "%s:%" PRIu32 ":%" PRIu32 ": %s%s%s", d->name, at ? at->line : 1, at ? at->column : 1, where,
		      where[0] ? ": " : "", text);
}

static void list_fields(const struct mars_object *object, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < object->n && used < size; i++)
		if (object->fields[i].type != MARS_UNUSED)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", object->fields[i].name);
}

static const char *article(const struct mars_object *object)
{
	return strchr("AEIOU", object->name[0]) ? "an" : "a";
}

void mars_complain_unknown(struct decoder *d, const struct tree_node *key, const struct tree_path *path, const struct mars_object *object)
{
	const char *nearest = mars_field_nearest(object, key->text, key->len);
	char shown[SHOWN], known[320];

	tree_show(key->text, key->len, shown, sizeof(shown));
	list_fields(object, known, sizeof(known));
	if (nearest)
		return mars_complain(d, key, path, "'%s' is not a field of %s %s; did you mean '%s'? Accepted: %s", shown, article(object),
				     object->name, nearest, known);
	mars_complain(d, key, path, "'%s' is not a field of %s %s; accepted: %s", shown, article(object), object->name, known);
}

static const char *found(const struct tree_node *node, char *out)
{
	node = tree_resolve(node);
	if (node->kind == TREE_MAP)
		return "a mapping";
	if (node->kind == TREE_LIST)
		return "a list";
	out[0] = '\'';
	tree_show(node->text, node->len, out + 1, SHOWN - 2);
	strcat(out, "'");
	return out;
}

static void complain_choice(struct decoder *d, const struct tree_node *node, const struct mars_field *field, const struct tree_path *path)
{
	const struct tree_node *scalar = tree_resolve(node);
	const char *noun = field->accepted == mars_pdu_drivers ? "a PDU driver" : "a runner type";
	const char *nearest = scalar->kind == TREE_SCALAR ? mars_nearest(field->accepted, scalar->text, scalar->len) : NULL;
	char shown[SHOWN], accepted[256];

	mars_scalar_accepted(field, &d->options, accepted, sizeof(accepted));
	if (nearest)
		mars_complain(d, node, path, "%s is not %s; did you mean '%s'? Accepted: %s", found(node, shown), noun, nearest, accepted);
	else
		mars_complain(d, node, path, "%s is not %s; accepted: %s", found(node, shown), noun, accepted);
}

/* Tokens, and URLs with a user and perhaps a password in them. */
static bool may_be_secret(const struct mars_field *field, const struct tree_node *node)
{
	node = tree_resolve(node);
	return field->type == MARS_SECRET || (field->type == MARS_URL && node->kind == TREE_SCALAR && memchr(node->text, '@', node->len));
}

static bool is_number_of_its_type(struct decoder *d, const struct tree_node *node, const struct mars_field *field)
{
	struct mars_field unbounded = *field;
	union {
		int64_t integer;
		double number;
	} value;

	unbounded.min = unbounded.max = 0;
	node = tree_resolve(node);
	return (field->type == MARS_INTEGER || field->type == MARS_SECONDS || field->type == MARS_WATTS) && node->kind == TREE_SCALAR &&
	       mars_scalar_decode(&unbounded, &d->options, node->text, node->len, &value);
}

static bool has_control(const struct mars_field *field, const struct tree_node *node)
{
	node = tree_resolve(node);
	return node->kind == TREE_SCALAR && mars_text_has_control(node->text, node->len, field->type == MARS_LINES);
}

static bool is_of_wrong_length(const struct mars_field *field, const struct tree_node *node)
{
	node = tree_resolve(node);
	if (node->kind != TREE_SCALAR || (field->type == MARS_NAME && memchr(node->text, '/', node->len)))
		return false;
	return field->type == MARS_TEXT || field->type == MARS_NAME || field->type == MARS_LINES;
}

static void complain_scalar(struct decoder *d, const struct tree_node *node, const struct mars_field *field, const struct tree_path *path)
{
	bool item = field->type == MARS_TAGS || field->type == MARS_TEXTS || field->type == MARS_PORT_IDS;
	const char *type = field->type == MARS_TAGS ? "a tag" : field->type == MARS_PORT_IDS ? "a port id" : "a text";
	const char *what = item ? type : mars_type_name(field->type);
	char shown[SHOWN], accepted[256];

	if (field->type == MARS_CHOICE)
		return complain_choice(d, node, field, path);
	mars_scalar_accepted(field, &d->options, accepted, sizeof(accepted));
	if (may_be_secret(field, node)) /* never shown */
		mars_complain(d, node, path, "this is not %s; accepted: %s", what, accepted);
	else if (is_number_of_its_type(d, node, field))
		mars_complain(d, node, path, "%s is out of bounds; accepted: %s", found(node, shown), accepted);
	else if (has_control(field, node))
		mars_complain(d, node, path, "%s has a control character; accepted: %s", found(node, shown),
			      field->type == MARS_LINES ? "a text without, but line ends and tabs" : "a text without");
	else if (is_of_wrong_length(field, node))
		mars_complain(d, node, path, "%s has %" PRIu32 " bytes; accepted: %s", found(node, shown), tree_resolve(node)->len,
			      accepted);
	else
		mars_complain(d, node, path, "%s is not %s; accepted: %s", found(node, shown), what, accepted);
}

static bool decode_scalar(struct decoder *d, const struct mars_field *field, const struct tree_node *node, const struct tree_path *path,
			  void *out)
{
	const struct tree_node *scalar = tree_resolve(node);

	if (scalar->kind == TREE_SCALAR && !tree_is_null(scalar) && mars_scalar_decode(field, &d->options, scalar->text, scalar->len, out))
		return true;
	complain_scalar(d, node, field, path);
	return false;
}

static void decode_strings(struct decoder *d, const struct mars_field *field, const struct tree_node *node, const struct tree_path *path,
			   void *out)
{
	const struct tree_node *list = tree_resolve(node), *item;
	struct mars_strings *strings = out;
	struct tree_path at = {.up = path};
	char shown[SHOWN];

	if (list->kind != TREE_LIST)
		return mars_complain(d, node, path, "%s is not %s; accepted: [] or items that begin with '- '", found(node, shown),
				     mars_type_name(field->type));
	if (list->n > field->max)
		return mars_complain(d, node, path, "%" PRIu32 " items are too many; accepted: up to %.0f", list->n, field->max);
	strings->v = gw_calloc(list->n ? list->n : 1, sizeof(*strings->v));
	for (item = list->first; item; item = item->next, at.index++)
		strings->n += decode_scalar(d, field, item, &at, &strings->v[strings->n]);
}

static void decode_list(struct decoder *d, const struct mars_field *field, const struct tree_node *node, const struct tree_path *path,
			void *out)
{
	const struct tree_node *map = tree_resolve(node), *value;
	const struct mars_object *object = field->object;
	struct mars_list *list = out;
	char shown[SHOWN];

	if (map->kind != TREE_MAP)
		return mars_complain(d, node, path, "%s is not %s", found(node, shown), mars_type_name(field->type));
	list->v = gw_calloc(map->n ? map->n : 1, object->size);
	for (value = map->first; value; value = value->next) {
		struct tree_path at = {path, value->key->text, value->key->len, 0};
		char *element = (char *)list->v + list->n++ * object->size;

		*(char **)element = gw_strndup(value->key->text, value->key->len);
		mars_decode_object(d, object, value, &at, element);
	}
}

/* --- A driver's configuration as JSON text ----------------------------------------------------------------------------------------- */

static void json_string(struct text *out, const char *text, size_t len)
{
	text_add(out, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			text_addf(out, "\\%c", c);
		else if (c < 0x20)
			text_addf(out, "\\u%04x", c);
		else
			text_add(out, text + i, 1);
	}
	text_add(out, "\"", 1);
}

/* A JSON number to the letter (no leading zeros, no `+`), so that ids and versions like 007 stay texts. */
static bool is_json_number(const char *text, size_t len)
{
	size_t i = len && text[0] == '-', digits = i;

	while (i < len && text[i] >= '0' && text[i] <= '9')
		i++;
	if (i == digits || (text[digits] == '0' && i - digits > 1) || len > 30)
		return false;
	if (i < len && text[i] == '.') {
		digits = ++i;
		while (i < len && text[i] >= '0' && text[i] <= '9')
			i++;
		if (i == digits)
			return false;
	}
	return i == len;
}

static void json_scalar(struct text *out, const struct tree_node *node)
{
	static const struct mars_field boolean = {.type = MARS_BOOL};
	bool value, plain = node->style == TREE_PLAIN;

	if (tree_is_null(node))
		text_adds(out, "null");
	else if (plain && mars_scalar_decode(&boolean, NULL, node->text, node->len, &value))
		text_adds(out, value ? "true" : "false");
	else if (plain && is_json_number(node->text, node->len))
		text_add(out, node->text, node->len);
	else
		json_string(out, node->text, node->len);
}

static void json_node(struct text *out, const struct tree_node *node)
{
	const struct tree_node *child;

	node = tree_resolve(node);
	if (node->kind == TREE_SCALAR)
		return json_scalar(out, node);
	text_adds(out, node->kind == TREE_MAP ? "{" : "[");
	for (child = node->first; child; child = child->next) {
		if (child != node->first)
			text_adds(out, ",");
		if (node->kind == TREE_MAP) {
			json_string(out, child->key->text, child->key->len);
			text_adds(out, ":");
		}
		json_node(out, child);
	}
	text_adds(out, node->kind == TREE_MAP ? "}" : "]");
}

static void decode_config(struct decoder *d, const struct mars_field *field, const struct tree_node *node, const struct tree_path *path,
			  void *out)
{
	struct text json = {0};

	if (tree_resolve(node)->kind != TREE_MAP)
		return mars_complain(d, node, path, "this is not a mapping; accepted: what the driver needs, as `hostname: 10.0.0.2`");
	json_node(&json, node);
	if (json.len > PDU_CONFIG_MAX)
		mars_complain(d, node, path, "%zu bytes, as JSON, are too many; accepted: up to %d", json.len, PDU_CONFIG_MAX);
	*(char **)out = json.bytes;
}

/* --- Fields and objects ------------------------------------------------------------------------------------------------------------- */

static void decode_unused(struct decoder *d, const struct mars_field *field, const struct tree_node *node, const struct tree_path *path,
			  void *out)
{
	struct notes *notes = d->notes;
	char where[200];

	notes->v = gw_realloc(notes->v, (notes->n + 1) * sizeof(*notes->v));
	notes->v[notes->n++] = (struct note){node->key->line - d->entry->line, node->key->column,
					     gw_sprintf("%s: known from older databases, and not used any more; it may be removed",
							tree_path_text(path, where, sizeof(where)))};
}

static void decode_nested(struct decoder *d, const struct mars_field *field, const struct tree_node *node, const struct tree_path *path,
			  void *out)
{
	mars_decode_object(d, field->object, node, path, out);
	if (field->object == &mars_gateway_runner_object)
		((struct mars_gateway_runner *)out)->given = true;
}

static void decode_one(struct decoder *d, const struct mars_field *field, const struct tree_node *node, const struct tree_path *path,
		       void *out)
{
	if (!decode_scalar(d, field, node, path, out) && field->fallback)
		mars_scalar_decode(field, &d->options, field->fallback, strlen(field->fallback), out);
}

typedef void field_decoder(struct decoder *, const struct mars_field *, const struct tree_node *, const struct tree_path *, void *);
static field_decoder *const decoders[MARS_TYPES] = {
	[MARS_TEXTS] = decode_strings, [MARS_TAGS] = decode_strings, [MARS_PORT_IDS] = decode_strings, [MARS_CONFIG] = decode_config,
	[MARS_OBJECT] = decode_nested, [MARS_OBJECTS] = decode_list, [MARS_UNUSED] = decode_unused,
};

static void set_default(struct decoder *d, const struct mars_field *field, void *out)
{
	if (field->type == MARS_CONFIG)
		*(char **)out = gw_strdup(field->fallback);
	else if (field->type == MARS_OBJECT)
		mars_decode_object(d, field->object, NULL, NULL, out);
	else if (field->fallback)
		mars_scalar_decode(field, &d->options, field->fallback, strlen(field->fallback), out);
	else if (field->type == MARS_INTEGER)
		*(int64_t *)out = -1;
	else if (field->type == MARS_SECONDS || field->type == MARS_WATTS)
		*(double *)out = -1;
}

static void decode_field(struct decoder *d, const struct mars_object *object, const struct mars_field *field, const struct tree_node *map,
			 const struct tree_path *path, void *out)
{
	const struct tree_node *node = map ? tree_get(d->tree, map, field->name, strlen(field->name)) : NULL;
	struct tree_path at = {path, field->name, strlen(field->name), 0};

	if (tree_is_null(node)) {
		if (field->required && map)
			mars_complain(d, node ? node : map->key ? map->key : map, path, "`%s` is missing: %s", field->name, field->meaning);
		if (field->type != MARS_UNUSED)
			set_default(d, field, member(out, field));
		return;
	}
	if (decoders[field->type])
		decoders[field->type](d, field, node, &at, member(out, field));
	else
		decode_one(d, field, node, &at, member(out, field));
}

/* Keys are few: a bounded message each for those that no field has. */
static void refuse_unknown_keys(struct decoder *d, const struct mars_object *object, const struct tree_node *map,
				const struct tree_path *path)
{
	for (const struct tree_node *value = map->first; value; value = value->next)
		if (!mars_field_find(object, value->key->text, value->key->len))
			mars_complain_unknown(d, value->key, path, object);
}

void mars_decode_object(struct decoder *d, const struct mars_object *object, const struct tree_node *node, const struct tree_path *path,
			void *out)
{
	const struct tree_node *map = tree_resolve(node);
	char shown[SHOWN];

	if (map && map->kind != TREE_MAP) {
		if (!tree_is_null(map))
			mars_complain(d, node, path, "%s is not a mapping of a %s's fields", found(map, shown), object->name);
		else
			for (size_t i = 0; i < object->n; i++)
				if (object->fields[i].required)
					mars_complain(d, node, path, "`%s` is missing: %s", object->fields[i].name,
						      object->fields[i].meaning);
		map = NULL;
	}
	if (map)
		refuse_unknown_keys(d, object, map, path);
	for (size_t i = 0; i < object->n; i++)
		decode_field(d, object, &object->fields[i], map, path, out);
}

/* --- Freeing and comparing ---------------------------------------------------------------------------------------------------------- */

static void finish_strings(struct mars_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		free(strings->v[i]);
	free(strings->v);
	*strings = (struct mars_strings){0};
}

static void finish_list(const struct mars_object *object, struct mars_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		mars_object_finish(object, (char *)list->v + i * object->size);
	free(list->v);
	*list = (struct mars_list){0};
}

void mars_notes_finish(struct notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		free(notes->v[i].text);
	free(notes->v);
	*notes = (struct notes){0};
}

enum shape { SHAPE_STRING, SHAPE_STRINGS, SHAPE_BOOL, SHAPE_INTEGER, SHAPE_DOUBLE, SHAPE_OBJECT, SHAPE_LIST, SHAPE_NONE };
static const enum shape shapes[MARS_TYPES] = {
	[MARS_TEXT] = SHAPE_STRING,      [MARS_NAME] = SHAPE_STRING,     [MARS_LINES] = SHAPE_STRING,   [MARS_SECRET] = SHAPE_STRING,
	[MARS_BOOL] = SHAPE_BOOL,        [MARS_INTEGER] = SHAPE_INTEGER, [MARS_SECONDS] = SHAPE_DOUBLE, [MARS_WATTS] = SHAPE_DOUBLE,
	[MARS_MAC] = SHAPE_STRING,       [MARS_IPV4] = SHAPE_STRING,     [MARS_DATE] = SHAPE_STRING,    [MARS_URL] = SHAPE_STRING,
	[MARS_PORT_ID] = SHAPE_STRING,   [MARS_CHOICE] = SHAPE_STRING,   [MARS_TEXTS] = SHAPE_STRINGS,  [MARS_TAGS] = SHAPE_STRINGS,
	[MARS_PORT_IDS] = SHAPE_STRINGS, [MARS_CONFIG] = SHAPE_STRING,   [MARS_OBJECT] = SHAPE_OBJECT,  [MARS_OBJECTS] = SHAPE_LIST,
	[MARS_UNUSED] = SHAPE_NONE,
};

void mars_object_finish(const struct mars_object *object, void *out)
{
	for (size_t i = 0; i < object->n; i++) {
		void *m = member(out, &object->fields[i]);

		if (shapes[object->fields[i].type] == SHAPE_STRING)
			free(*(char **)m);
		else if (shapes[object->fields[i].type] == SHAPE_STRINGS)
			finish_strings(m);
		else if (shapes[object->fields[i].type] == SHAPE_OBJECT)
			mars_object_finish(object->fields[i].object, m);
		else if (shapes[object->fields[i].type] == SHAPE_LIST)
			finish_list(object->fields[i].object, m);
	}
	if (object->named)
		free(*(char **)out);
	memset(out, 0, object->size);
}

static bool strings_equal(const struct mars_strings *a, const struct mars_strings *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!gw_same_text(a->v[i], b->v[i]))
			return false;
	return true;
}

static bool lists_equal(const struct mars_object *object, const struct mars_list *a, const struct mars_list *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (!mars_object_equal(object, (char *)a->v + i * object->size, (char *)b->v + i * object->size))
			return false;
	return true;
}

static bool members_equal(const struct mars_field *field, const void *a, const void *b)
{
	switch (shapes[field->type]) {
	case SHAPE_STRING:
		return gw_same_text(*(char *const *)a, *(char *const *)b);
	case SHAPE_STRINGS:
		return strings_equal(a, b);
	case SHAPE_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case SHAPE_INTEGER:
		return *(const int64_t *)a == *(const int64_t *)b;
	case SHAPE_DOUBLE:
		return *(const double *)a == *(const double *)b;
	case SHAPE_OBJECT:
		return mars_object_equal(field->object, a, b) &&
		       (field->object != &mars_gateway_runner_object ||
			((const struct mars_gateway_runner *)a)->given == ((const struct mars_gateway_runner *)b)->given);
	case SHAPE_LIST:
		return lists_equal(field->object, a, b);
	default:
		return true;
	}
}

uint32_t mars_object_diff(const struct mars_object *object, const void *a, const void *b)
{
	uint32_t fields = 0;

	for (size_t i = 0; i < object->n; i++)
		if (!members_equal(&object->fields[i], const_member(a, &object->fields[i]), const_member(b, &object->fields[i])))
			fields |= 1U << i;
	return fields;
}

bool mars_object_equal(const struct mars_object *object, const void *a, const void *b)
{
	return mars_object_diff(object, a, b) == 0 && (!object->named || gw_same_text(*(char *const *)a, *(char *const *)b));
}
