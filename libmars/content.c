#include "libmars/content.h"

#include "libmars/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *key;
	const struct mars_object *object;
} sections[] = {
	[MARS_PDU] = {"pdus", &mars_pdu_object},
	[MARS_DUT] = {"duts", &mars_dut_object},
	[MARS_GITLAB] = {"gitlab", &mars_gitlab_object},
};
#define SECTIONS 3

struct maker {
	struct decoder decoder;
	struct content *content, *before;
};

static void entry_release(struct entry *entry)
{
	if (!entry || __atomic_sub_fetch(&entry->refs, 1, __ATOMIC_ACQ_REL))
		return;
	mars_object_finish(entry->object, entry->decoded);
	free(entry);
}

static const char *entry_name(const struct entry *entry)
{
	return *(char *const *)(const void *)entry->decoded;
}

/* The entry of `before` that says the same, or NULL. One with warnings is decoded anew, to warn of this file's lines. */
static struct entry *find_unchanged(const struct maker *m, enum mars_change_what what, const struct tree_node *node)
{
	const struct content_entry *old;
	char *name;

	if (!m->before)
		return NULL;
	name = gw_strndup(node->key->text, node->key->len);
	old = index_find(&m->before->sections[what].by_name, name, NULL);
	free(name);
	if (!old || old->warned || !tree_equal(m->before->tree, old->node, m->decoder.tree, node))
		return NULL;
	__atomic_add_fetch(&old->entry->refs, 1, __ATOMIC_RELAXED);
	return old->entry;
}

static bool name_is_usable(const char *name, size_t len)
{
	return len > 0 && len <= 128 && memchr(name, '\0', len) == NULL && memchr(name, '/', len) == NULL &&
	       memchr(name, '\n', len) == NULL;
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

static struct entry *decode_entry(struct maker *m, enum mars_change_what what, const struct tree_node *node, const struct tree_path *path)
{
	const struct mars_object *object = sections[what].object;
	struct entry *entry = gw_calloc(1, sizeof(*entry) + object->size);

	entry->refs = 1;
	entry->object = object;
	*(char **)(void *)entry->decoded = gw_strndup(node->key->text, node->key->len);
	if (!name_is_usable(node->key->text, node->key->len))
		mars_complain(&m->decoder, node->key, path, "this cannot be a name; accepted: 1 to 128 bytes without `/` and line ends");
	mars_decode_object(&m->decoder, object, node, path, entry->decoded);
	if (what == MARS_DUT)
		settle_mac(m, node, path, (struct mars_dut *)(void *)entry->decoded);
	return entry;
}

static void add_section(struct maker *m, enum mars_change_what what)
{
	const struct tree_node *node = tree_get(m->decoder.tree, tree_root(m->decoder.tree), sections[what].key,
						strlen(sections[what].key));
	const struct tree_node *map = tree_resolve(node), *value;
	struct section *section = &m->content->sections[what];
	struct tree_path top = {NULL, sections[what].key, strlen(sections[what].key), 0};

	if (tree_is_null(node))
		return;
	if (map->kind != TREE_MAP)
		return mars_complain(&m->decoder, node, &top,
				     "this is not a mapping; accepted: a name for each %s, and its fields under it",
				     sections[what].object->name);
	section->v = gw_calloc(map->n ? map->n : 1, sizeof(*section->v));
	for (value = map->first; value; value = value->next) {
		struct tree_path path = {&top, value->key->text, value->key->len, 0};
		struct content_entry *to = &section->v[section->n++];
		size_t warnings = m->decoder.warnings->n;

		to->node = value;
		to->entry = find_unchanged(m, what, value);
		if (!to->entry)
			to->entry = decode_entry(m, what, value, &path);
		to->warned = m->decoder.warnings->n > warnings || m->decoder.warnings->left_out;
		index_put(&section->by_name, entry_name(to->entry), NULL, to);
	}
}

/* --- What must agree between entries ------------------------------------------------------------------------------------------------ */

struct dut_place {
	const struct mars_dut *dut;
	const struct tree_node *node;
	struct tree_path *path;
};

static const struct tree_node *field_place(struct maker *m, const struct dut_place *at, const char *field)
{
	const struct tree_node *node = tree_get(m->decoder.tree, at->node, field, strlen(field));

	return node ? node : at->node->key;
}

static void check_unique(struct maker *m, const struct dut_place *at, struct index *index, const char *field, const char *key,
			 const char *second)
{
	const struct mars_dut *other = key ? index_put(index, key, second, at->dut) : NULL;
	struct tree_path path = {at->path, field, strlen(field), 0};
	char shown[80], id[140];

	if (!other)
		return;
	tree_show(key, strlen(key), shown, sizeof(shown));
	tree_show(other->id, strlen(other->id), id, sizeof(id));
	if (second)
		mars_complain(&m->decoder, field_place(m, at, field), &path, "port '%.64s' of PDU '%s' is that of '%s' already", second,
			      shown, id);
	else
		mars_complain(&m->decoder, field_place(m, at, field), &path, "'%s' is that of '%s' already", shown, id);
}

/* NULL-terminated, borrowed names; freed by the caller. */
static const char **section_names(const struct section *section)
{
	const char **names = gw_calloc(section->n + 1, sizeof(*names));

	for (size_t i = 0; i < section->n; i++)
		names[i] = entry_name(section->v[i].entry);
	return names;
}

static void complain_missing(struct maker *m, const struct tree_node *node, const struct tree_path *path, const char *name,
			     const char *what, enum mars_change_what section)
{
	const char **names = section_names(&m->content->sections[section]);
	const char *nearest = mars_nearest(names, name, strlen(name));
	char shown[80], meant[160] = "";

	if (nearest)
		snprintf(meant, sizeof(meant), "; did you mean '%.128s'?", nearest);
	mars_complain(&m->decoder, node, path, "'%s' is not %s under `%s`%s", tree_show(name, strlen(name), shown, sizeof(shown)), what,
		      sections[section].key, meant);
	free(names);
}

static bool is_virtual_pdu(const struct maker *m, const char *name)
{
	const char *virtual_pdu = m->decoder.options.virtual_pdu;

	return virtual_pdu && !m->content->sections[MARS_PDU].n && strcmp(virtual_pdu, name) == 0;
}

static void check_dut_references(struct maker *m, const struct dut_place *at)
{
	const struct mars_dut *dut = at->dut;
	const struct mars_dut_gitlab *gitlab = dut->gitlab.v;
	struct tree_path pdu = {at->path, "pdu", 3, 0}, gitlabs = {at->path, "gitlab", 6, 0};
	const struct tree_node *map = tree_get(m->decoder.tree, at->node, "gitlab", 6);

	if (dut->pdu && !index_find(&m->content->sections[MARS_PDU].by_name, dut->pdu, NULL) && !is_virtual_pdu(m, dut->pdu))
		complain_missing(m, field_place(m, at, "pdu"), &pdu, dut->pdu, "a PDU", MARS_PDU);
	if (dut->pdu_port_id && !dut->pdu)
		mars_complain(&m->decoder, field_place(m, at, "pdu_port_id"), at->path, "a `pdu_port_id` needs a `pdu`");
	for (size_t i = 0; i < dut->gitlab.n; i++) {
		const struct tree_node *value = tree_get(m->decoder.tree, map, gitlab[i].name, strlen(gitlab[i].name));

		if (!index_find(&m->content->sections[MARS_GITLAB].by_name, gitlab[i].name, NULL))
			complain_missing(m, value ? value->key : map, &gitlabs, gitlab[i].name, "a GitLab instance", MARS_GITLAB);
	}
}

static void check_duts(struct maker *m)
{
	const struct section *duts = &m->content->sections[MARS_DUT];
	struct tree_path top = {NULL, "duts", 4, 0};

	for (size_t i = 0; i < duts->n; i++) {
		const struct mars_dut *dut = content_decoded(duts, i);
		struct tree_path path = {&top, dut->id, strlen(dut->id), 0};
		struct dut_place at = {dut, duts->v[i].node, &path};

		check_unique(m, &at, &m->content->by_mac, "mac_address", dut->mac_address, NULL);
		check_unique(m, &at, &m->content->by_ip, "ip_address", dut->ip_address, NULL);
		if (dut->pdu_port_id && dut->pdu)
			check_unique(m, &at, &m->content->by_port, "pdu_port_id", dut->pdu, dut->pdu_port_id);
		check_dut_references(m, &at);
	}
}

static void check_gitlab(struct maker *m)
{
	const struct section *section = &m->content->sections[MARS_GITLAB];
	struct tree_path top = {NULL, "gitlab", 6, 0};

	for (size_t i = 0; i < section->n; i++) {
		const struct mars_gitlab *g = content_decoded(section, i);
		struct tree_path path = {&top, g->name, strlen(g->name), 0};

		if (g->runner_type && strcmp(g->runner_type, "group_type") == 0 && g->group_id < 0)
			mars_complain(&m->decoder, section->v[i].node->key, &path, "a runner_type of group_type needs a `group_id`");
		if (g->runner_type && strcmp(g->runner_type, "project_type") == 0 && g->project_id < 0)
			mars_complain(&m->decoder, section->v[i].node->key, &path, "a runner_type of project_type needs a `project_id`");
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
			gw_errors_add(m->decoder.warnings, GW_OK,
				      "%s:%u:%u: %s: known from older databases, and not used any more; it may be removed", m->decoder.name,
				      value->key->line, value->key->column, field->name);
	}
}

struct content *content_create_parsed(char *text, size_t len, struct tree *tree, const char *name, const struct mars_options *options,
				      struct content *before, struct gw_errors *errs)
{
	struct content *content = gw_calloc(1, sizeof(*content));
	struct maker m = {.content = content, .before = before};
	size_t errors = errs->n + errs->left_out;

	content->refs = 1;
	content->text = text;
	content->len = len;
	content->tree = tree ? tree : tree_parse(text, len, name, errs);
	if (content->tree) {
		m.decoder = (struct decoder){.name = name, .tree = content->tree, .errs = errs, .warnings = &content->warnings};
		m.decoder.options = options ? *options : (struct mars_options){0};
		check_root(&m);
		for (int what = 0; what < SECTIONS; what++)
			add_section(&m, (enum mars_change_what)what);
		check_gitlab(&m);
		check_duts(&m);
	}
	if (errs->n + errs->left_out == errors)
		return content;
	content_release(content);
	return NULL;
}

struct content *content_create(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before,
			       struct gw_errors *errs)
{
	return content_create_parsed(text, len, NULL, name, options, before, errs);
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
			entry_release(content->sections[what].v[i].entry);
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

/* --- What differs ------------------------------------------------------------------------------------------------------------------- */

static void add_change(struct mars_changes *changes, enum mars_change_what what, enum mars_change_kind kind, const char *name,
		       uint32_t fields)
{
	if ((changes->n & (changes->n - 1)) == 0)
		changes->v = gw_realloc(changes->v, (changes->n ? changes->n * 2 : 1) * sizeof(*changes->v));
	changes->v[changes->n++] = (struct mars_change){what, kind, gw_strdup(name), fields};
}

static void diff_removed(const struct content *before, const struct content *after, enum mars_change_what what,
			 struct mars_changes *changes)
{
	const struct section *section = &before->sections[what];

	for (size_t i = 0; i < section->n; i++)
		if (!index_find(&after->sections[what].by_name, entry_name(section->v[i].entry), NULL))
			add_change(changes, what, MARS_REMOVED, entry_name(section->v[i].entry), 0);
}

static void diff_others(const struct content *before, const struct content *after, enum mars_change_what what, struct mars_changes *changes)
{
	const struct section *section = &after->sections[what];

	for (size_t i = 0; i < section->n; i++) {
		const struct entry *new = section->v[i].entry;
		const struct content_entry *old = index_find(&before->sections[what].by_name, entry_name(new), NULL);
		uint32_t fields = !old || old->entry == new ? 0
							    : mars_object_diff(sections[what].object, old->entry->decoded, new->decoded);

		if (!old)
			add_change(changes, what, MARS_ADDED, entry_name(new), 0);
		else if (fields)
			add_change(changes, what, MARS_CHANGED, entry_name(new), fields);
	}
}

void content_diff(const struct content *before, const struct content *after, struct mars_changes *changes)
{
	static const enum mars_change_what removal[] = {MARS_DUT, MARS_GITLAB, MARS_PDU}, addition[] = {MARS_PDU, MARS_GITLAB, MARS_DUT};

	for (int i = 0; i < SECTIONS; i++)
		diff_removed(before, after, removal[i], changes);
	for (int i = 0; i < SECTIONS; i++)
		diff_others(before, after, addition[i], changes);
}

void mars_changes_finish(struct mars_changes *changes)
{
	for (size_t i = 0; i < changes->n; i++)
		free(changes->v[i].name);
	free(changes->v);
	*changes = (struct mars_changes){0};
}
