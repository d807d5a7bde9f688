#include "libjob/boots_db.h"

#include <stdlib.h>
#include <string.h>

#include "libjob/job_deployment.h"
#include "libjob/template.h"

static const struct reader_field entry_fields[] = {
	{"match", read_dhcp_match, offsetof(struct boots_db_entry, match)},
	{"defaults", read_defaults, offsetof(struct boots_db_entry, defaults)},
	{NULL},
};

static void read_entry(struct reader *r, const struct tree_node *value, const struct tree_path *path, struct boots_db *db)
{
	struct boots_db_entry *entry = &db->v[db->n];

	entry->name = reader_key(r, value, path);
	if (!entry->name)
		return;
	db->n++;
	reader_map(r, value, path, "an entry of the boots DB", entry_fields, entry);
}

static void read_dhcp_entries(struct reader *r, const struct tree_node *node, const struct tree_path *path, void *out)
{
	const struct tree_node *map = tree_resolve(node);
	struct boots_db *db = out;

	if (map->kind != TREE_MAP)
		return reader_refuse(r, node, path, "entries of the boots DB", "a mapping of names to match and defaults");
	if (map->n > BOOTS_DB_ENTRIES_MAX)
		return reader_complain(r, node, path, "%u entries are too many; accepted: up to %d", (unsigned)map->n,
				       BOOTS_DB_ENTRIES_MAX);
	db->v = gw_calloc(map->n + 1, sizeof(*db->v));
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		read_entry(r, value, &here, db);
	}
}

static const struct reader_field db_fields[] = {
	{"dhcp", read_dhcp_entries},
	{"fastboot", reader_not_built},
	{NULL},
};

static bool decode(struct boots_db *db, const char *where, const char *rendered, struct gw_errors *errs)
{
	static const struct job_options options;
	size_t before = errs->n + errs->left_out;
	struct tree *tree = tree_parse(rendered, strlen(rendered), where, errs);
	struct reader r = {.where = where, .options = &options, .errs = errs, .tree = tree};
	const struct tree_node *root;

	if (!tree)
		return false;
	root = tree_root(tree);
	if (root && !tree_is_null(root)) /* an empty one says nothing of anybody */
		reader_map(&r, root, NULL, "a boots DB", db_fields, db);
	tree_destroy(tree);
	return errs->n + errs->left_out == before;
}

bool boots_db_load(struct boots_db *db, const char *where, const char *text, size_t n, const struct value *names, struct gw_errors *errs)
{
	struct gw_error err = {0};
	char *rendered;
	bool good;

	*db = (struct boots_db){0};
	if (!job_text_is_good(text, n, where, errs))
		return false;
	if (!template_render(where, text, n, names, &rendered, &err)) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return false;
	}
	good = decode(db, where, rendered, errs);
	free(rendered);
	if (!good)
		boots_db_finish(db);
	return good;
}

void boots_db_finish(struct boots_db *db)
{
	for (size_t i = 0; i < db->n; i++) {
		free(db->v[i].name);
		kind_dhcp.finish(&db->v[i].match);
		deployment_finish(&db->v[i].defaults);
	}
	free(db->v);
	*db = (struct boots_db){0};
}
