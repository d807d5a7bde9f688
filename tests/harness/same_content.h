/* Whether a database that was read entry by entry, or after an edit around the edit alone, is what reading the whole text makes of it: the
 * same entries in the same order, the same values, at the same places, with the same warnings. For a test and a fuzz target. */
#ifndef TESTS_SAME_CONTENT_H
#define TESTS_SAME_CONTENT_H

#include <stdio.h>
#include <string.h>

#include "libmars/content_internal.h"

/* The same nodes, moved by `bytes` and `lines`. */
static bool same_nodes(const struct tree_node *a, const struct tree_node *b, uint32_t bytes, uint32_t lines)
{
	const struct tree_node *u, *v;

	if (a->kind != b->kind || a->style != b->style || a->flow != b->flow || a->absent != b->absent || a->n != b->n || a->len != b->len)
		return false;
	if (a->start + bytes != b->start || a->end + bytes != b->end || a->line + lines != b->line || a->column != b->column)
		return false;
	if (a->len && memcmp(a->text, b->text, a->len) != 0)
		return false;
	if (!a->key != !b->key || (a->key && a->parent->parent && !same_nodes(a->key, b->key, bytes, lines)))
		return false;
	if (a->kind == TREE_SCALAR || a->kind == TREE_ALIAS)
		return true;
	for (u = a->first, v = b->first; u; u = u->next, v = v->next)
		if (!same_nodes(u, v, bytes, lines))
			return false;
	return true;
}

/* The entry's own lines read as the entry and nothing else. */
static bool same_lines(const struct content *plain, const struct section *section, size_t i, const struct tree_node *value)
{
	uint32_t start = section->v[i].start, end = i + 1 < section->n ? section->v[i + 1].start : section->end;
	struct gw_errors errs = {0};
	struct tree *tree = tree_parse(plain->text + start, end - start, "", &errs);
	const struct tree_node *own = tree && tree_root(tree) ? tree_root(tree)->first : NULL;
	bool same = own && !own->next && same_nodes(own, value, start, value->key->line - 1) &&
		    own->key->start + start == value->key->start && own->key->line == 1 && own->key->column == value->key->column;

	tree_destroy(tree);
	gw_errors_finish(&errs);
	return same;
}

static bool same_finds(const struct index *a, const struct index *b, const void *x, const void *y)
{
	const char *second = NULL, *key = a->key(x, &second);

	return !key || (index_find(a, key, second) == x && index_find(b, key, second) == y);
}

static const char *section_difference(const struct content *plain, const struct content *whole, int what)
{
	const struct section *a = &plain->sections[what], *b = &whole->sections[what];

	if (a->n != b->n || a->by_name.used != b->by_name.used)
		return "another number of entries";
	for (size_t i = 0; i < a->n; i++) {
		const struct entry *x = a->v[i].entry, *y = b->v[i].entry;

		if (!mars_object_equal(x->object, x->decoded, y->decoded) || x->dash != y->dash || x->aliased != y->aliased)
			return "another entry";
		if (!same_lines(plain, a, i, b->v[i].node))
			return "an entry at another place";
		if (!same_finds(&a->by_name, &b->by_name, x, y))
			return "an entry is not found by its name";
		if (what == MARS_DUT && (!same_finds(&plain->by_mac, &whole->by_mac, x->decoded, y->decoded) ||
					 !same_finds(&plain->by_ip, &whole->by_ip, x->decoded, y->decoded) ||
					 !same_finds(&plain->by_port, &whole->by_port, x->decoded, y->decoded)))
			return "a DUT is not found by its MAC, IP or port";
	}
	return NULL;
}

/* NULL: none. `plain` is a content without a tree, of the same text as `whole`. */
static const char *content_difference(const struct content *plain, const struct content *whole)
{
	const char *difference = plain->by_mac.used != whole->by_mac.used || plain->by_ip.used != whole->by_ip.used ||
						 plain->by_port.used != whole->by_port.used
					 ? "other MACs, IPs or ports"
					 : NULL;

	if (plain->warnings.n != whole->warnings.n || plain->warnings.left_out != whole->warnings.left_out)
		return "another number of warnings";
	for (size_t i = 0; i < plain->warnings.n; i++)
		if (strcmp(plain->warnings.v[i].text, whole->warnings.v[i].text) != 0)
			return "another warning";
	for (int what = 0; !difference && what < SECTIONS; what++)
		difference = section_difference(plain, whole, what);
	return difference;
}

/* The text as a whole; NULL if it is not valid. */
static struct content *whole_content(const char *text, size_t len)
{
	struct gw_errors errs = {0};
	char *copy = gw_calloc(len + 1, 1);
	struct content *content;

	if (len)
		memcpy(copy, text, len);
	content = content_create_parsed(copy, len, NULL, "db", NULL, NULL, &errs);
	gw_errors_finish(&errs);
	return content;
}

/* Takes `content` (NULL: that is fine) as what was read from `text`. NULL: it is what the whole text is. */
static const char *plain_difference(const struct content *content, const char *text, size_t len)
{
	struct content *whole = content ? whole_content(text, len) : NULL;
	const char *difference = !content ? NULL : !whole ? "the whole text is not valid" : content_difference(content, whole);

	content_release(whole);
	return difference;
}

#endif
