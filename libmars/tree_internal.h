/* What a tree is made of, for the files that build it. Internal to libmars. */
#ifndef LIBMARS_TREE_INTERNAL_H
#define LIBMARS_TREE_INTERNAL_H

#include "libmars/tree.h"

struct tree_chunk;
struct tree_slot;

struct tree {
	const char *text;
	size_t len;
	struct tree_node *root;
	struct tree_chunk *chunks; /* nodes and texts that are not in `text` as they are */
	struct tree_slot *slots;   /* (mapping of many, key) -> value, (NULL, anchor) -> node; open addressing */
	size_t slots_used, slots_size;
	uint64_t aliased; /* nodes that aliases stood for up to now, in all */
};

struct tree_mark { /* how much memory there was */
	struct tree_chunk *chunk;
	size_t used;
};

void *tree_alloc(struct tree *tree, size_t size); /* zeroed */
struct tree_mark tree_mark(const struct tree *tree);
/* Everything that was allocated since is gone, and so are all anchors. */
void tree_rewind(struct tree *tree, struct tree_mark mark);

/* To the end of a list, or of a mapping that has no such key yet. */
void tree_append(struct tree *tree, struct tree_node *parent, struct tree_node *node);
/* The latest of its name. */
void tree_put_anchor(struct tree *tree, const char *name, uint32_t len, struct tree_node *node);
struct tree_node *tree_find_anchor(const struct tree *tree, const char *name, size_t len);

#endif
