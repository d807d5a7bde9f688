/* One state of the database: a text and all that was made of it. Immutable and counted, so that a save on another thread can use it while
 * the owner of the database reads it. Internal to libmars.
 *
 * A text that is plain (tree_stream.h) keeps no tree: its entries are known by their places, and read again where one is edited. Any other
 * text keeps its whole tree.
 */
#ifndef LIBMARS_CONTENT_H
#define LIBMARS_CONTENT_H

#include "libmars/decode.h"
#include "libmars/index.h"
#include "libmars/marsdb.h"
#include "libmars/tree.h"

struct entry {            /* one decoded PDU, DUT or GitLab instance, shared by the contents in which it says the same */
	unsigned refs;    /* atomic */
	int dash;         /* how far the first list in it is indented from its key; -1: it has none */
	uint64_t aliased; /* nodes that its aliases stand for */
	const struct mars_object *object;
	struct notes notes;
	max_align_t decoded[]; /* the struct */
};

struct content_entry {
	struct entry *entry;
	uint32_t start;               /* plain: where the line of its key begins; it ends where the next begins */
	const struct tree_node *node; /* else: in this content's tree */
};

struct section { /* pdus, duts or gitlab, in the file's order */
	struct content_entry *v;
	size_t n;
	struct index by_name; /* -> struct entry */
	uint32_t end;         /* plain: where its last entry ends */
	unsigned indent;      /* plain: blanks in front of its keys */
};

struct content {
	unsigned refs; /* atomic */
	char *text;    /* owned */
	size_t len;
	struct tree *tree;                   /* NULL: plain */
	struct section sections[3];          /* by enum mars_change_what */
	struct index by_mac, by_ip, by_port; /* -> struct mars_dut */
	uint64_t aliased;                    /* plain: of all entries */
	struct gw_errors warnings;
};

/* Takes `text` (malloc'ed) over, whatever comes of it. What is as in `before` (or NULL) is shared with it. NULL and at least one error if
 * it is not valid. */
struct content *content_create(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before,
			       struct gw_errors *errs);
/* The same of what the file has now: no byte at all is not taken for a database, where there was one. An editor left it on a full disk. */
struct content *content_create_again(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before,
				     struct gw_errors *errs);
/* The same of a text that is read as a whole, with its tree (taken over) if there is one already. */
struct content *content_create_parsed(char *text, size_t len, struct tree *tree, const char *name, const struct mars_options *options,
				      struct content *before, struct gw_errors *errs);
struct content *content_hold(struct content *content);
void content_release(struct content *content); /* accepts NULL */
const void *content_decoded(const struct section *section, size_t i);
void content_diff(const struct content *before, const struct content *after, struct mars_changes *changes);

#endif
