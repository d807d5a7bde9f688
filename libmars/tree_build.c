/* From libfyaml's events to nodes: places, keys, aliases, limits. */
#include "libmars/tree_build.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void tree_build_complain(struct tree_builder *b, uint32_t line, uint32_t column, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	gw_errors_add(b->errs, GW_BAD_INPUT, "%s:%" PRIu32 ":%" PRIu32 ": %s", b->name, line, column, text);
}

static void give_up(struct tree_builder *b, const struct tree_node *at, const char *why)
{
	tree_build_complain(b, at->line, at->column, "%s", why);
	b->failed = true;
}

static void place(struct tree_node *node, const struct fy_mark *start, const struct fy_mark *end)
{
	if (!start)
		return;
	node->start = (uint32_t)start->input_pos;
	node->end = end ? (uint32_t)end->input_pos : node->start;
	node->line = (uint32_t)start->line + 1;
	node->column = (uint32_t)start->column + 1;
}

/* A value that is not written stands right behind its key's colon, or at its list's start. */
static void place_absent(struct tree_builder *b, struct tree_node *node)
{
	const struct tree_node *from = b->key ? b->key : b->depth ? b->open[b->depth - 1] : NULL;
	uint32_t at = from ? from->end : 0;

	if (b->key) {
		while (at < b->tree->len && b->tree->text[at] == ' ')
			at++;
		at = at < b->tree->len && b->tree->text[at] == ':' ? at + 1 : from->end;
	}
	node->absent = true;
	node->start = node->end = at;
	node->line = from ? from->line : 1;
	node->column = from ? from->column + (at - from->start) : 1;
}

static const char *keep_text(struct tree_builder *b, const char *text, size_t len)
{
	char *copy;

	if (text >= b->tree->text && text + len <= b->tree->text + b->tree->len)
		return text;
	copy = tree_alloc(b->tree, len);
	memcpy(copy, text, len);
	return copy;
}

/* The marks of a quoted scalar leave out its quotes, those of `|` and `>` the header. */
static void widen_scalar(struct tree_builder *b, struct tree_node *node)
{
	uint32_t at;

	if (node->style == TREE_SINGLE || node->style == TREE_DOUBLE) {
		node->start -= node->start > 0;
		node->column -= node->column > 1;
		node->end += node->end < b->tree->len;
	} else if (node->style == TREE_BLOCK_TEXT) {
		at = b->key ? b->key->end : node->start;
		while (at < node->start && !(strchr("|>", b->tree->text[at]) && at && strchr(" \t:-", b->tree->text[at - 1])))
			at++;
		node->start = at;
		if (b->key) {
			node->line = b->key->line;
			node->column = b->key->column + (at - b->key->start);
		}
		while (node->end > node->start && strchr(" \t\r\n", b->tree->text[node->end - 1]))
			node->end--;
	}
}

static const uint8_t styles[] = {[FYSS_PLAIN] = TREE_PLAIN,
				 [FYSS_SINGLE_QUOTED] = TREE_SINGLE,
				 [FYSS_DOUBLE_QUOTED] = TREE_DOUBLE,
				 [FYSS_LITERAL] = TREE_BLOCK_TEXT,
				 [FYSS_FOLDED] = TREE_BLOCK_TEXT};

static void fill_scalar(struct tree_builder *b, struct tree_node *node, struct fy_token *token)
{
	size_t len = 0;
	const char *text = token ? fy_token_get_text(token, &len) : NULL;

	if (!token) {
		place_absent(b, node);
		node->text = "";
		return;
	}
	node->style = styles[fy_token_scalar_style(token)];
	node->text = keep_text(b, text ? text : "", len);
	node->len = (uint32_t)len;
	node->weight += node->len / MARS_ALIASED_TEXT;
	widen_scalar(b, node);
}

static void fill_alias(struct tree_builder *b, struct tree_node *node, struct fy_token *token)
{
	size_t len = 0;
	const char *name = fy_token_get_text(token, &len);
	char shown[80];

	node->text = keep_text(b, name, len);
	node->len = (uint32_t)len;
	node->start -= node->start > 0;
	node->column -= node->column > 1;
	node->target = tree_find_anchor(b->tree, name, len);
	if (!node->target) {
		tree_build_complain(b, node->line, node->column, "'*%s' stands for nothing: no '&%s' is before it",
				    tree_show(name, len, shown, sizeof(shown)), shown);
		b->failed = true;
		return;
	}
	for (int i = 0; i < b->depth; i++)
		if (b->open[i] == node->target)
			return give_up(b, node, "an alias stands inside of what it stands for");
	node->target = (struct tree_node *)tree_resolve(node->target);
	node->weight = node->target->weight;
	node->height = node->target->height;
	b->tree->aliased += node->weight;
	if (b->tree->aliased > MARS_MAX_ALIASED)
		give_up(b, node, "aliases stand for too much; accepted: 100000 nodes in all, each 64 bytes of a text counting as one");
	else if (b->above + b->depth + node->height > MARS_MAX_DEPTH)
		give_up(b, node, "mappings and lists are too deep in each other; accepted: 32 levels");
}

static void check_tag(struct tree_builder *b, struct tree_node *node, struct fy_token *token)
{
	static const char *const known[] = {"str", "int", "float", "bool", "null", "seq", "map", "timestamp", NULL};
	static const char prefix[] = "tag:yaml.org,2002:";
	size_t len = 0;
	const char *tag = token ? fy_token_get_text(token, &len) : NULL;
	char shown[80];

	if (!tag)
		return;
	if (len > sizeof(prefix) - 1 && memcmp(tag, prefix, sizeof(prefix) - 1) == 0)
		for (int i = 0; known[i]; i++)
			if (strlen(known[i]) == len - (sizeof(prefix) - 1) &&
			    memcmp(tag + sizeof(prefix) - 1, known[i], strlen(known[i])) == 0) {
				if (i == 0 && node->style == TREE_PLAIN && node->kind == TREE_SCALAR)
					node->style = TREE_DOUBLE; /* !!str: never null or a number */
				return;
			}
	tree_build_complain(b, node->line, node->column, "the tag '%s' is not known here; leave it out",
			    tree_show(tag, len, shown, sizeof(shown)));
}

static void take_key(struct tree_builder *b, struct tree_node *node)
{
	const struct tree_node *other;
	char shown[80];

	b->key = node;
	b->ignored_key = false;
	if (node->kind != TREE_SCALAR)
		return give_up(b, node, "a key must be a text");
	other = tree_get(b->tree, node->parent, node->text, node->len);
	if (tree_is(node, "<<") && node->style == TREE_PLAIN) {
		tree_build_complain(b, node->line, node->column, "merging with '<<' is not supported; write the fields out");
		b->ignored_key = true;
	} else if (other) {
		tree_build_complain(b, node->line, node->column, "'%s' is there already, at line %" PRIu32 "; a key can be given once",
				    tree_show(node->text, node->len, shown, sizeof(shown)), other->key->line);
		b->ignored_key = true;
	}
}

static bool is_key(const struct tree_builder *b)
{
	return b->depth && b->open[b->depth - 1]->kind == TREE_MAP && !b->key;
}

/* --- Entry by entry ------------------------------------------------------------------------------------------------------------------ */

static bool is_entry(const struct tree_builder *b)
{
	return b->level && b->depth == b->level;
}

static bool starts_its_line(const struct tree_builder *b, const struct tree_node *node)
{
	uint32_t at = node->start;

	while (at > 0 && b->tree->text[at - 1] == ' ')
		at--;
	return !at || b->tree->text[at - 1] == '\n';
}

/* libfyaml reads it otherwise where the text ends behind it (0.7.12: `a: |` and a line end are "\n" there, else ""). */
static bool is_empty_block(const struct tree_node *node)
{
	return node->style == TREE_BLOCK_TEXT && node->len <= 1;
}

/* Whether a node that just began is none that makes this text one to be read as a whole. */
static bool is_plain(const struct tree_builder *b, const struct tree_node *node, bool marked)
{
	if (is_empty_block(node))
		return false;
	if (is_key(b))
		return b->depth > b->level || (!marked && starts_its_line(b, node));
	if (b->depth >= b->level)
		return true;
	return !marked && (node->kind == TREE_MAP ? !node->flow : b->depth == 1 && tree_is_null(node));
}

/* An entry is complete. */
static void hand_over(struct tree_builder *b, const struct tree_node *value)
{
	b->failed = !b->entry(b->data, b->tree, value);
	tree_rewind(b->tree, b->mark);
}

/* --- Nodes ---------------------------------------------------------------------------------------------------------------------------- */

/* Puts a node that just began where it belongs. */
static void attach(struct tree_builder *b, struct tree_node *node)
{
	struct tree_node *parent = b->depth ? b->open[b->depth - 1] : NULL;

	node->parent = parent;
	if (!parent) {
		b->tree->root = node;
	} else if (is_key(b)) {
		take_key(b, node);
	} else if (parent->kind == TREE_MAP) {
		node->key = b->key;
		if (!b->ignored_key && !is_entry(b))
			tree_append(b->tree, parent, node);
		b->key = NULL;
	} else {
		tree_append(b->tree, parent, node);
	}
}

/* A node that is complete adds to its parent; a key only what it is too long. */
static void account(struct tree_builder *b, const struct tree_node *node)
{
	struct tree_node *parent = node->parent;

	if (!parent)
		return;
	parent->weight += node == b->key ? node->weight - 1 : node->weight;
	if (node == b->key)
		return;
	if (parent->height < node->height + 1)
		parent->height = (uint8_t)(node->height + 1);
}

static void keep_anchor(struct tree_builder *b, struct tree_node *node, struct fy_token *anchor)
{
	size_t len;
	const char *name = anchor ? fy_token_get_text(anchor, &len) : NULL;

	if (!name)
		return;
	node->anchored = true;
	tree_put_anchor(b->tree, keep_text(b, name, len), (uint32_t)len, node);
}

/* A mapping or list whose members come next. */
static void enter(struct tree_builder *b, struct tree_node *node)
{
	if (b->above + b->depth == MARS_MAX_DEPTH)
		return give_up(b, node, "mappings and lists are too deep in each other; accepted: 32 levels");
	b->open[b->depth++] = node;
	if (b->depth == b->level)
		b->mark = tree_mark(b->tree);
}

static void begin_node(struct tree_builder *b, struct fy_event *event, enum tree_kind kind, struct fy_token *anchor, struct fy_token *tag)
{
	struct tree_node *node = tree_alloc(b->tree, sizeof(*node));
	bool key = is_key(b);

	node->kind = (uint8_t)kind;
	node->weight = 1;
	place(node, fy_event_start_mark(event), fy_event_end_mark(event));
	if (kind == TREE_SCALAR)
		fill_scalar(b, node, event->scalar.value);
	else if (kind == TREE_ALIAS)
		fill_alias(b, node, event->alias.anchor);
	else
		node->flow = node->start < b->tree->len && strchr("[{", b->tree->text[node->start]) && node->end > node->start;
	if (b->failed || (b->level && !is_plain(b, node, anchor || tag))) {
		b->failed = true;
		return;
	}
	check_tag(b, node, tag);
	attach(b, node);
	if (b->failed)
		return;
	keep_anchor(b, node, anchor);
	if (kind != TREE_SCALAR && kind != TREE_ALIAS)
		return enter(b, node);
	account(b, node);
	if (is_entry(b) && !key)
		hand_over(b, node);
}

static void end_node(struct tree_builder *b, struct fy_event *event)
{
	struct tree_node *node = b->open[--b->depth];
	const struct fy_mark *mark = fy_event_end_mark(event);

	if (node->flow && mark)
		node->end = (uint32_t)mark->input_pos;
	else if (node->last)
		node->end = node->last->end;
	account(b, node);
	if (is_entry(b))
		hand_over(b, node);
}

static void on_document(struct tree_builder *b, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);

	if (++b->documents < 2)
		return;
	tree_build_complain(b, mark ? (uint32_t)mark->line + 1 : 1, 1, "a second document begins; accepted: one");
	b->failed = true;
}

void tree_build_event(struct tree_builder *b, struct fy_event *event)
{
	switch (event->type) {
	case FYET_DOCUMENT_START:
		return on_document(b, event);
	case FYET_MAPPING_START:
		return begin_node(b, event, TREE_MAP, event->mapping_start.anchor, event->mapping_start.tag);
	case FYET_SEQUENCE_START:
		return begin_node(b, event, TREE_LIST, event->sequence_start.anchor, event->sequence_start.tag);
	case FYET_SCALAR:
		return begin_node(b, event, TREE_SCALAR, event->scalar.anchor, event->scalar.tag);
	case FYET_ALIAS:
		return begin_node(b, event, TREE_ALIAS, NULL, NULL);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return end_node(b, event);
	default:
		return;
	}
}
