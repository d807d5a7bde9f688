#include "gitlabd/lookup.h"

#include <stdlib.h>

#include "libgateway/error.h"

enum { SIZE_MIN = 64 };

static struct lookup_node **chain(const struct lookup *lookup, uint64_t key)
{
	return &lookup->v[(key ^ key >> 32) & (lookup->size - 1)];
}

static void put(struct lookup *lookup, struct lookup_node *node)
{
	struct lookup_node **at = chain(lookup, node->key);

	node->next = *at;
	*at = node;
}

static void grow(struct lookup *lookup)
{
	struct lookup old = *lookup;
	struct lookup_node *node;

	lookup->size = old.size ? old.size * 2 : SIZE_MIN;
	lookup->v = gw_calloc(lookup->size, sizeof(struct lookup_node *));
	for (size_t i = 0; i < old.size; i++)
		while ((node = old.v[i])) {
			old.v[i] = node->next;
			put(lookup, node);
		}
	free(old.v);
}

void lookup_add(struct lookup *lookup, uint64_t key, void *item)
{
	struct lookup_node *node = gw_calloc(1, sizeof(*node));

	if (lookup->n == lookup->size)
		grow(lookup);
	*node = (struct lookup_node){.key = key, .item = item};
	put(lookup, node);
	lookup->n++;
}

void lookup_drop(struct lookup *lookup, uint64_t key, const void *item)
{
	struct lookup_node **at, *node;

	gw_assert(lookup->size);
	at = chain(lookup, key);
	while (*at && ((*at)->key != key || (*at)->item != item))
		at = &(*at)->next;
	gw_assert(*at);
	node = *at;
	*at = node->next;
	free(node);
	lookup->n--;
}

static const struct lookup_node *of_key(const struct lookup_node *node, uint64_t key)
{
	while (node && node->key != key)
		node = node->next;
	return node;
}

const struct lookup_node *lookup_first(const struct lookup *lookup, uint64_t key)
{
	return lookup->size ? of_key(*chain(lookup, key), key) : NULL;
}

const struct lookup_node *lookup_next(const struct lookup_node *node)
{
	return of_key(node->next, node->key);
}

void lookup_finish(struct lookup *lookup)
{
	struct lookup_node *node;

	for (size_t i = 0; i < lookup->size; i++)
		while ((node = lookup->v[i])) {
			lookup->v[i] = node->next;
			free(node);
		}
	free(lookup->v);
	*lookup = (struct lookup){0};
}
