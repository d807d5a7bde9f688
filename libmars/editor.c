/* The bytes around an edit: lines, comments, and what is to stand in their place. */
#include "libmars/editor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t edit_path_length(const struct mars_edit *edit)
{
	size_t n = 0;

	while (n < MARS_PATH_MAX && edit->path[n])
		n++;
	return n;
}

bool editor_refuse(const struct editor *e, enum gw_error_kind kind, const char *fmt, ...)
{
	struct tree_path levels[MARS_PATH_MAX] = {0};
	size_t n = edit_path_length(e->edit);
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

struct text *editor_splice(struct editor *e, uint32_t start, uint32_t end)
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

void editor_apply(struct editor *e, struct text *out)
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

uint32_t editor_line_start(const struct editor *e, uint32_t at)
{
	while (at > 0 && e->text[at - 1] != '\n')
		at--;
	return at;
}

/* Before the line's end, CR or LF. */
uint32_t editor_line_stop(const struct editor *e, uint32_t at)
{
	while (at < e->len && e->text[at] != '\n')
		at++;
	return at > 0 && at <= e->len && e->text[at - 1] == '\r' ? at - 1 : at;
}

uint32_t editor_next_line(const struct editor *e, uint32_t at)
{
	while (at < e->len && e->text[at] != '\n')
		at++;
	return at < e->len ? at + 1 : at;
}

bool editor_only_blanks(const struct editor *e, uint32_t from, uint32_t to)
{
	for (; from < to; from++)
		if (e->text[from] != ' ')
			return false;
	return true;
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
uint32_t editor_next_comment(const struct editor *e, const struct tree_node *node, uint32_t at, uint32_t to)
{
	for (; at < to; at++)
		if (e->text[at] == '#' && (!at || strchr(" \t\r\n", e->text[at - 1])) && !covering_in(node, at))
			return at;
	return to;
}

/* The lines from that of `from` to that of `to` (the end of what is there), which hold `node`, go. Their comments stay, in lines of their
 * own. */
bool editor_cut_lines(struct editor *e, const struct tree_node *node, uint32_t from, uint32_t to)
{
	uint32_t at = editor_line_start(e, from), end = editor_next_line(e, to), comment = at;
	struct text *kept;

	if (!editor_only_blanks(e, at, from))
		return editor_refuse(e, GW_REFUSED, "other things stand in its first line; change it by hand");
	kept = editor_splice(e, at, end);
	while ((comment = editor_next_comment(e, node, comment, end)) < end) {
		uint32_t start = editor_line_start(e, comment), blank = start, stop = editor_next_line(e, comment);

		while (e->text[blank] == ' ')
			blank++;
		text_add(kept, e->text + start, blank - start);
		text_add(kept, e->text + comment, stop - comment);
		comment = stop;
	}
	return true;
}

/* The comments inside of what is replaced or removed, behind what comes in its place. */
void editor_keep_comments(struct editor *e, const struct tree_node *node, uint32_t from, uint32_t to, unsigned indent, struct text *text)
{
	bool any = false;

	while ((from = editor_next_comment(e, node, from, to)) < to) {
		uint32_t stop = editor_line_stop(e, from);

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
