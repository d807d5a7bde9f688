#include "libjob/job_reader.h"

#include "libgateway/shared_bounds.h"
#include "libjob/pattern.h"
#include "libmars/nearest.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 80

void reader_complain(struct reader *r, const struct tree_node *at, const struct tree_path *path, const char *fmt, ...)
{
	char text[400], place[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tree_path_text(path, place, sizeof(place));
	gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%" PRIu32 ":%" PRIu32 ": %s%s%s", r->where, at ? at->line : 1, at ? at->column : 1, place,
		      place[0] ? ": " : "", text);
}

static const char *found(const struct tree_node *node, char out[SHOWN])
{
	char text[SHOWN - 2];

	node = tree_resolve(node);
	if (node->kind == TREE_MAP)
		return "a mapping";
	if (node->kind == TREE_LIST)
		return "a list";
	if (tree_is_null(node))
		return "nothing";
	snprintf(out, SHOWN, "'%s'", tree_show(node->text, node->len, text, sizeof(text)));
	return out;
}

void reader_refuse(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *wanted, const char *accepted)
{
	char shown[SHOWN];

	reader_complain(r, node, path, "%s is not %s; accepted: %s", found(node, shown), wanted, accepted);
}

void reader_unknown(struct reader *r, const struct tree_node *key, const struct tree_path *path, const char *noun,
		    const struct reader_field *fields)
{
	struct nearest best = {0};
	char shown[SHOWN], known[300] = "";
	size_t used = 0;

	tree_show(key->text, key->len, shown, sizeof(shown));
	for (; fields->name; fields++) {
		nearest_try(&best, fields->name, key->text, key->len);
		used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", used ? ", " : "", fields->name);
		gw_assert(used < sizeof(known));
	}
	if (best.name)
		reader_complain(r, key, path, "'%s' is not a field of %s; did you mean '%s'? Accepted: %s", shown, noun, best.name, known);
	else
		reader_complain(r, key, path, "'%s' is not a field of %s; accepted: %s", shown, noun, known);
}

struct tree_path reader_step(const struct tree_path *up, const struct tree_node *value)
{
	return (struct tree_path){.up = up, .text = value->key->text, .len = value->key->len};
}

bool reader_has(const struct reader *r, const struct tree_node *map, const char *key)
{
	return !tree_is_null(tree_get(r->tree, map, key, strlen(key)));
}

static const struct reader_field *find_field(const struct reader_field *fields, const struct tree_node *key)
{
	for (; fields->name; fields++)
		if (tree_is(key, fields->name))
			return fields;
	return NULL;
}

bool reader_map(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *noun,
		const struct reader_field *fields, void *out)
{
	const struct tree_node *map = tree_resolve(node);
	const struct reader_field *field;
	bool known = true;

	if (map->kind != TREE_MAP) {
		reader_refuse(r, node, path, noun, "a mapping");
		return false;
	}
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		field = find_field(fields, value->key);
		known &= field != NULL;
		if (!field)
			reader_unknown(r, value->key, path, noun, fields);
		else if (!tree_is_null(value))
			field->read(r, value, &here, (char *)out + field->offset);
	}
	for (field = fields; field->name; field++)
		if (field->required && !reader_has(r, map, field->name))
			reader_complain(r, node, path, "'%s' is missing; %s needs it", field->name, noun);
	return known;
}

bool reader_is_list(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *accepted)
{
	if (tree_resolve(node)->kind == TREE_LIST)
		return true;
	reader_refuse(r, node, path, "a list", accepted);
	return false;
}

static char *copy(struct reader *r, const struct tree_node *scalar, const struct tree_node *node, const struct tree_path *path)
{
	if (memchr(scalar->text, '\0', scalar->len)) {
		reader_complain(r, node, path, "a character 0 is in it; accepted: a text without");
		return NULL;
	}
	return gw_strndup(scalar->text, scalar->len);
}

char *reader_text(struct reader *r, const struct tree_node *node, const struct tree_path *path)
{
	const struct tree_node *scalar = tree_resolve(node);

	if (scalar->kind == TREE_SCALAR && !tree_is_null(scalar))
		return copy(r, scalar, node, path);
	reader_refuse(r, node, path, "a text", "one text or number");
	return NULL;
}

char *reader_key(struct reader *r, const struct tree_node *value, const struct tree_path *path)
{
	const struct tree_node *key = value->key;

	if (key->len <= JOB_NAME_MAX)
		return copy(r, key, key, path);
	reader_complain(r, key, path->up, "a name of %" PRIu32 " bytes is too long; accepted: up to %d", key->len, JOB_NAME_MAX);
	return NULL;
}

char **reader_texts(struct reader *r, const struct tree_node *list, const struct tree_path *path, size_t *n)
{
	char **texts = gw_calloc(list->n, sizeof(*texts)), *text;
	size_t i = 0;

	*n = 0;
	for (const struct tree_node *item = list->first; item; item = item->next) {
		struct tree_path here = {.up = path, .index = i++};

		text = reader_text(r, item, &here);
		if (text)
			texts[(*n)++] = text;
	}
	return texts;
}

char *reader_joined(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *between)
{
	const struct tree_node *list = tree_resolve(node);
	char **texts, *joined = NULL;
	size_t n, size;
	FILE *out;

	if (list->kind != TREE_LIST)
		return reader_text(r, node, path);
	texts = reader_texts(r, list, path, &n);
	out = open_memstream(&joined, &size);
	gw_assert(out);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s%s", i ? between : "", texts[i]);
		free(texts[i]);
	}
	fclose(out);
	free(texts);
	return joined;
}

void reader_string(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	char **text = out;

	free(*text);
	*text = reader_text(r, node, path);
}

void reader_within(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *text, size_t max)
{
	if (text && strlen(text) > max)
		reader_complain(r, node, path, "%zu bytes are too many; accepted: up to %zu", strlen(text), max);
}

void reader_regex(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	struct pattern *pattern = NULL;
	struct gw_error err = {0};
	char **text = out, place[200];

	reader_string(r, node, path, out);
	if (*text && !pattern_compile(&pattern, tree_path_text(path, place, sizeof(place)), *text, false, &err))
		reader_complain(r, node, NULL, "%s", err.text);
	pattern_destroy(pattern);
}

void reader_not_built(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	reader_complain(r, node, path, "this is not built yet; leave it out");
}

int reader_choice(struct reader *r, const struct tree_node *node, const struct tree_path *path, const char *wanted,
		  const char *const *choices)
{
	const struct tree_node *scalar = tree_resolve(node);
	const char *nearest;
	char shown[SHOWN], accepted[200] = "";
	size_t used = 0;

	for (int i = 0; choices[i]; i++) {
		if (tree_is(scalar, choices[i]))
			return i;
		used += (size_t)snprintf(accepted + used, sizeof(accepted) - used, "%s%s", used ? ", " : "", choices[i]);
		gw_assert(used < sizeof(accepted));
	}
	nearest = scalar->kind == TREE_SCALAR ? nearest_of(choices, scalar->text, scalar->len) : NULL;
	if (nearest)
		reader_complain(r, node, path, "%s is not %s; did you mean '%s'? Accepted: %s", found(node, shown), wanted, nearest,
				accepted);
	else
		reader_refuse(r, node, path, wanted, accepted);
	return -1;
}

void reader_boolean(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	static const char *const choices[] = {"true", "false", "True", "False", "yes", "no", NULL};
	int choice = reader_choice(r, node, path, "a boolean", choices);

	if (choice >= 0)
		*(bool *)out = choice % 2 == 0;
}
