#include "executord/registry_rules.h"

#include <stdlib.h>
#include <string.h>

#include "libjob/pattern.h"
#include "libmars/tree.h"

#define RULES_MAX 1000
#define TEXT_MAX  4096

struct reading {
	const struct tree *tree;
	const char *name;
	struct gw_errors *errs;
	struct registry_rules *rules;
};

static void complain(const struct reading *r, const struct tree_node *at, const struct tree_path *path, const char *what)
{
	char place[200];

	gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%u:%u: %s: %s", r->name, at->line, at->column, tree_path_text(path, place, sizeof(place)),
		      what);
}

/* A text of a rule; yours. */
static char *text_of(const struct reading *r, const struct tree_node *rule, const char *key, const struct tree_path *path)
{
	const struct tree_node *value = tree_get(r->tree, rule, key, strlen(key)), *scalar = tree_resolve(value);
	struct tree_path here = {.up = path, .text = key, .len = strlen(key)};

	if (!value)
		complain(r, rule, &here, "it is missing; a rule needs match and replace");
	else if (scalar->kind != TREE_SCALAR || tree_is_null(value) || scalar->len > TEXT_MAX)
		complain(r, value, &here, "this is not a text; accepted: one of at most 4096 bytes");
	else
		return gw_strndup(scalar->text, scalar->len);
	return NULL;
}

static void check_regex(const struct reading *r, const struct tree_node *rule, const char *regex, const struct tree_path *path)
{
	struct tree_path here = {.up = path, .text = "match", .len = 5};
	struct pattern *pattern = NULL;
	struct gw_error err = {0};
	char place[200];

	if (!pattern_compile(&pattern, tree_path_text(&here, place, sizeof(place)), regex, false, &err)) {
		const struct tree_node *at = tree_get(r->tree, rule, "match", 5);

		gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%u:%u: %s", r->name, at->line, at->column, err.text);
	}
	pattern_destroy(pattern);
}

static void read_rule(const struct reading *r, const struct tree_node *rule, const struct tree_path *path)
{
	struct msg_registry_rule *to = &r->rules->v[r->rules->n];

	if (tree_resolve(rule)->kind != TREE_MAP) {
		complain(r, rule, path, "this is not a rule; accepted: a mapping with match and replace");
		return;
	}
	for (const struct tree_node *value = tree_resolve(rule)->first; value; value = value->next)
		if (!tree_is(value->key, "match") && !tree_is(value->key, "replace")) {
			struct tree_path here = {.up = path, .text = value->key->text, .len = value->key->len};

			complain(r, value->key, &here, "it is not a field of a rule; accepted: match, replace");
		}
	*to = (struct msg_registry_rule){.match = text_of(r, tree_resolve(rule), "match", path),
					 .replace = text_of(r, tree_resolve(rule), "replace", path)};
	r->rules->n++;
	if (to->match)
		check_regex(r, tree_resolve(rule), to->match, path);
}

static void read_rules(const struct reading *r, const struct tree_node *node, const struct tree_path *path)
{
	const struct tree_node *list = tree_resolve(node);
	size_t i = 0;

	if (tree_is_null(node))
		return;
	if (list->kind != TREE_LIST || list->n > RULES_MAX) {
		complain(r, node, path, "this is not a list of rules; accepted: at most 1000, each with match and replace");
		return;
	}
	r->rules->v = gw_calloc(list->n + 1, sizeof(*r->rules->v));
	for (const struct tree_node *rule = list->first; rule; rule = rule->next) {
		struct tree_path here = {.up = path, .index = i++};

		read_rule(r, rule, &here);
	}
}

static void read_root(const struct reading *r)
{
	const struct tree_node *root = tree_root(r->tree), *map = tree_resolve(root);
	bool seen = false;

	if (!root || tree_is_null(root))
		return;
	if (map->kind != TREE_MAP) {
		gw_errors_add(r->errs, GW_BAD_INPUT, "%s:%u:%u: this is not a mapping; accepted: images, a list of rules", r->name,
			      root->line, root->column);
		return;
	}
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = {.text = value->key->text, .len = value->key->len};

		if (!tree_is(value->key, "images") && !tree_is(value->key, "image_rewrites"))
			complain(r, value->key, &here, "it is not a field here; accepted: images (or image_rewrites)");
		else if (seen)
			complain(r, value->key, &here, "images and image_rewrites are two names of the same; accepted: one of them");
		else
			read_rules(r, value, &here);
		seen |= tree_is(value->key, "images") || tree_is(value->key, "image_rewrites");
	}
}

bool registry_rules_decode(struct registry_rules *rules, const char *text, size_t n, const char *name, struct gw_errors *errs)
{
	struct reading r = {.name = name, .errs = errs, .rules = rules};
	size_t before = errs->n;
	struct tree *tree = tree_parse(text, n, name, errs);

	*rules = (struct registry_rules){0};
	if (tree) {
		r.tree = tree;
		read_root(&r);
		tree_destroy(tree);
	}
	if (errs->n == before)
		return true;
	registry_rules_finish(rules);
	return false;
}

void registry_rules_finish(struct registry_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++) {
		free(rules->v[i].match);
		free(rules->v[i].replace);
	}
	free(rules->v);
	*rules = (struct registry_rules){0};
}
