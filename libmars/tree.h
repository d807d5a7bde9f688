/* A YAML text as a tree of nodes that know their bytes: what validation reads and what edits replace. For libmars and libjob.
 *
 * Made from libfyaml's parser events, not its document builder, which compares keys pair by pair (6 s at 10,000 entries) and hides places.
 * Refused here: NUL, invalid UTF-8, too large or too deep, a second document, duplicate keys, keys that are not text, aliases that stand
 * for too much, tags other than YAML's own. Immutable once made; any thread may read it.
 */
#ifndef LIBMARS_TREE_H
#define LIBMARS_TREE_H

#include "libgateway/error.h"

#include <stdint.h>

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP, TREE_ALIAS };
enum tree_style { TREE_PLAIN, TREE_SINGLE, TREE_DOUBLE, TREE_BLOCK_TEXT };

struct tree_node {
	struct tree_node *parent, *next; /* next: in the parent */
	struct tree_node *first, *last;  /* children; of a mapping its values */
	struct tree_node *key;           /* of a mapping's value */
	struct tree_node *target;        /* of an alias */
	const char *text;                /* a scalar's value; not terminated */
	uint32_t len, n;                 /* of the text; of the children */
	uint32_t start, end;   /* its bytes: with quotes, `*`, brackets; without anchor and tag. A block's end is its last child's */
	uint32_t line, column; /* from 1 */
	uint32_t weight;       /* nodes in it, those that aliases stand for and the lengths of its texts counted */
	uint8_t height;        /* levels below it */
	uint8_t kind, style;   /* enum tree_kind, tree_style */
	bool flow;             /* {} or [] */
	bool absent;           /* a value that is not written at all: start == end */
	bool anchored;
};

struct tree;
/* `text` is borrowed as long as the tree lives. NULL and at least one error if it is not valid. Duplicate keys are found in one pass with
 * the rest. */
struct tree *tree_parse(const char *text, size_t len, const char *name, struct gw_errors *errs);
void tree_destroy(struct tree *tree); /* accepts NULL */
/* NULL for an empty document. */
struct tree_node *tree_root(const struct tree *tree);
const char *tree_text(const struct tree *tree, size_t *len);

/* A mapping's value; NULL if there is none, or if `map` is NULL or no mapping. Aliases are followed on the way in, not on the way out. */
struct tree_node *tree_get(const struct tree *tree, const struct tree_node *map, const char *key, size_t len);
const struct tree_node *tree_resolve(const struct tree_node *node); /* what an alias stands for, else the node */
bool tree_is_null(const struct tree_node *node);                    /* absent, null or ~ ; also NULL */
bool tree_is(const struct tree_node *node, const char *text);       /* a scalar of this text */
bool tree_text_is_null(const char *text, size_t len);               /* as a plain scalar */
/* Equal as values, whatever the style, the order of keys or the aliases. */
bool tree_equal(const struct tree *a, const struct tree_node *x, const struct tree *b, const struct tree_node *y);

/* Where something is, for messages: "duts.'52:54:00:00:00:01'.tags[2]". Lives on the stack, each level pointing up. */
struct tree_path {
	const struct tree_path *up;
	const char *text; /* NULL: an item of a list */
	size_t len, index;
};
/* `text` as a message shows it: cut, control characters escaped. Returns `out`. */
const char *tree_show(const char *text, size_t len, char *out, size_t size);
const char *tree_path_text(const struct tree_path *path, char *out, size_t size);

#endif
