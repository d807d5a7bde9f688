/* Replacing a value. */
#include "libmars/editor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Right behind a key's colon. */
static uint32_t after_colon(const struct editor *e, const struct tree_node *value)
{
	uint32_t at = value->key->end;

	while (at < value->start && e->text[at] != ':')
		at++;
	return at < e->len && e->text[at] == ':' ? at + 1 : at;
}

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
		return editor_refuse(e, GW_REFUSED, "its value has an anchor or begins behind its key; change it by hand");
	text = editor_splice(e, colon, colon);
	text_adds(text, " ");
	render_inline(text, value, TREE_PLAIN);
	return editor_cut_lines(e, old, old->start, old->end);
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
	at = first < n ? editor_line_start(e, items[first]->start) : editor_next_line(e, items[n - 1]->end);
	if (first < value->n - tail) {
		text = editor_splice(e, at, at);
		if (at && e->text[at - 1] != '\n') /* the text ends without a line end */
			text_adds(text, e->style.line_end);
		for (size_t i = first; i < value->n - tail; i++)
			put_item(text, e, old->column - 1, value->texts[i]);
	}
	if (first < n - tail) {
		uint32_t dash = editor_line_start(e, items[first]->start);

		while (dash < e->len && e->text[dash] == ' ')
			dash++;
		ok = editor_cut_lines(e, old, dash, items[n - tail - 1]->end);
	}
	free(items);
	return ok;
}

static bool replace_scalar(struct editor *e, const struct tree_node *old, const struct mars_value *value)
{
	enum tree_style quotes = old->kind == TREE_SCALAR && old->style != TREE_BLOCK_TEXT ? (enum tree_style)old->style : TREE_PLAIN;
	struct text *text = editor_splice(e, old->start, old->end);

	if (old->absent)
		text_adds(text, " ");
	render_inline(text, value, quotes);
	if (old->flow)
		editor_keep_comments(e, old, old->start, old->end, old->column + 1, text);
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
	uint32_t start = old->start, stop = editor_line_stop(e, old->end);
	struct mars_member member = {.value = *value};
	struct text whole = {0}, *text;

	while (start > old->key->end && e->text[start - 1] == ' ')
		start--;
	if (!old->absent)
		editor_splice(e, start, old->end);
	member.name = e->edit->path[edit_path_length(e->edit) - 1];
	render_member(&whole, &e->style, old->key->column - 1, &member);
	text = editor_splice(e, stop, stop);
	text_adds(text, strstr(whole.bytes, e->style.line_end)); /* without the key's own line */
	text_finish(&whole);
	return true;
}

static bool wants_lines(const struct mars_value *value)
{
	return value->n > 0 && (value->type == MARS_VALUE_TEXTS || value->type == MARS_VALUE_MAPPING);
}

bool editor_replace_value(struct editor *e, const struct tree_node *old, const struct mars_value *value)
{
	bool block = is_block(old);

	if (block && old->kind == TREE_LIST && value->type == MARS_VALUE_TEXTS && value->n)
		return replace_block_items(e, old, value);
	if (block)
		return replace_block(e, old, value);
	if (wants_lines(value) && !in_flow(old->parent) && old->line == old->key->line && !old->anchored &&
	    editor_next_comment(e, old, old->start, old->end) == old->end &&
	    (tree_is_null(old) || (old->kind != TREE_SCALAR && old->kind != TREE_ALIAS && old->n == 0)))
		return replace_with_lines(e, old, value);
	return replace_scalar(e, old, value);
}
