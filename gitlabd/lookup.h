/* Finds items by a key at once, however many there are: a hash table. An item may have several keys and a key several items; keys are
 * hashes (hash.h), so who looks compares what is found. Items are borrowed. */
#ifndef GITLABD_LOOKUP_H
#define GITLABD_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

struct lookup_node {
	uint64_t key;
	void *item;
	struct lookup_node *next; /* in its chain, which has other keys, too */
};

struct lookup { /* zeroed memory is an empty one */
	struct lookup_node **v;
	size_t size, n; /* chains, a power of two; nodes, at most as many */
};

void lookup_add(struct lookup *lookup, uint64_t key, void *item);
void lookup_drop(struct lookup *lookup, uint64_t key, const void *item); /* it is there */
/* The first item of that key, and those that follow; NULL: none. Borrowed until the next change. */
const struct lookup_node *lookup_first(const struct lookup *lookup, uint64_t key);
const struct lookup_node *lookup_next(const struct lookup_node *node);
void lookup_finish(struct lookup *lookup);

#endif
