/* A plain text (tree_stream.h), read entry by entry; after an edit, the entries around it alone.
 *
 * Why lines out of the middle can be read alone: they begin where an entry's key does and end where another's does, and what is read there
 * ends there. In block style a line that is indented no deeper than the keys ends whatever came before it but quotes and brackets, and
 * those that were open at the end of the lines would not have been read without an error. What reaches further than its lines makes a text
 * not plain: anchors used in other entries, markers and directives of documents, keys that are not written in front of their line, line
 * ends of old Macs, tabs in front of a line. Then, and for every error, the whole is read as a tree.
 */
#include "libmars/content_internal.h"
#include "libmars/tree_stream.h"

#include <stdlib.h>
#include <string.h>

/* --- Taking entries ------------------------------------------------------------------------------------------------------------------- */

struct reading { /* of a text, or of lines out of its middle */
	struct maker *m;
	int what;                    /* lines: of this section; -1: of all */
	struct section *to;          /* where the entries go */
	const struct tree_node *map; /* whose entries go there */
	uint32_t base, end;          /* where the lines begin; where they end among themselves */
};

static int section_named(const struct tree_node *key)
{
	for (int what = 0; what < SECTIONS; what++)
		if (tree_is(key, content_sections[what].key))
			return what;
	return -1;
}

static bool choose_section(struct reading *r, const struct tree_node *value)
{
	if (r->map == value->parent)
		return true;
	r->map = value->parent;
	if (r->map->key) { /* of a whole text */
		r->what = section_named(r->map->key);
		r->to = r->what < 0 ? NULL : &r->m->content->sections[r->what];
		if (r->to)
			r->to->indent = value->key->column - 1;
	}
	return r->to && value->key->column == r->to->indent + 1;
}

static void append(struct section *to, struct content_entry entry)
{
	if ((to->n & (to->n - 1)) == 0)
		to->v = gw_realloc(to->v, (to->n ? to->n * 2 : 1) * sizeof(*to->v));
	to->v[to->n++] = entry;
}

static bool take_entry(void *data, const struct tree *tree, const struct tree_node *value)
{
	struct reading *r = data;
	struct content_entry entry = {.start = r->base + value->key->start - (value->key->column - 1)};

	if (value->key->start >= r->end) /* what ends the lines */
		return true;
	r->m->decoder.tree = tree;
	if (!choose_section(r, value))
		return false;
	entry.entry = content_make_entry(r->m, (enum mars_change_what)r->what, value);
	append(r->to, entry);
	r->m->content->aliased += entry.entry->aliased;
	return !r->m->decoder.errs->n;
}

static struct maker begin(struct content *content, const char *name, const struct mars_options *options, struct content *before,
			  struct gw_errors *errs)
{
	struct maker m = {.content = content, .before = before};

	m.decoder = (struct decoder){.name = name, .errs = errs};
	m.decoder.options = options ? *options : (struct mars_options){0};
	return m;
}

/* Nothing was complained about: the content. Else its text stays the caller's. */
static struct content *finish(struct content *content, struct gw_errors *errs, const char *name, bool ok)
{
	ok = ok && !errs->n && content->aliased <= MARS_MAX_ALIASED;
	gw_errors_finish(errs);
	if (ok) {
		content_collect_warnings(content, name);
		return content;
	}
	content->text = NULL;
	content_release(content);
	return NULL;
}

/* --- The whole text ------------------------------------------------------------------------------------------------------------------- */

static bool has_lone_cr(const char *text, size_t len)
{
	const char *end = text + len;

	for (const char *cr = text; cr < end && (cr = memchr(cr, '\r', (size_t)(end - cr))); cr++)
		if (cr + 1 == end || cr[1] != '\n')
			return true;
	return false;
}

/* In front of the first key: comments and `---`, so no directive that changes what follows. */
static bool head_is_plain(const char *text, size_t len)
{
	for (const char *end = text + len, *next; text < end; text = next) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));

		next = stop ? stop + 1 : end;
		while (text < next && *text == ' ')
			text++;
		if (next - text >= 3 && memcmp(text, "---", 3) == 0)
			text += 3;
		while (text < next && strchr(" \r\n", *text))
			text++;
		if (text < next && *text != '#')
			return false;
	}
	return true;
}

static uint32_t line_of_key(const struct tree_node *value)
{
	return value->key->start - (value->key->column - 1);
}

static bool take_bounds(struct content *content, const struct tree_node *root)
{
	if (!root || root->kind != TREE_MAP || !root->first || !head_is_plain(content->text, line_of_key(root->first)))
		return false;
	for (const struct tree_node *value = root->first; value; value = value->next) {
		int what = section_named(value->key);

		if (what < 0)
			return false;
		content->sections[what].end = value->next ? line_of_key(value->next) : (uint32_t)content->len;
	}
	return true;
}

/* False: two of one name. */
static bool name_entries(struct section *section, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (index_put(&section->by_name, section->v[i].entry))
			return false;
	return true;
}

struct content *content_read_plain(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before)
{
	struct content *content = content_alloc(text, len);
	struct gw_errors errs = {0};
	struct maker m = begin(content, name, options, before, &errs);
	struct reading r = {.m = &m, .what = -1, .end = UINT32_MAX};
	struct tree *tree = len && !has_lone_cr(text, len) ? tree_stream(text, len, 2, take_entry, &r) : NULL;
	bool ok = tree && take_bounds(content, tree_root(tree));

	tree_destroy(tree);
	m.decoder.tree = NULL;
	for (int what = 0; ok && what < SECTIONS; what++)
		ok = name_entries(&content->sections[what], 0, content->sections[what].n);
	if (ok)
		content_check(&m);
	return finish(content, &errs, name, ok);
}

/* --- What an edit changed ------------------------------------------------------------------------------------------------------------- */

#define BLOCK 4096

static size_t common_start(const char *a, const char *b, size_t len)
{
	size_t n = 0;

	while (len - n >= BLOCK && memcmp(a + n, b + n, BLOCK) == 0)
		n += BLOCK;
	while (n < len && a[n] == b[n])
		n++;
	return n;
}

static size_t common_end(const char *a_end, const char *b_end, size_t len)
{
	size_t n = 0;

	while (len - n >= BLOCK && memcmp(a_end - n - BLOCK, b_end - n - BLOCK, BLOCK) == 0)
		n += BLOCK;
	while (n < len && a_end[-(ptrdiff_t)n - 1] == b_end[-(ptrdiff_t)n - 1])
		n++;
	return n;
}

struct update {
	struct content *before, *content;
	size_t from, to; /* what differs, in the text before */
	ptrdiff_t grown; /* what behind it moves by */
	enum mars_change_what what;
	size_t first, last;  /* the entries from first to before last are read anew */
	uint32_t start, end; /* their lines, in the new text */
};

static bool find_section(struct update *u)
{
	for (int what = 0; what < SECTIONS; what++) {
		const struct section *section = &u->before->sections[what];
		bool to_the_end = section->end == u->before->len;

		if (section->n && u->from > section->v[0].start && (u->to < section->end || to_the_end)) {
			u->what = (enum mars_change_what)what;
			return true;
		}
	}
	return false;
}

/* The first entry that begins behind `at`; n: none. */
static size_t entry_behind(const struct section *section, size_t at)
{
	size_t low = 0, high = section->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (section->v[mid].start > at)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* The entries in which something differs and a neighbour on each side, which what was added may belong to. */
static bool find_entries(struct update *u)
{
	const struct section *section = &u->before->sections[u->what];
	size_t first = entry_behind(section, u->from), last = entry_behind(section, u->to);
	uint32_t end;

	u->first = first >= 2 ? first - 2 : 0;
	u->last = last < section->n ? last + 1 : last;
	end = u->last < section->n ? section->v[u->last].start : section->end;
	u->start = section->v[u->first].start;
	u->end = (uint32_t)((ptrdiff_t)end + u->grown);
	return u->end > u->start;
}

static bool lines_are_plain(const char *text, size_t len, unsigned indent)
{
	for (const char *end = text + len, *next; text < end; text = next) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		unsigned blanks = 0;

		next = stop ? stop + 1 : end;
		while (text < next && *text == ' ') {
			blanks++;
			text++;
		}
		if (text == next || *text == '\n' || *text == '\r' || *text == '#')
			continue;
		if (blanks < indent || *text == '\t')
			return false;
	}
	return true;
}

static void copy_entries(struct section *to, const struct section *from, size_t first, size_t last, ptrdiff_t grown)
{
	for (size_t i = first; i < last; i++) {
		struct content_entry entry = from->v[i];

		__atomic_add_fetch(&entry.entry->refs, 1, __ATOMIC_RELAXED);
		entry.start = (uint32_t)((ptrdiff_t)entry.start + grown);
		to->v[to->n++] = entry;
	}
}

static uint32_t moved(const struct update *u, uint32_t at)
{
	return at >= u->to ? (uint32_t)((ptrdiff_t)at + u->grown) : at;
}

/* All but the entries of the section that something changed in. */
static void copy_section(struct update *u, int what)
{
	const struct section *from = &u->before->sections[what];
	struct section *to = &u->content->sections[what];

	*to = (struct section){.by_name = index_dup(&from->by_name), .indent = from->indent, .end = moved(u, from->end)};
	if (what == (int)u->what)
		return;
	to->v = gw_calloc(from->n ? from->n : 1, sizeof(*to->v));
	copy_entries(to, from, 0, from->n, from->n && from->v[0].start >= u->to ? u->grown : 0);
}

static void forget_entry(struct content *content, enum mars_change_what what, const struct entry *entry)
{
	index_remove(&content->sections[what].by_name, entry);
	content->aliased -= entry->aliased;
	if (what != MARS_DUT)
		return;
	index_remove(&content->by_mac, entry->decoded);
	index_remove(&content->by_ip, entry->decoded);
	index_remove(&content->by_port, entry->decoded);
}

/* The section with `found` in the place of the entries that were read anew. */
static bool splice_section(struct update *u, struct maker *m, const struct section *found)
{
	const struct section *from = &u->before->sections[u->what];
	struct section *to = &u->content->sections[u->what];
	size_t n = u->first + found->n + (from->n - u->last);

	for (size_t i = u->first; i < u->last; i++)
		forget_entry(u->content, u->what, from->v[i].entry);
	to->v = gw_calloc(n ? n : 1, sizeof(*to->v));
	copy_entries(to, from, 0, u->first, 0);
	copy_entries(to, found, 0, found->n, 0);
	copy_entries(to, from, u->last, from->n, u->grown);
	if (!n || !name_entries(to, u->first, u->first + found->n))
		return false;
	for (size_t i = u->first; i < u->first + found->n; i++)
		content_check_one(m, u->what, &to->v[i]);
	content_check_count(m);
	if (u->what != MARS_DUT)
		content_check_references(m);
	return true;
}

static void release_found(struct section *found)
{
	for (size_t i = 0; i < found->n; i++)
		content_entry_release(found->v[i].entry);
	free(found->v);
}

/* The lines, and one more entry where others follow in the file: a text's end is not what ends them there, and libfyaml 0.7.12 lets a last
 * line pass there that is no key. */
static char *closed_lines(const struct update *u, unsigned indent, size_t *len)
{
	static const char closing[] = "~: ~\n";
	size_t lines = u->end - u->start, more = u->end < u->content->len ? indent + sizeof(closing) - 1 : 0;
	char *text = gw_realloc(NULL, lines + more + 1);

	memcpy(text, u->content->text + u->start, lines);
	if (more) {
		memset(text + lines, ' ', indent);
		memcpy(text + lines + indent, closing, sizeof(closing) - 1);
	}
	*len = lines + more;
	return text;
}

static struct content *read_lines(struct update *u, const char *name, const struct mars_options *options)
{
	struct gw_errors errs = {0};
	struct maker m = begin(u->content, name, options, u->before, &errs);
	struct section found = {.indent = u->before->sections[u->what].indent};
	struct reading r = {.m = &m, .what = (int)u->what, .to = &found, .base = u->start, .end = u->end - u->start};
	struct tree *tree;
	size_t len;
	char *lines = closed_lines(u, found.indent, &len);
	bool ok = lines_are_plain(lines, len, found.indent) && !has_lone_cr(lines, len);

	tree = ok ? tree_stream(lines, len, 1, take_entry, &r) : NULL;
	m.decoder.tree = NULL;
	ok = tree && splice_section(u, &m, &found);
	tree_destroy(tree);
	free(lines);
	release_found(&found);
	return finish(u->content, &errs, name, ok);
}

struct content *content_update(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before)
{
	size_t shorter = len < before->len ? len : before->len;
	struct update u = {.before = before, .grown = (ptrdiff_t)len - (ptrdiff_t)before->len};

	if (before->tree || len > MARS_MAX_SIZE)
		return NULL;
	u.from = common_start(text, before->text, shorter);
	u.to = before->len - common_end(text + len, before->text + before->len, shorter - u.from);
	if (!find_section(&u) || !find_entries(&u))
		return NULL;
	u.content = content_alloc(text, len);
	u.content->by_mac = index_dup(&before->by_mac);
	u.content->by_ip = index_dup(&before->by_ip);
	u.content->by_port = index_dup(&before->by_port);
	u.content->aliased = before->aliased;
	for (int what = 0; what < SECTIONS; what++)
		copy_section(&u, what);
	return read_lines(&u, name, options);
}
