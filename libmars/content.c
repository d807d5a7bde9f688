#include "libmars/content_internal.h"

#include "libmars/render.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct content_section content_sections[SECTIONS] = {
	[MARS_PDU] = {"pdus", &mars_pdu_object},
	[MARS_DUT] = {"duts", &mars_dut_object},
	[MARS_GITLAB] = {"gitlab", &mars_gitlab_object},
};

/* --- Entries -------------------------------------------------------------------------------------------------------------------------- */

void content_entry_release(struct entry *entry)
{
	if (!entry || __atomic_sub_fetch(&entry->refs, 1, __ATOMIC_ACQ_REL))
		return;
	mars_object_finish(entry->object, entry->decoded);
	mars_notes_finish(&entry->notes);
	free(entry);
}

const char *content_entry_name(const struct entry *entry)
{
	return *(char *const *)(const void *)entry->decoded;
}

static bool name_is_usable(const char *name, size_t len)
{
	return len > 0 && len <= 128 && memchr(name, '/', len) == NULL && !mars_text_has_control(name, len, false);
}

/* A DUT whose key is a MAC needs no mac_address. */
static void settle_mac(struct maker *m, const struct tree_node *node, const struct tree_path *path, struct mars_dut *dut)
{
	char mac[18];

	if (dut->mac_address || !tree_is_null(tree_get(m->decoder.tree, node, "mac_address", 11)))
		return;
	if (mars_mac_decode(dut->id, strlen(dut->id), mac))
		dut->mac_address = gw_strdup(mac);
	else
		mars_complain(&m->decoder, node->key, path,
			      "its key is not a MAC address, so it needs a `mac_address`, as 52:54:00:11:22:0a");
}

/* Nodes that the aliases in it stand for. */
static uint64_t aliased(const struct tree_node *node)
{
	uint64_t n = node->kind == TREE_ALIAS ? node->weight : 0;

	if (node->kind == TREE_MAP || node->kind == TREE_LIST)
		for (const struct tree_node *child = node->first; child; child = child->next)
			n += aliased(child);
	return n;
}

static struct entry *decode_entry(struct maker *m, enum mars_change_what what, const struct tree_node *node)
{
	struct tree_path top = {NULL, content_sections[what].key, strlen(content_sections[what].key), 0};
	struct tree_path path = {&top, node->key->text, node->key->len, 0};
	const struct mars_object *object = content_sections[what].object;
	struct entry *entry = gw_calloc(1, sizeof(*entry) + object->size);

	entry->refs = 1;
	entry->object = object;
	entry->dash = render_dash_of(node);
	entry->aliased = aliased(node);
	m->decoder.notes = &entry->notes;
	m->decoder.entry = node->key;
	*(char **)(void *)entry->decoded = gw_strndup(node->key->text, node->key->len);
	if (!name_is_usable(node->key->text, node->key->len))
		mars_complain(&m->decoder, node->key, &path,
			      "this cannot be a name; accepted: 1 to 128 bytes without `/` and control characters");
	mars_decode_object(&m->decoder, object, node, &path, entry->decoded);
	if (what == MARS_DUT)
		settle_mac(m, node, &path, (struct mars_dut *)(void *)entry->decoded);
	return entry;
}

static bool entries_equal(const struct entry *a, const struct entry *b)
{
	if (a->dash != b->dash || a->aliased != b->aliased || a->notes.n != b->notes.n ||
	    !mars_object_equal(a->object, a->decoded, b->decoded))
		return false;
	for (size_t i = 0; i < a->notes.n; i++)
		if (a->notes.v[i].line != b->notes.v[i].line || a->notes.v[i].column != b->notes.v[i].column ||
		    strcmp(a->notes.v[i].text, b->notes.v[i].text) != 0)
			return false;
	return true;
}

struct entry *content_make_entry(struct maker *m, enum mars_change_what what, const struct tree_node *node)
{
	struct entry *entry = decode_entry(m, what, node), *old;

	old = m->before ? (struct entry *)index_find(&m->before->sections[what].by_name, content_entry_name(entry), NULL) : NULL;
	if (!old || !entries_equal(old, entry))
		return entry;
	content_entry_release(entry);
	__atomic_add_fetch(&old->refs, 1, __ATOMIC_RELAXED);
	return old;
}

/* --- A text that is read as a whole --------------------------------------------------------------------------------------------------- */

static void add_section(struct maker *m, enum mars_change_what what)
{
	const char *key = content_sections[what].key;
	const struct tree_node *node = tree_get(m->decoder.tree, tree_root(m->decoder.tree), key, strlen(key));
	const struct tree_node *map = tree_resolve(node), *value;
	struct section *section = &m->content->sections[what];
	struct tree_path top = {NULL, key, strlen(key), 0};

	if (tree_is_null(node))
		return;
	if (map->kind != TREE_MAP)
		return mars_complain(&m->decoder, node, &top,
				     "this is not a mapping; accepted: a name for each %s, and its fields under it",
				     content_sections[what].object->name);
	section->v = gw_calloc(map->n ? map->n : 1, sizeof(*section->v));
	for (value = map->first; value; value = value->next) {
		struct content_entry *to = &section->v[section->n++];

		to->node = value;
		to->entry = content_make_entry(m, what, value);
		index_put(&section->by_name, to->entry);
	}
}

static void check_root(struct maker *m)
{
	const struct tree_node *root = tree_resolve(tree_root(m->decoder.tree)), *value;

	if (tree_is_null(root))
		return;
	if (root->kind != TREE_MAP)
		return mars_complain(&m->decoder, root, NULL, "this is not a database; accepted: a mapping of pdus, duts, gitlab");
	for (value = root->first; value; value = value->next) {
		const struct mars_field *field = mars_field_find(&mars_root_object, value->key->text, value->key->len);

		if (!field)
			mars_complain_unknown(&m->decoder, value->key, NULL, &mars_root_object);
		else if (field->type == MARS_UNUSED)
			gw_errors_add(&m->content->warnings, GW_OK,
				      "%s:%u:%u: %s: known from older databases, and not used any more; it may be removed", m->decoder.name,
				      value->key->line, value->key->column, field->name);
	}
}

struct content *content_create_parsed(char *text, size_t len, struct tree *tree, const char *name, const struct mars_options *options,
				      struct content *before, struct gw_errors *errs)
{
	struct content *content = content_alloc(text, len);
	struct maker m = {.content = content, .before = before};
	size_t errors = errs->n + errs->left_out;

	content->tree = tree ? tree : tree_parse(text, len, name, errs);
	if (content->tree) {
		m.decoder = (struct decoder){.name = name, .tree = content->tree, .errs = errs};
		m.decoder.options = options ? *options : (struct mars_options){0};
		check_root(&m);
		for (int what = 0; what < SECTIONS; what++)
			add_section(&m, (enum mars_change_what)what);
		content_check(&m);
		content_collect_warnings(content, name);
	}
	if (errs->n + errs->left_out == errors)
		return content;
	content_release(content);
	return NULL;
}

struct content *content_create(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before,
			       struct gw_errors *errs)
{
	struct content *content = before ? content_update(text, len, name, options, before) : NULL;

	if (!content)
		content = content_read_plain(text, len, name, options, before);
	return content ? content : content_create_parsed(text, len, NULL, name, options, before, errs);
}

struct content *content_create_again(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before,
				     struct gw_errors *errs)
{
	if (len || !before->len)
		return content_create(text, len, name, options, before, errs);
	gw_errors_add(errs, GW_BAD_INPUT, "%s:1:1: the file is empty; accepted: a database, {} for one without anything", name);
	free(text);
	return NULL;
}

/* --- Warnings ------------------------------------------------------------------------------------------------------------------------- */

struct line_at { /* lines are counted where one is asked for */
	uint32_t at, line;
};

static uint32_t line_of(const struct content *content, const struct content_entry *entry, struct line_at *from)
{
	const char *p, *end = content->text + entry->start;

	if (entry->node)
		return entry->node->key->line;
	if (entry->start < from->at)
		*from = (struct line_at){0, 1};
	for (p = content->text + from->at; (p = memchr(p, '\n', (size_t)(end - p))); p++)
		from->line++;
	from->at = entry->start;
	return from->line;
}

void content_collect_warnings(struct content *content, const char *name)
{
	struct line_at from = {0, 1};

	for (int what = 0; what < SECTIONS; what++)
		for (size_t i = 0; i < content->sections[what].n; i++) {
			const struct content_entry *at = &content->sections[what].v[i];
			const struct notes *notes = &at->entry->notes;
			uint32_t line = notes->n ? line_of(content, at, &from) : 0;

			for (size_t n = 0; n < notes->n; n++)
				gw_errors_add(&content->warnings, GW_OK, "%s:%" PRIu32 ":%" PRIu32 ": %s", name, line + notes->v[n].line,
					      notes->v[n].column, notes->v[n].text);
		}
}

/* --- Life ----------------------------------------------------------------------------------------------------------------------------- */

static const char *name_key(const void *entry, const char **second)
{
	return content_entry_name(entry);
}

static const char *mac_key(const void *dut, const char **second)
{
	return ((const struct mars_dut *)dut)->mac_address;
}

static const char *ip_key(const void *dut, const char **second)
{
	return ((const struct mars_dut *)dut)->ip_address;
}

static const char *port_key(const void *dut, const char **second)
{
	const struct mars_dut *d = dut;

	*second = d->pdu_port_id;
	return d->pdu_port_id ? d->pdu : NULL;
}

struct content *content_alloc(char *text, size_t len)
{
	struct content *content = gw_calloc(1, sizeof(*content));

	content->refs = 1;
	content->text = text;
	content->len = len;
	content->by_mac.key = mac_key;
	content->by_ip.key = ip_key;
	content->by_port.key = port_key;
	for (int what = 0; what < SECTIONS; what++)
		content->sections[what].by_name.key = name_key;
	return content;
}

struct content *content_hold(struct content *content)
{
	__atomic_add_fetch(&content->refs, 1, __ATOMIC_RELAXED);
	return content;
}

void content_release(struct content *content)
{
	if (!content || __atomic_sub_fetch(&content->refs, 1, __ATOMIC_ACQ_REL))
		return;
	for (int what = 0; what < SECTIONS; what++) {
		for (size_t i = 0; i < content->sections[what].n; i++)
			content_entry_release(content->sections[what].v[i].entry);
		free(content->sections[what].v);
		index_finish(&content->sections[what].by_name);
	}
	index_finish(&content->by_mac);
	index_finish(&content->by_ip);
	index_finish(&content->by_port);
	gw_errors_finish(&content->warnings);
	tree_destroy(content->tree);
	free(content->text);
	free(content);
}

const void *content_decoded(const struct section *section, size_t i)
{
	return section->v[i].entry->decoded;
}
