/* One edit at a time: find the bytes, splice, parse again, and compare what came of it with what was meant. */
#include "libmars/edit.h"

#include "libmars/edit_internal.h"
#include "libmars/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SPLICES 8

struct splice { /* the bytes from start to end become `text` */
	uint32_t start, end;
	struct text text;
};

struct editor {
	const struct tree *tree;
	const char *text;
	uint32_t len;
	const struct mars_edit *edit;
	struct render_style style;
	struct splice splices[MAX_SPLICES];
	int n;
	struct gw_error *err;
};

static size_t path_length(const struct mars_edit *edit)
{
	size_t n = 0;

	while (n < MARS_PATH_MAX && edit->path[n])
		n++;
	return n;
}

__attribute__((format(printf, 3, 4))) static bool refuse(const struct editor *e, enum gw_error_kind kind, const char *fmt, ...)
{
	struct tree_path levels[MARS_PATH_MAX] = {0};
	size_t n = path_length(e->edit);
	char where[200], why[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < n; i++)
		levels[i] = (struct tree_path){i ? &levels[i - 1] : NULL, e->edit->path[i], strlen(e->edit->path[i]), 0};
	return gw_fail(e->err, kind, "%s: %s; nothing was changed", tree_path_text(n ? &levels[n - 1] : NULL, where, sizeof(where)), why);
}

/* --- Splices ------------------------------------------------------------------------------------------------------------------------ */

static struct text *splice(struct editor *e, uint32_t start, uint32_t end)
{
	gw_assert(e->n < MAX_SPLICES && start <= end && end <= e->len);
	e->splices[e->n] = (struct splice){.start = start, .end = end};
	return &e->splices[e->n++].text;
}

static int by_place(const void *a, const void *b)
{
	const struct splice *x = a, *y = b;

	return x->start != y->start ? (x->start > y->start) - (x->start < y->start) : (x->end > y->end) - (x->end < y->end);
}

static void apply_splices(struct editor *e, struct text *out)
{
	uint32_t at = 0;

	qsort(e->splices, (size_t)e->n, sizeof(e->splices[0]), by_place);
	for (int i = 0; i < e->n; i++) {
		gw_assert(e->splices[i].start >= at);
		text_add(out, e->text + at, e->splices[i].start - at);
		text_add(out, e->splices[i].text.bytes ? e->splices[i].text.bytes : "", e->splices[i].text.len);
		at = e->splices[i].end;
	}
	text_add(out, e->text + at, e->len - at);
}

static uint32_t line_start(const struct editor *e, uint32_t at)
{
	while (at > 0 && e->text[at - 1] != '\n')
		at--;
	return at;
}

/* Before the line's end, CR or LF. */
static uint32_t line_stop(const struct editor *e, uint32_t at)
{
	while (at < e->len && e->text[at] != '\n')
		at++;
	return at > 0 && at <= e->len && e->text[at - 1] == '\r' ? at - 1 : at;
}

static uint32_t next_line(const struct editor *e, uint32_t at)
{
	while (at < e->len && e->text[at] != '\n')
		at++;
	return at < e->len ? at + 1 : at;
}

static bool only_blanks(const struct editor *e, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		if (e->text[from] != ' ')
			return false;
	return true;
}

/* Right behind a key's colon. */
static uint32_t after_colon(const struct editor *e, const struct tree_node *value)
{
	uint32_t at = value->key->end;

	while (at < value->start && e->text[at] != ':')
		at++;
	return at < e->len && e->text[at] == ':' ? at + 1 : at;
}

/* --- Comments are the admin's: they outlive what they stand beside ------------------------------------------------------------------- */

static const struct tree_node *covering_in(const struct tree_node *node, uint32_t at)
{
	const struct tree_node *found = NULL;

	if (node->kind == TREE_SCALAR)
		return at >= node->start && at < node->end ? node : NULL;
	for (const struct tree_node *child = node->kind == TREE_ALIAS ? NULL : node->first; child && !found; child = child->next) {
		if (child->key && at >= child->key->start && at < child->key->end)
			return child->key;
		found = covering_in(child, at);
	}
	return found;
}

/* The next comment in the bytes of `node` and the lines around it; its start, or `to`. */
static uint32_t next_comment(const struct editor *e, const struct tree_node *node, uint32_t at, uint32_t to)
{
	for (; at < to; at++)
		if (e->text[at] == '#' && (!at || strchr(" \t\r\n", e->text[at - 1])) && !covering_in(node, at))
			return at;
	return to;
}

/* The lines from that of `from` to that of `to` (the end of what is there), which hold `node`, go. Their comments stay, in lines of their
 * own. */
static bool cut_lines(struct editor *e, const struct tree_node *node, uint32_t from, uint32_t to)
{
	uint32_t at = line_start(e, from), end = next_line(e, to), comment = at;
	struct text *kept;

	if (!only_blanks(e, at, from))
		return refuse(e, GW_REFUSED, "other things stand in its first line; change it by hand");
	kept = splice(e, at, end);
	while ((comment = next_comment(e, node, comment, end)) < end) {
		uint32_t start = line_start(e, comment), blank = start, stop = next_line(e, comment);

		while (e->text[blank] == ' ')
			blank++;
		text_add(kept, e->text + start, blank - start);
		text_add(kept, e->text + comment, stop - comment);
		comment = stop;
	}
	return true;
}

/* The comments inside of what is replaced or removed, behind what comes in its place. */
static void keep_inner_comments(struct editor *e, const struct tree_node *node, uint32_t from, uint32_t to, unsigned indent,
				struct text *text)
{
	bool any = false;

	while ((from = next_comment(e, node, from, to)) < to) {
		uint32_t stop = line_stop(e, from);

		if (any)
			render_indent(text, indent);
		text_adds(text, any ? "" : " ");
		text_add(text, e->text + from, stop - from);
		text_adds(text, e->style.line_end);
		from = stop;
		any = true;
	}
	if (any)
		render_indent(text, indent);
}

/* --- Replacing a value -------------------------------------------------------------------------------------------------------------- */

static bool is_block(const struct tree_node *node)
{
	return (node->kind == TREE_MAP || node->kind == TREE_LIST) && !node->flow;
}

/* A block's lines go, and the value stands behind the colon. */
static bool replace_block(struct editor *e, const struct tree_node *old, const struct mars_value *value)
{
	uint32_t colon = after_colon(e, old);
	struct text *text;

	if (old->line == old->key->line || old->anchored)
		return refuse(e, GW_REFUSED, "its value has an anchor or begins behind its key; change it by hand");
	text = splice(e, colon, colon);
	text_adds(text, " ");
	render_inline(text, value, TREE_PLAIN);
	return cut_lines(e, old, old->start, old->end);
}

static void put_item(struct text *out, const struct editor *e, unsigned indent, const char *item)
{
	struct mars_value value = MARS_V_TEXT(item);

	render_indent(out, indent);
	text_adds(out, "- ");
	render_inline(out, &value, TREE_PLAIN);
	text_adds(out, e->style.line_end);
}

/* Items at both ends that stay as they are keep their bytes and comments. */
static bool replace_block_items(struct editor *e, const struct tree_node *old, const struct mars_value *value)
{
	const struct tree_node **items = gw_calloc(old->n, sizeof(const struct tree_node *));
	size_t n = 0, first = 0, tail = 0;
	struct text *text;
	uint32_t at;
	bool ok = true;

	for (const struct tree_node *item = old->first; item; item = item->next)
		items[n++] = item;
	while (first < n && first < value->n && tree_is(items[first], value->texts[first]) && !tree_is_null(items[first]))
		first++;
	while (tail < n - first && tail < value->n - first && tree_is(items[n - 1 - tail], value->texts[value->n - 1 - tail]) &&
	       !tree_is_null(items[n - 1 - tail]))
		tail++;
	at = first < n ? line_start(e, items[first]->start) : next_line(e, items[n - 1]->end);
	if (first < value->n - tail) {
		text = splice(e, at, at);
		if (at && e->text[at - 1] != '\n') /* the text ends without a line end */
			text_adds(text, e->style.line_end);
		for (size_t i = first; i < value->n - tail; i++)
			put_item(text, e, old->column - 1, value->texts[i]);
	}
	if (first < n - tail) {
		uint32_t dash = line_start(e, items[first]->start);

		while (dash < e->len && e->text[dash] == ' ')
			dash++;
		ok = cut_lines(e, old, dash, items[n - tail - 1]->end);
	}
	free(items);
	return ok;
}

static bool replace_scalar(struct editor *e, const struct tree_node *old, const struct mars_value *value)
{
	enum tree_style quotes = old->kind == TREE_SCALAR && old->style != TREE_BLOCK_TEXT ? (enum tree_style)old->style : TREE_PLAIN;
	struct text *text = splice(e, old->start, old->end);

	if (old->absent)
		text_adds(text, " ");
	render_inline(text, value, quotes);
	if (old->flow)
		keep_inner_comments(e, old, old->start, old->end, old->column + 1, text);
	return true;
}

static bool in_flow(const struct tree_node *node)
{
	for (; node; node = node->parent)
		if (node->flow)
			return true;
	return false;
}

/* Where nothing, null or {} stands, lines follow the key's line. */
static bool replace_with_lines(struct editor *e, const struct tree_node *old, const struct mars_value *value)
{
	uint32_t start = old->start, stop = line_stop(e, old->end);
	struct mars_member member = {.value = *value};
	struct text whole = {0}, *text;

	while (start > old->key->end && e->text[start - 1] == ' ')
		start--;
	if (!old->absent)
		splice(e, start, old->end);
	member.name = e->edit->path[path_length(e->edit) - 1];
	render_member(&whole, &e->style, old->key->column - 1, &member);
	text = splice(e, stop, stop);
	text_adds(text, strstr(whole.bytes, e->style.line_end)); /* without the key's own line */
	text_finish(&whole);
	return true;
}

static bool wants_lines(const struct mars_value *value)
{
	return value->n > 0 && (value->type == MARS_VALUE_TEXTS || value->type == MARS_VALUE_MAPPING);
}

static bool replace_value(struct editor *e, const struct tree_node *old, const struct mars_value *value)
{
	bool block = is_block(old);

	if (block && old->kind == TREE_LIST && value->type == MARS_VALUE_TEXTS && value->n)
		return replace_block_items(e, old, value);
	if (block)
		return replace_block(e, old, value);
	if (wants_lines(value) && !in_flow(old->parent) && old->line == old->key->line && !old->anchored &&
	    next_comment(e, old, old->start, old->end) == old->end &&
	    (tree_is_null(old) || (old->kind != TREE_SCALAR && old->kind != TREE_ALIAS && old->n == 0)))
		return replace_with_lines(e, old, value);
	return replace_scalar(e, old, value);
}

/* --- Inserting and removing a key --------------------------------------------------------------------------------------------------- */

static bool insert_in_flow(struct editor *e, const struct tree_node *map, const struct mars_member *member)
{
	uint32_t at = map->last ? map->last->end : map->start + 1;
	struct text *text = splice(e, at, at);

	if (map->last)
		text_adds(text, ", ");
	render_key(text, member->name, TREE_PLAIN);
	text_adds(text, ": ");
	render_inline(text, &member->value, TREE_PLAIN);
	return true;
}

/* Whether the entry has an empty line in front of it, and of the comments that belong to it. */
static bool stands_apart(const struct editor *e, const struct tree_node *value)
{
	uint32_t at = line_start(e, value->key->start), start;

	for (; at > 0; at = start) {
		start = line_start(e, at - 1);
		if (line_stop(e, start) == start)
			return true;
		if (e->text[start + strspn(e->text + start, " ")] != '#')
			return false;
	}
	return false;
}

static bool insert_in_block(struct editor *e, const struct tree_node *map, const struct mars_member *member)
{
	uint32_t stop = line_stop(e, map->last->end);
	unsigned indent = map->first->key->column - 1;
	struct render_style style = render_style_of(e->tree, map);
	struct text *text = splice(e, stop, stop);

	text_adds(text, style.line_end);
	if (map->n > 1 && stands_apart(e, map->last))
		text_adds(text, style.line_end);
	render_indent(text, indent);
	render_member(text, &style, indent, member);
	return true;
}

static bool insert_in_empty_document(struct editor *e, const struct mars_member *member)
{
	const struct tree_node *root = tree_root(e->tree);
	struct text *text;

	if (root && !root->absent) /* null, {} */
		splice(e, root->start, root->end);
	text = splice(e, e->len, e->len);
	if (e->len && e->text[e->len - 1] != '\n')
		text_adds(text, e->style.line_end);
	render_member(text, &e->style, 0, member);
	text_adds(text, e->style.line_end);
	return true;
}

static bool remove_from_flow(struct editor *e, const struct tree_node *map, const struct tree_node *value)
{
	const struct tree_node *prev = NULL;

	for (const struct tree_node *v = map->first; v != value; v = v->next)
		prev = v;
	if (prev) /* what stands behind the one before is about that */
		keep_inner_comments(e, map, prev->end, value->key->start, map->column + 1, splice(e, prev->end, value->end));
	else if (value->next)
		keep_inner_comments(e, map, next_line(e, value->end), value->next->key->start, map->column + 1,
				    splice(e, value->key->start, value->next->key->start));
	else
		splice(e, value->key->start, value->end);
	return true;
}

/* The entry with the comments in it; those in front of it stay. */
static bool remove_lines(struct editor *e, const struct tree_node *value)
{
	uint32_t from = line_start(e, value->key->start);

	if (!only_blanks(e, from, value->key->start))
		return refuse(e, GW_REFUSED, "other things stand in its first line; remove it by hand");
	splice(e, from, next_line(e, value->end > value->key->end ? value->end : value->key->end));
	return true;
}

/* --- An edit ------------------------------------------------------------------------------------------------------------------------ */

/* The member to put into the last mapping there is: what is missing of the path, around the value. `chain` has MARS_PATH_MAX members. */
static const struct mars_member *wrap(const struct mars_edit *edit, size_t from, struct mars_member *chain)
{
	size_t n = path_length(edit);

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
		return refuse(e, GW_REFUSED, "'%s' is an alias of another entry; change it by hand", e->edit->path[from - 1]);
	if (from == 0 && (!map || tree_is_null(map) || (map->kind == TREE_MAP && map->n == 0)))
		return insert_in_empty_document(e, member);
	if (map->kind == TREE_MAP && map->flow && map->n)
		return insert_in_flow(e, map, member);
	if (map->kind == TREE_MAP && map->n)
		return insert_in_block(e, map, member);
	if (map->kind != TREE_MAP && !tree_is_null(map))
		return refuse(e, GW_REFUSED, "'%s' is not a mapping", from ? e->edit->path[from - 1] : "the whole file");
	if (from < MARS_PATH_MAX)
		outer.path[from] = NULL;
	e->edit = &outer;
	ok = replace_value(e, map, &around);
	e->edit = edit;
	return ok;
}

static bool plan(struct editor *e)
{
	const struct tree_node *node = tree_root(e->tree), *value = NULL;
	size_t n = path_length(e->edit), i;

	for (i = 0; i < n; i++, node = value) {
		if (node && node->kind == TREE_ALIAS)
			return e->edit->op == MARS_REMOVE
				       ? refuse(e, GW_REFUSED, "'%s' is an alias of another entry; change it by hand", e->edit->path[i - 1])
				       : insert(e, node, i);
		value = tree_get(e->tree, node, e->edit->path[i], strlen(e->edit->path[i]));
		if (!value)
			return e->edit->op == MARS_REMOVE || insert(e, node, i);
	}
	if (e->edit->op == MARS_INSERT)
		return refuse(e, GW_REFUSED, "it is there already");
	if (e->edit->op == MARS_REMOVE)
		return value->parent->flow ? remove_from_flow(e, value->parent, value) : remove_lines(e, value);
	return render_reads_as(e->tree, tree_resolve(value), &e->edit->value) || replace_value(e, value, &e->edit->value);
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
	bool last = level + 1 == path_length(edit), there;
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

struct edited { /* what the edits up to now made of the text */
	struct text text;
	const struct tree *tree;
	struct tree *own; /* NULL: `tree` is borrowed still, nothing has changed */
};

static bool edit_once(struct edited *now, const char *name, const struct mars_edit *edit, struct gw_error *err)
{
	struct editor e = {.tree = now->tree, .text = now->text.bytes, .len = (uint32_t)now->text.len, .edit = edit, .err = err};
	struct gw_errors errs = {0};
	struct text after = {0};
	struct tree *new = NULL;
	bool ok;

	e.style = render_style_of(now->tree, NULL);
	ok = plan(&e);
	if (ok && e.n) {
		apply_splices(&e, &after);
		new = tree_parse(after.bytes, after.len, name, &errs);
		ok = new &&came_out(now->tree, tree_root(now->tree), new, tree_root(new), edit, 0);
		if (!ok)
			refuse(&e, GW_REFUSED, "this cannot be written into the file as it is laid out there; change it by hand");
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
	*now = (struct edited){after, new, new};
	return true;
}

bool mars_edit_tree(const struct tree *tree, const char *name, const struct mars_edit *edits, size_t n, char **out, size_t *out_len,
		    struct tree **out_tree, struct gw_error *err)
{
	struct edited now = {.tree = tree};
	size_t len;
	const char *text = tree_text(tree, &len);
	bool ok = true;

	text_add(&now.text, text, len);
	for (size_t i = 0; ok && i < n; i++) {
		gw_assert(path_length(&edits[i]) > 0);
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
	bool ok = tree ? mars_edit_tree(tree, name, edits, n, out, out_len, &after, err) : gw_errors_none(&errs, err);

	tree_destroy(after);
	tree_destroy(tree);
	gw_errors_finish(&errs);
	return ok;
}

bool mars_edit_disagrees(const struct tree *seen, const struct tree *now, const struct mars_edit *edit)
{
	const struct tree_node *x = tree_root(seen), *y = tree_root(now);

	for (size_t i = 0; i < path_length(edit); i++) {
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
