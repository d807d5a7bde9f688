/* What must agree between entries: what is unique, and what names another entry. */
#include "libmars/content_internal.h"

#include "libgateway/shared_bounds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dut_place {
	const struct mars_dut *dut;
	const struct tree_node *node;
	struct tree_path *path;
};

static const struct tree_node *field_place(struct maker *m, const struct dut_place *at, const char *field)
{
	const struct tree_node *node = tree_get(m->decoder.tree, at->node, field, strlen(field));

	return node || !at->node ? node : at->node->key;
}

static void check_unique(struct maker *m, const struct dut_place *at, struct index *index, const char *field, const char *key,
			 const char *second)
{
	const struct mars_dut *other = key ? index_put(index, at->dut) : NULL;
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
		names[i] = content_entry_name(section->v[i].entry);
	return names;
}

/* "; accepted: a, b, ...", as many as there is room for. */
static void list_names(const char *const *names, char *out, size_t size)
{
	size_t used = (size_t)snprintf(out, size, "%s", *names ? "; accepted: " : "; there is none");
	char shown[140];

	for (size_t i = 0; names[i]; i++) {
		tree_show(names[i], strlen(names[i]), shown, sizeof(shown));
		if (used + strlen(shown) + strlen(", ..., ") >= size) {
			snprintf(out + used, size - used, "%s...", i ? ", " : "");
			return;
		}
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", shown);
	}
}

static void complain_missing(struct maker *m, const struct tree_node *node, const struct tree_path *path, const char *name,
			     const char *what, enum mars_change_what section)
{
	const char **names = section_names(&m->content->sections[section]);
	const char *nearest = mars_nearest(names, name, strlen(name));
	char shown[80], meant[200] = "";

	if (nearest)
		snprintf(meant, sizeof(meant), "; did you mean '%.128s'?", nearest);
	else
		list_names(names, meant, sizeof(meant));
	mars_complain(&m->decoder, node, path, "'%s' is not %s under `%s`%s", tree_show(name, strlen(name), shown, sizeof(shown)), what,
		      content_sections[section].key, meant);
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

static void check_dut(struct maker *m, const struct content_entry *at)
{
	struct tree_path top = {NULL, "duts", 4, 0}, path = {&top, content_entry_name(at->entry), 0, 0};
	struct dut_place place = {(const void *)at->entry->decoded, at->node, &path};
	const struct mars_dut *dut = place.dut;

	path.len = strlen(path.text);
	check_unique(m, &place, &m->content->by_mac, "mac_address", dut->mac_address, NULL);
	check_unique(m, &place, &m->content->by_ip, "ip_address", dut->ip_address, NULL);
	if (dut->pdu_port_id && dut->pdu)
		check_unique(m, &place, &m->content->by_port, "pdu_port_id", dut->pdu, dut->pdu_port_id);
	check_dut_references(m, &place);
}

static void check_gitlab(struct maker *m, const struct content_entry *at)
{
	const struct mars_gitlab *g = (const void *)at->entry->decoded;
	struct tree_path top = {NULL, "gitlab", 6, 0}, path = {&top, g->name, strlen(g->name), 0};
	const struct tree_node *key = at->node ? at->node->key : NULL;

	if (g->runner_type && strcmp(g->runner_type, "group_type") == 0 && g->group_id < 0)
		mars_complain(&m->decoder, key, &path, "a runner_type of group_type needs a `group_id`");
	if (g->runner_type && strcmp(g->runner_type, "project_type") == 0 && g->project_id < 0)
		mars_complain(&m->decoder, key, &path, "a runner_type of project_type needs a `project_id`");
}

void content_check_one(struct maker *m, enum mars_change_what what, const struct content_entry *at)
{
	if (what == MARS_GITLAB)
		check_gitlab(m, at);
	else if (what == MARS_DUT)
		check_dut(m, at);
}

void content_check_count(struct maker *m)
{
	const struct section *section = &m->content->sections[MARS_GITLAB];
	const struct content_entry *first = section->n > GITLAB_INSTANCES_MAX ? &section->v[GITLAB_INSTANCES_MAX] : NULL;
	struct tree_path top = {NULL, "gitlab", 6, 0}, path = {&top, "", 0, 0};

	if (!first)
		return;
	path.text = content_entry_name(first->entry);
	path.len = strlen(path.text);
	mars_complain(&m->decoder, first->node ? first->node->key : NULL, &path, "%zu GitLab instances are too many; accepted: at most %d",
		      section->n, GITLAB_INSTANCES_MAX);
}

void content_check(struct maker *m)
{
	static const enum mars_change_what order[] = {MARS_GITLAB, MARS_DUT};

	content_check_count(m);
	for (int i = 0; i < 2; i++)
		for (size_t n = 0; n < m->content->sections[order[i]].n; n++)
			content_check_one(m, order[i], &m->content->sections[order[i]].v[n]);
}

void content_check_references(struct maker *m)
{
	const struct section *duts = &m->content->sections[MARS_DUT];

	for (size_t i = 0; i < duts->n; i++) {
		struct tree_path top = {NULL, "duts", 4, 0};
		struct dut_place place = {content_decoded(duts, i), duts->v[i].node, &top};

		check_dut_references(m, &place);
	}
}
