#include "libmars/content_edit.h"

#include "libmars/content_internal.h"
#include "libmars/edit_internal.h"
#include "libmars/render.h"

#include <stdlib.h>
#include <string.h>

/* --- The lines that edits are about -----------------------------------------------------------------------------------------------------
 */

struct lines { /* of one entry or some, in a plain text */
	uint32_t start, end;
};

static const struct section *section_of(const struct content *content, const struct mars_edit *edit)
{
	for (int what = 0; what < SECTIONS; what++)
		if (strcmp(edit->path[0], content_sections[what].key) == 0)
			return &content->sections[what];
	return NULL;
}

static size_t place_of(const struct section *section, const char *name)
{
	const struct entry *entry = index_find(&section->by_name, name, NULL);
	size_t i = 0;

	while (entry && section->v[i].entry != entry)
		i++;
	return entry ? i : section->n;
}

static uint32_t end_of(const struct section *section, size_t i)
{
	return i + 1 < section->n ? section->v[i + 1].start : section->end;
}

/* The entry's own; where there is none, those of the last two, in whose style it comes behind them. */
static bool find_lines(const struct content *content, const struct mars_edit *edits, size_t n, struct lines *lines)
{
	const struct section *section = content->tree || !n ? NULL : section_of(content, &edits[0]);
	size_t place;

	if (!section || !section->n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!edits[i].path[1] || strcmp(edits[i].path[0], edits[0].path[0]) != 0 || strcmp(edits[i].path[1], edits[0].path[1]) != 0)
			return false;
	place = place_of(section, edits[0].path[1]);
	if (place < section->n)
		*lines = (struct lines){section->v[place].start, end_of(section, place)};
	else
		*lines = (struct lines){section->v[section->n > 1 ? section->n - 2 : 0].start, section->end};
	return true;
}

/* As it is among the lines: without the section. */
static struct mars_edit inner_edit(const struct mars_edit *edit)
{
	struct mars_edit inner = *edit;

	memmove(inner.path, inner.path + 1, sizeof(inner.path) - sizeof(inner.path[0]));
	inner.path[MARS_PATH_MAX - 1] = NULL;
	inner.existing -= inner.existing > 0;
	return inner;
}

/* --- Editing them -----------------------------------------------------------------------------------------------------------------------
 */

static void look_at(const struct section *section, struct render_style *style, uint32_t *first)
{
	if (!section->n || section->v[0].start >= *first)
		return;
	*first = section->v[0].start;
	if (section->indent <= RENDER_MAX_STEP)
		style->step = section->indent;
}

/* The first section shows how far entries are indented, the first list how far its dashes are. */
static struct render_style style_of(const struct content *content)
{
	const char *end = memchr(content->text, '\n', content->len);
	struct render_style style = {.line_end = end && end > content->text && end[-1] == '\r' ? "\r\n" : "\n", .step = 2};
	uint32_t first = UINT32_MAX, list = UINT32_MAX;

	for (int what = 0; what < SECTIONS; what++)
		look_at(&content->sections[what], &style, &first);
	style.dash = style.step;
	for (int what = 0; what < SECTIONS; what++) {
		const struct section *section = &content->sections[what];
		size_t i = 0;

		while (i < section->n && section->v[i].entry->dash < 0)
			i++;
		if (i == section->n || section->v[i].start >= list)
			continue;
		list = section->v[i].start;
		if (section->v[i].entry->dash <= RENDER_MAX_STEP)
			style.dash = (unsigned)section->v[i].entry->dash;
	}
	return style;
}

static char *with_lines(const struct content *base, const struct lines *lines, const char *new, size_t new_len, size_t *len)
{
	char *text;

	*len = base->len - (lines->end - lines->start) + new_len;
	text = gw_realloc(NULL, *len + 1);
	memcpy(text, base->text, lines->start);
	if (new_len)
		memcpy(text + lines->start, new, new_len);
	memcpy(text + lines->start + new_len, base->text + lines->end, base->len - lines->end);
	text[*len] = '\0';
	return text;
}

static struct content *take_lines(struct content *base, const struct lines *lines, const char *new, size_t new_len, const char *name,
				  const struct mars_options *options)
{
	struct content *content;
	char *text;
	size_t len;

	if (new_len == lines->end - lines->start && memcmp(new, base->text + lines->start, new_len) == 0)
		return content_hold(base);
	text = with_lines(base, lines, new, new_len, &len);
	content = content_update(text, len, name, options, base);
	if (!content)
		free(text);
	return content;
}

/* NULL: this takes the whole text, be it to say why it cannot be done. */
static struct content *edit_lines(struct content *base, const char *name, const struct mars_options *options, const struct mars_edit *edits,
				  size_t n)
{
	struct gw_errors errs = {0};
	struct content *content = NULL;
	struct tree *tree, *after = NULL;
	struct render_style style;
	struct mars_edit *inner;
	struct lines lines;
	char *text;
	size_t len;

	if (!find_lines(base, edits, n, &lines))
		return NULL;
	inner = gw_calloc(n, sizeof(*inner));
	for (size_t i = 0; i < n; i++)
		inner[i] = inner_edit(&edits[i]);
	style = style_of(base);
	tree = tree_parse(base->text + lines.start, lines.end - lines.start, name, &errs);
	if (tree && mars_edit_tree(tree, name, &style, inner, n, &text, &len, &after, NULL)) {
		content = take_lines(base, &lines, text, len, name, options);
		tree_destroy(after);
		free(text);
	}
	tree_destroy(tree);
	gw_errors_finish(&errs);
	free(inner);
	return content;
}

/* --- Editing the whole text --------------------------------------------------------------------------------------------------------------
 */

static struct content *take_text(struct content *base, char *text, size_t len, struct tree *tree, const char *name,
				 const struct mars_options *options, struct gw_error *err)
{
	struct gw_errors errs = {0};
	struct content *content;

	if (len == base->len && (!len || memcmp(text, base->text, len) == 0)) {
		tree_destroy(tree);
		free(text);
		return content_hold(base);
	}
	if (!base->tree) { /* then this one may be plain, too */
		tree_destroy(tree);
		content = content_create(text, len, name, options, base, &errs);
	} else {
		content = content_create_parsed(text, len, tree, name, options, base, &errs);
	}
	if (!content && !gw_errors_none(&errs, err))
		gw_context(err, "this change would make the database invalid, so nothing was written");
	gw_errors_finish(&errs);
	return content;
}

static struct content *edit_text(struct content *base, const char *name, const struct mars_options *options, const struct mars_edit *edits,
				 size_t n, struct gw_error *err)
{
	struct gw_errors errs = {0};
	struct tree *own = base->tree ? NULL : tree_parse(base->text, base->len, name, &errs), *after = NULL;
	const struct tree *tree = base->tree ? base->tree : own;
	struct content *content = NULL;
	char *text;
	size_t len;

	if (!tree) /* the same text was read before, but piece by piece */
		gw_errors_none(&errs, err);
	else if (mars_edit_tree(tree, name, NULL, edits, n, &text, &len, &after, err))
		content = take_text(base, text, len, after, name, options, err);
	tree_destroy(own);
	gw_errors_finish(&errs);
	return content;
}

struct content *content_edit(struct content *base, const char *name, const struct mars_options *options, const struct mars_edit *edits,
			     size_t n, struct gw_error *err)
{
	struct content *content = edit_lines(base, name, options, edits, n);

	return content ? content : edit_text(base, name, options, edits, n, err);
}

/* --- Whether somebody else edited the same ----------------------------------------------------------------------------------------------
 */

/* NULL: it cannot be read by itself. */
static struct tree *read_again(const struct content *content, const struct lines *lines)
{
	struct gw_errors errs = {0};
	struct tree *tree = tree_parse(content->text + lines->start, lines->end - lines->start, "", &errs);

	gw_errors_finish(&errs);
	return tree;
}

/* The lines of the entry; none where there is no such entry. False: not a plain text, or not an entry's edit. */
static bool own_lines(const struct content *content, const struct mars_edit *edit, struct lines *lines)
{
	const struct section *section = content->tree || !edit->path[1] ? NULL : section_of(content, edit);
	size_t place = section ? place_of(section, edit->path[1]) : 0;

	if (!section)
		return false;
	*lines = place < section->n ? (struct lines){section->v[place].start, end_of(section, place)} : (struct lines){0, 0};
	return true;
}

bool content_disagree(const struct content *seen, const struct content *now, const struct mars_edit *edit)
{
	struct lines a = {0, (uint32_t)seen->len}, b = {0, (uint32_t)now->len};
	bool inner = own_lines(seen, edit, &a) && own_lines(now, edit, &b);
	struct mars_edit at = inner ? inner_edit(edit) : *edit;
	const struct tree *old = seen->tree, *new = now->tree;
	struct tree *x = NULL, *y = NULL;
	bool disagree;

	if (!inner)
		a = (struct lines){0, (uint32_t)seen->len};
	if (inner || !old)
		old = x = read_again(seen, &a);
	if (inner || !new)
		new = y = read_again(now, &b);
	disagree = !old || !new || mars_edit_disagrees(old, new, &at); /* what cannot be compared is not overwritten */
	tree_destroy(x);
	tree_destroy(y);
	return disagree;
}
