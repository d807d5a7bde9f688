#include "libmars/tree.h"

#include "libmars/text.h"
#include "libmars/tree_internal.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 65536
#define FEW   12 /* keys that are looked through one by one */

struct tree_chunk {
	struct tree_chunk *next; /* the one before */
	size_t used, size;
	char bytes[];
};

struct tree_slot {
	const struct tree_node *map; /* NULL: an anchor */
	struct tree_node *node;
	const char *key;
	uint32_t len, hash;
};

/* --- Memory ------------------------------------------------------------------------------------------------------------------------- */

static size_t chunk_size(const struct tree *tree, size_t size)
{
	size_t want = tree->chunks || tree->len > CHUNK / 16 ? CHUNK : 1024 + tree->len * 16;

	return size > want ? size : want;
}

void *tree_alloc(struct tree *tree, size_t size)
{
	struct tree_chunk *chunk = tree->chunks;

	size = (size + 7) & ~(size_t)7;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = chunk_size(tree, size);

		chunk = gw_realloc(NULL, sizeof(*chunk) + room);
		*chunk = (struct tree_chunk){.next = tree->chunks, .size = room};
		tree->chunks = chunk;
	}
	chunk->used += size;
	return memset(chunk->bytes + chunk->used - size, 0, size);
}

struct tree_mark tree_mark(const struct tree *tree)
{
	return (struct tree_mark){tree->chunks, tree->chunks ? tree->chunks->used : 0};
}

static void free_chunks(struct tree *tree, const struct tree_chunk *keep)
{
	while (tree->chunks != keep) {
		struct tree_chunk *chunk = tree->chunks;

		tree->chunks = chunk->next;
		free(chunk);
	}
}

void tree_rewind(struct tree *tree, struct tree_mark mark)
{
	free_chunks(tree, mark.chunk);
	if (tree->chunks)
		tree->chunks->used = mark.used;
	free(tree->slots);
	tree->slots = NULL;
	tree->slots_used = tree->slots_size = 0;
}

void tree_destroy(struct tree *tree)
{
	if (!tree)
		return;
	free_chunks(tree, NULL);
	free(tree->slots);
	free(tree);
}

/* --- Keys and anchors ---------------------------------------------------------------------------------------------------------------- */

/* Many mappings have the same keys: mixed well, or they pile up. */
static uint32_t slot_hash(const struct tree_node *map, const char *key, size_t len)
{
	uint64_t h = text_hash(key, len) ^ (uintptr_t)map;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return (uint32_t)(h ^ h >> 33);
}

/* Where it is, or the empty slot for it. NULL: there are no slots yet. */
static struct tree_slot *slot_find(const struct tree *tree, const struct tree_node *map, const char *key, size_t len)
{
	uint32_t hash;

	if (!tree->slots_size)
		return NULL;
	hash = slot_hash(map, key, len);
	for (size_t i = hash & (tree->slots_size - 1);; i = (i + 1) & (tree->slots_size - 1)) {
		struct tree_slot *slot = &tree->slots[i];

		if (!slot->node || (slot->hash == hash && slot->map == map && slot->len == len && memcmp(slot->key, key, len) == 0))
			return slot;
	}
}

static void slots_grow(struct tree *tree)
{
	struct tree_slot *old = tree->slots;
	size_t n = tree->slots_size, to;

	tree->slots_size = n ? n * 2 : 64;
	tree->slots = gw_calloc(tree->slots_size, sizeof(*tree->slots));
	for (size_t i = 0; i < n; i++) {
		if (!old[i].node)
			continue;
		for (to = old[i].hash; tree->slots[to & (tree->slots_size - 1)].node;)
			to++;
		tree->slots[to & (tree->slots_size - 1)] = old[i];
	}
	free(old);
}

static void slot_put(struct tree *tree, const struct tree_node *map, const char *key, uint32_t len, struct tree_node *node)
{
	struct tree_slot *slot;

	if ((tree->slots_used + 1) * 2 > tree->slots_size)
		slots_grow(tree);
	slot = slot_find(tree, map, key, len);
	tree->slots_used += !slot->node;
	*slot = (struct tree_slot){map, node, key, len, slot_hash(map, key, len)};
}

void tree_put_anchor(struct tree *tree, const char *name, uint32_t len, struct tree_node *node)
{
	slot_put(tree, NULL, name, len, node);
}

struct tree_node *tree_find_anchor(const struct tree *tree, const char *name, size_t len)
{
	const struct tree_slot *slot = slot_find(tree, NULL, name, len);

	return slot ? slot->node : NULL;
}

void tree_append(struct tree *tree, struct tree_node *parent, struct tree_node *node)
{
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->n++;
	if (parent->kind != TREE_MAP || parent->n <= FEW)
		return;
	for (node = parent->n == FEW + 1 ? parent->first : node; node; node = node->next)
		slot_put(tree, parent, node->key->text, node->key->len, node);
}

struct tree_node *tree_get(const struct tree *tree, const struct tree_node *map, const char *key, size_t len)
{
	const struct tree_slot *slot;
	struct tree_node *value;

	map = tree_resolve(map);
	if (!map || map->kind != TREE_MAP)
		return NULL;
	if (map->n > FEW) {
		slot = slot_find(tree, map, key, len);
		return slot ? slot->node : NULL;
	}
	for (value = map->first; value; value = value->next)
		if (value->key->len == len && memcmp(value->key->text, key, len) == 0)
			break;
	return value;
}

/* --- What nodes are ------------------------------------------------------------------------------------------------------------------- */

struct tree_node *tree_root(const struct tree *tree)
{
	return tree->root;
}

const char *tree_text(const struct tree *tree, size_t *len)
{
	*len = tree->len;
	return tree->text;
}

const struct tree_node *tree_resolve(const struct tree_node *node)
{
	return node && node->kind == TREE_ALIAS ? node->target : node;
}

bool tree_text_is_null(const char *text, size_t len)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strlen(nulls[i]) == len && memcmp(text, nulls[i], len) == 0)
			return true;
	return false;
}

bool tree_is_null(const struct tree_node *node)
{
	node = tree_resolve(node);
	return !node || (node->kind == TREE_SCALAR && node->style == TREE_PLAIN && tree_text_is_null(node->text, node->len));
}

bool tree_is(const struct tree_node *node, const char *text)
{
	return node && node->kind == TREE_SCALAR && strlen(text) == node->len && memcmp(node->text, text, node->len) == 0;
}

static bool scalars_equal(const struct tree_node *x, const struct tree_node *y)
{
	if (tree_is_null(x) || tree_is_null(y))
		return tree_is_null(x) && tree_is_null(y);
	return (x->style == TREE_PLAIN) == (y->style == TREE_PLAIN) && x->len == y->len && memcmp(x->text, y->text, x->len) == 0;
}

/* Recursion is bounded by MARS_MAX_DEPTH, also through aliases. */
bool tree_equal(const struct tree *a, const struct tree_node *x, const struct tree *b, const struct tree_node *y)
{
	const struct tree_node *u, *v;

	x = tree_resolve(x);
	y = tree_resolve(y);
	if (!x || !y || x->kind == TREE_SCALAR || y->kind == TREE_SCALAR)
		return tree_is_null(x) || tree_is_null(y) ? tree_is_null(x) && tree_is_null(y) : x->kind == y->kind && scalars_equal(x, y);
	if (x->kind != y->kind || x->n != y->n)
		return false;
	for (u = x->first, v = y->first; u; u = u->next, v = v->next)
		if (!tree_equal(a, u, b, x->kind == TREE_MAP ? tree_get(b, y, u->key->text, u->key->len) : v))
			return false;
		else if (x->kind == TREE_MAP && !tree_get(b, y, u->key->text, u->key->len))
			return false;
	return true;
}
