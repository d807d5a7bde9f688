/* Inserting and removing a key with its value. */
#include "libmars/editor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool editor_insert_in_flow(struct editor *e, const struct tree_node *map, const struct mars_member *member)
{
	uint32_t at = map->last ? map->last->end : map->start + 1;
	struct text *text = editor_splice(e, at, at);

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
	uint32_t at = editor_line_start(e, value->key->start), start;

	for (; at > 0; at = start) {
		start = editor_line_start(e, at - 1);
		if (editor_line_stop(e, start) == start)
			return true;
		if (e->text[start + strspn(e->text + start, " ")] != '#')
			return false;
	}
	return false;
}

bool editor_insert_in_block(struct editor *e, const struct tree_node *map, const struct mars_member *member)
{
	uint32_t stop = editor_line_stop(e, map->last->end);
	unsigned indent = map->first->key->column - 1;
	struct render_style style = render_style_near(&e->style, map);
	struct text *text = editor_splice(e, stop, stop);

	text_adds(text, style.line_end);
	if (map->n > 1 && stands_apart(e, map->last))
		text_adds(text, style.line_end);
	render_indent(text, indent);
	render_member(text, &style, indent, member);
	return true;
}

bool editor_insert_in_empty(struct editor *e, const struct mars_member *member)
{
	const struct tree_node *root = tree_root(e->tree);
	struct text *text;

	if (root && !root->absent) /* null, {} */
		editor_splice(e, root->start, root->end);
	text = editor_splice(e, e->len, e->len);
	if (e->len && e->text[e->len - 1] != '\n')
		text_adds(text, e->style.line_end);
	render_member(text, &e->style, 0, member);
	text_adds(text, e->style.line_end);
	return true;
}

bool editor_remove_from_flow(struct editor *e, const struct tree_node *map, const struct tree_node *value)
{
	const struct tree_node *prev = NULL;

	for (const struct tree_node *v = map->first; v != value; v = v->next)
		prev = v;
	if (prev) /* what stands behind the one before is about that */
		editor_keep_comments(e, map, prev->end, value->key->start, map->column + 1, editor_splice(e, prev->end, value->end));
	else if (value->next)
		editor_keep_comments(e, map, editor_next_line(e, value->end), value->next->key->start, map->column + 1,
				     editor_splice(e, value->key->start, value->next->key->start));
	else
		editor_splice(e, value->key->start, value->end);
	return true;
}

/* The entry with the comments in it; those in front of it stay. */
bool editor_remove_lines(struct editor *e, const struct tree_node *value)
{
	uint32_t from = editor_line_start(e, value->key->start);

	if (!editor_only_blanks(e, from, value->key->start))
		return editor_refuse(e, GW_REFUSED, "other things stand in its first line; remove it by hand");
	editor_splice(e, from, editor_next_line(e, value->end > value->key->end ? value->end : value->key->end));
	return true;
}
