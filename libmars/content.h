/* One state of the database: a text and all that was made of it. Immutable and counted, so that a save on another thread can use it while
 * the owner of the database reads it. Internal to libmars.
 */
#ifndef LIBMARS_CONTENT_H
#define LIBMARS_CONTENT_H

#include "libmars/index.h"
#include "libmars/marsdb.h"
#include "libmars/tree.h"

struct entry {         /* one decoded PDU, DUT or GitLab instance, shared by the contents in which it says the same */
	unsigned refs; /* atomic */
	const struct mars_object *object;
	max_align_t decoded[]; /* the struct */
};

struct content_entry {
	struct entry *entry;
	const struct tree_node *node; /* in this content's tree */
	bool warned;                  /* it has warnings, so it is decoded each time */
};

struct section { /* pdus, duts or gitlab, in the file's order */
	struct content_entry *v;
	size_t n;
	struct index by_name; /* -> struct content_entry */
};

struct content {
	unsigned refs; /* atomic */
	char *text;    /* owned */
	size_t len;
	struct tree *tree;
	struct section sections[3];          /* by enum mars_change_what */
	struct index by_mac, by_ip, by_port; /* -> struct mars_dut */
	struct gw_errors warnings;
};

/* Takes `text` (malloc'ed) over, whatever comes of it. Entries that say what they say in `before` (or NULL) are shared with it, not
 * decoded. NULL and at least one error if it is not valid. */
struct content *content_create(char *text, size_t len, const char *name, const struct mars_options *options, struct content *before,
			       struct gw_errors *errs);
/* The same of a text that was parsed already; the tree is taken over too. NULL: it is to be parsed. */
struct content *content_create_parsed(char *text, size_t len, struct tree *tree, const char *name, const struct mars_options *options,
				      struct content *before, struct gw_errors *errs);
struct content *content_hold(struct content *content);
void content_release(struct content *content); /* accepts NULL */
const void *content_decoded(const struct section *section, size_t i);
void content_diff(const struct content *before, const struct content *after, struct mars_changes *changes);

#endif
