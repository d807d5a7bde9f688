/* One edit at a time: find the bytes, splice, parse again, and compare what came of it with what was meant. */
#include "libmars/edit.h"

#include "libmars/edit_internal.h"
#include "libmars/editor.h"

#include <stdlib.h>
#include <string.h>

/* --- An edit ------------------------------------------------------------------------------------------------------------------------ */

/* The member to put into the last mapping there is: what is missing of the path, around the value. `chain` has MARS_PATH_MAX members. */
static const struct mars_member *wrap(const struct mars_edit *edit, size_t from, struct mars_member *chain)
{
	size_t n = edit_path_length(edit);

	for (size_t i = n; i-- > from;) {
		chain[i].name = edit->path[i];
		chain[i].value = i == n - 1 ? edit->value : MARS_V_MAPPING(&chain[i + 1], 1);
	}
	return &chain[from];
}

static bool insert(struct editor *e, const struct tree_node *map, size_t from)
{
	struct mars_member chain[MARS_PATH_MAX];
	const struct mars_member *member = wrap(e->edit, from, chain);
	struct mars_value around = MARS_V_MAPPING(member, 1);
	struct mars_edit outer = *e->edit;
	const struct mars_edit *edit = e->edit;
	bool ok;

	if (map && map->kind == TREE_ALIAS)
		return editor_refuse(e, GW_REFUSED, "'%s' is an alias of another entry; change it by hand", e->edit->path[from - 1]);
	if (from == 0 && (!map || tree_is_null(map) || (map->kind == TREE_MAP && map->n == 0)))
		return editor_insert_in_empty(e, member);
	if (map->kind == TREE_MAP && map->flow && map->n)
		return editor_insert_in_flow(e, map, member);
	if (map->kind == TREE_MAP && map->n)
		return editor_insert_in_block(e, map, member);
	if (map->kind != TREE_MAP && !tree_is_null(map))
		return editor_refuse(e, GW_REFUSED, "'%s' is not a mapping", from ? e->edit->path[from - 1] : "the whole file");
	if (from < MARS_PATH_MAX)
		outer.path[from] = NULL;
	e->edit = &outer;
	ok = editor_replace_value(e, map, &around);
	e->edit = edit;
	return ok;
}

static bool plan(struct editor *e)
{
	const struct tree_node *node = tree_root(e->tree), *value = NULL;
	size_t n = edit_path_length(e->edit), i;

	for (i = 0; i < n; i++, node = value) {
		if (node && node->kind == TREE_ALIAS)
			return e->edit->op == MARS_REMOVE
				       ? editor_refuse(e, GW_REFUSED, "'%s' is an alias of another entry; change it by hand",
						       e->edit->path[i - 1])
				       : insert(e, node, i);
		value = tree_get(e->tree, node, e->edit->path[i], strlen(e->edit->path[i]));
		if (!value && i < e->edit->existing)
			return editor_refuse(e, GW_NOT_FOUND, "'%s' is not there any more", e->edit->path[i]);
		if (!value)
			return e->edit->op == MARS_REMOVE || insert(e, node, i);
	}
	if (e->edit->op == MARS_INSERT)
		return editor_refuse(e, GW_REFUSED, "it is there already");
	if (e->edit->op == MARS_REMOVE)
		return value->parent->flow ? editor_remove_from_flow(e, value->parent, value) : editor_remove_lines(e, value);
	return render_reads_as(e->tree, tree_resolve(value), &e->edit->value) || editor_replace_value(e, value, &e->edit->value);
}

/* --- Whether it came out as meant --------------------------------------------------------------------------------------------------- */

static size_t members_of(const struct tree_node *map)
{
	return map && map->kind == TREE_MAP ? map->n : 0;
}

/* All but the path is as before, and the path is as the edit says. */
static bool came_out(const struct tree *a, const struct tree_node *x, const struct tree *b, const struct tree_node *y,
		     const struct mars_edit *edit, size_t level)
{
	const char *key = edit->path[level];
	bool last = level + 1 == edit_path_length(edit), there;
	const struct tree_node *u = tree_get(a, x, key, strlen(key)), *v = tree_get(b, y, key, strlen(key));

	x = tree_resolve(x);
	y = tree_resolve(y);
	if ((x && x->kind != TREE_MAP && !tree_is_null(x)) || (y && y->kind != TREE_MAP && !tree_is_null(y)))
		return false;
	there = edit->op == MARS_REMOVE ? u && !last : true;
	if (members_of(y) != members_of(x) - (u != NULL) + there)
		return false;
	for (const struct tree_node *w = members_of(x) ? x->first : NULL; w; w = w->next) {
		const struct tree_node *other = w == u ? NULL : tree_get(b, y, w->key->text, w->key->len);

		if (w != u && (!other || !tree_equal(a, w, b, other)))
			return false;
	}
	if (!there)
		return !v;
	if (last)
		return v && render_reads_as(b, tree_resolve(v), &edit->value);
	return v && came_out(a, u, b, v, edit, level + 1);
}

static bool is_within(const struct tree_node *node, const struct tree_node *outer)
{
	while (node && node != outer)
		node = node->parent;
	return node != NULL;
}

/* The first alias in `node`, but outside of `value`, that stands for it, for something in it, or for what it is in. */
static const struct tree_node *find_alias_of(const struct tree_node *node, const struct tree_node *value)
{
	const struct tree_node *found = NULL;

	if (!node || node == value)
		return NULL;
	if (node->kind == TREE_ALIAS)
		return is_within(node->target, value) || is_within(value, node->target) ? node : NULL;
	for (const struct tree_node *child = node->first; child && !found; child = child->next)
		found = find_alias_of(child, value);
	return found;
}

static void say_why(const struct editor *e)
{
	const struct tree_node *value = tree_root(e->tree), *next = value, *alias;

	for (size_t i = 0; next && i < edit_path_length(e->edit); i++, value = next ? next : value)
		next = tree_get(e->tree, value, e->edit->path[i], strlen(e->edit->path[i]));
	alias = find_alias_of(tree_root(e->tree), value);
	if (alias)
		editor_refuse(e, GW_REFUSED, "the alias in line %u shares it; change it by hand", alias->line);
	else
		editor_refuse(e, GW_REFUSED, "this cannot be written into the file as it is laid out there; change it by hand");
}

struct edited { /* what the edits up to now made of the text */
	struct text text;
	const struct tree *tree;
	struct tree *own;                 /* NULL: `tree` is borrowed still, nothing has changed */
	const struct render_style *style; /* NULL: as the text has it */
};

static bool edit_once(struct edited *now, const char *name, const struct mars_edit *edit, struct gw_error *err)
{
	struct editor e = {.tree = now->tree, .text = now->text.bytes, .len = (uint32_t)now->text.len, .edit = edit, .err = err};
	struct gw_errors errs = {0};
	struct text after = {0};
	struct tree *new = NULL;
	bool ok;

	e.style = now->style ? *now->style : render_style_of(now->tree);
	ok = plan(&e);
	if (ok && e.n) {
		editor_apply(&e, &after);
		new = tree_parse(after.bytes, after.len, name, &errs);
		ok = new &&came_out(now->tree, tree_root(now->tree), new, tree_root(new), edit, 0);
		if (!ok)
			say_why(&e);
	}
	for (int i = 0; i < e.n; i++)
		text_finish(&e.splices[i].text);
	gw_errors_finish(&errs);
	if (!ok || !new) {
		tree_destroy(new);
		text_finish(&after);
		return ok;
	}
	tree_destroy(now->own);
	text_finish(&now->text);
	*now = (struct edited){after, new, new, now->style};
	return true;
}

bool mars_edit_tree(const struct tree *tree, const char *name, const struct render_style *style, const struct mars_edit *edits, size_t n,
		    char **out, size_t *out_len, struct tree **out_tree, struct gw_error *err)
{
	struct edited now = {.tree = tree, .style = style};
	size_t len;
	const char *text = tree_text(tree, &len);
	bool ok = true;

	text_add(&now.text, text, len);
	for (size_t i = 0; ok && i < n; i++) {
		gw_assert(edit_path_length(&edits[i]) > 0);
		ok = edit_once(&now, name, &edits[i], err);
	}
	if (!ok) {
		tree_destroy(now.own);
		text_finish(&now.text);
		return false;
	}
	*out = now.text.bytes;
	*out_len = now.text.len;
	*out_tree = now.own;
	return true;
}

bool mars_edit_text(const char *text, size_t len, const char *name, const struct mars_edit *edits, size_t n, char **out, size_t *out_len,
		    struct gw_error *err)
{
	struct gw_errors errs = {0};
	struct tree *tree = tree_parse(text, len, name, &errs), *after = NULL;
	bool ok = tree ? mars_edit_tree(tree, name, NULL, edits, n, out, out_len, &after, err) : gw_errors_none(&errs, err);

	tree_destroy(after);
	tree_destroy(tree);
	gw_errors_finish(&errs);
	return ok;
}

bool mars_edit_disagrees(const struct tree *seen, const struct tree *now, const struct mars_edit *edit)
{
	const struct tree_node *x = tree_root(seen), *y = tree_root(now);

	for (size_t i = 0; i < edit_path_length(edit); i++) {
		x = tree_get(seen, x, edit->path[i], strlen(edit->path[i]));
		y = tree_get(now, y, edit->path[i], strlen(edit->path[i]));
	}
	/* an editor that read our save before we knew that it holds has it already */
	if (edit->op == MARS_SET && y && render_reads_as(now, tree_resolve(y), &edit->value))
		return false;
	if (!x != !y && tree_is_null(x) != tree_is_null(y))
		return true;
	return !tree_equal(seen, x, now, y);
}
