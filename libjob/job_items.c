/* Lists of a deployment: one item, a list, or categories of them, and their merge. */
#include "libjob/job_deployment.h"

#include "libgateway/shared_bounds.h"

#include <stdlib.h>
#include <string.h>

#define CATEGORIES_MAX 64

static void *item_at(void *items, size_t i, const struct item_kind *kind)
{
	return (char *)items + i * kind->size;
}

static bool is_item(const struct reader *r, const struct tree_node *node, const struct item_kind *kind)
{
	const struct tree_node *map = tree_resolve(node);

	for (const struct reader_field *field = kind->fields; map->kind == TREE_MAP && field->name; field++)
		if (tree_get(r->tree, map, field->name, strlen(field->name)))
			return true;
	return false;
}

static void read_item(struct reader *r, const struct tree_node *node, const struct tree_path *path, const struct item_kind *kind,
		      struct category *category)
{
	void *item = item_at(category->items, category->n++, kind);

	kind->read(r, node, path, item);
	*(char **)item = gw_strdup(category->name);
}

/* Takes `name`. */
static void read_category(struct reader *r, const struct tree_node *node, const struct tree_path *path, const struct item_kind *kind,
			  struct item_list *list, char *name)
{
	const struct tree_node *value = tree_resolve(node);
	struct category *category = &list->v[list->n++];
	size_t i = 0;

	*category = (struct category){.name = name};
	if (tree_is_null(value))
		return;
	list->n_items += value->kind == TREE_LIST ? value->n : 1;
	if (list->n_items > JOB_ITEMS_MAX)
		return reader_complain(r, node, path, "too many items; accepted: up to %d", JOB_ITEMS_MAX);
	category->items = gw_calloc(value->kind == TREE_LIST ? value->n : 1, kind->size);
	if (value->kind != TREE_LIST)
		return read_item(r, node, path, kind, category);
	for (const struct tree_node *item = value->first; item; item = item->next) {
		struct tree_path here = {.up = path, .index = i++};

		read_item(r, item, &here, kind, category);
	}
}

static void read_categories(struct reader *r, const struct tree_node *map, const struct tree_path *path, const struct item_kind *kind,
			    struct item_list *list)
{
	char *name;

	if (map->n > CATEGORIES_MAX)
		return reader_complain(r, map, path, "too many categories; accepted: up to %d", CATEGORIES_MAX);
	for (const struct tree_node *value = map->first; value; value = value->next) {
		struct tree_path here = reader_step(path, value);

		if (tree_resolve(value)->kind == TREE_SCALAR && !tree_is_null(value)) /* no category: a slip of the keyboard */
			reader_unknown(r, value->key, path, kind->noun, kind->fields);
		else if ((name = reader_key(r, value, &here)))
			read_category(r, value, &here, kind, list, name);
	}
}

void item_list_read(struct reader *r, const struct tree_node *node, const struct tree_path *path, const struct item_kind *kind,
		    struct item_list *list)
{
	const struct tree_node *value = tree_resolve(node);
	bool categories = value->kind == TREE_MAP && !is_item(r, value, kind);

	if (value->kind == TREE_SCALAR)
		return reader_refuse(r, node, path, kind->noun, "a mapping, a list of them, or a mapping of categories to lists of them");
	list->v = gw_calloc(categories ? value->n : 1, sizeof(*list->v));
	if (categories)
		read_categories(r, value, path, kind, list);
	else
		read_category(r, node, path, kind, list, gw_strdup(UNCATEGORISED));
}

static const struct category *find_category(const struct item_list *list, const char *name)
{
	for (size_t i = 0; list && i < list->n; i++)
		if (strcmp(list->v[i].name, name) == 0)
			return &list->v[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct category *const *)a)->name, (*(const struct category *const *)b)->name);
}

static size_t gather(const struct category **out, const struct item_list *list, const struct item_list *update)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->v[i].name, UNCATEGORISED) != 0 && !find_category(update, list->v[i].name))
			out[n++] = &list->v[i];
	for (size_t i = 0; update && i < update->n; i++)
		if (strcmp(update->v[i].name, UNCATEGORISED) != 0)
			out[n++] = &update->v[i];
	qsort(out, n, sizeof(*out), by_name);
	return n;
}

static void append(struct category *all, const struct category *category, const struct item_kind *kind)
{
	if (!category || !category->n)
		return;
	all->items = gw_realloc(all->items, (all->n + category->n) * kind->size);
	for (size_t i = 0; i < category->n; i++)
		kind->copy(item_at(all->items, all->n++, kind), item_at(category->items, i, kind));
}

void *item_list_merged(const struct item_list *list, const struct item_list *update, const struct item_kind *kind, size_t *n)
{
	const struct category **named = gw_calloc(list->n + (update ? update->n : 0), sizeof(const struct category *));
	const struct category *uncategorised = find_category(update, UNCATEGORISED);
	struct category all = {0};
	size_t n_named = gather(named, list, update);

	if (!uncategorised)
		uncategorised = find_category(list, UNCATEGORISED);
	if (kind->uncategorised_first)
		append(&all, uncategorised, kind);
	for (size_t i = 0; i < n_named; i++)
		append(&all, named[i], kind);
	if (!kind->uncategorised_first)
		append(&all, uncategorised, kind);
	free(named);
	*n = all.n;
	return all.items;
}

void items_finish(void *items, size_t n, const struct item_kind *kind)
{
	for (size_t i = 0; i < n; i++)
		kind->finish(item_at(items, i, kind));
	free(items);
}

void item_list_finish(struct item_list *list, const struct item_kind *kind)
{
	for (size_t i = 0; i < list->n; i++) {
		items_finish(list->v[i].items, list->v[i].n, kind);
		free(list->v[i].name);
	}
	free(list->v);
}
