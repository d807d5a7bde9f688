/* The entries of a plain block mapping one by one, each as a tree that is gone when the next begins: how a database of ten thousand
 * machines is read without ten thousand trees in memory, and how a part of it is read alone. Internal to libmars.
 *
 * Plain: block style down to the entries, each on lines of its own that begin with its key; neither anchors, tags nor aliases outside of
 * the entries, no alias to another entry's anchor. What stands in an entry can be anything. */
#ifndef LIBMARS_TREE_STREAM_H
#define LIBMARS_TREE_STREAM_H

#include "libmars/tree.h"

/* `value` is complete. Its places count from the text's start, its lines from 1. False: that is enough. */
typedef bool tree_entry_fn(void *data, const struct tree *tree, const struct tree_node *value);

/* `level` 2: the entries of the mappings (or nulls) in the root mapping, as of a whole database; 1: those of the root mapping, as of lines
 * out of its middle. What is left has the levels above the entries alone. NULL: not plain, not valid, or `entry` had enough; tree_parse
 * says what is wrong. */
struct tree *tree_stream(const char *text, size_t len, int level, tree_entry_fn *entry, void *data);

#endif
