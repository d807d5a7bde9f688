/* From a tree to structs, by the field tables: every error in one pass, each with its place. Internal to libmars. */
#ifndef LIBMARS_DECODE_H
#define LIBMARS_DECODE_H

#include "libmars/fields.h"
#include "libmars/marsdb.h"
#include "libmars/tree.h"

struct note {                  /* a warning that outlives the tree */
	uint32_t line, column; /* the line counts from that of the entry's key: 0 is that */
	char *text;            /* "PATH: ..."; owned */
};
struct notes { /* zeroed memory is none */
	struct note *v;
	size_t n;
};
void mars_notes_finish(struct notes *notes);

struct decoder {
	const char *name; /* of the file, for messages */
	const struct tree *tree;
	struct mars_options options;
	struct gw_errors *errs;
	struct notes *notes;           /* of the entry at hand */
	const struct tree_node *entry; /* its key */
};

/* Fills the zeroed `out` (object->size bytes). What is not valid is complained about and left at its default. A NULL node: all defaults.
 * For a named object the caller sets the name. */
void mars_decode_object(struct decoder *d, const struct mars_object *object, const struct tree_node *node, const struct tree_path *path,
			void *out);
void mars_object_finish(const struct mars_object *object, void *out); /* frees what `out` owns, not `out` */
bool mars_object_equal(const struct mars_object *object, const void *a, const void *b);
/* A bit for each field that differs. */
uint32_t mars_object_diff(const struct mars_object *object, const void *a, const void *b);

/* Adds "FILE:LINE:COLUMN: PATH: ..." at a node. */
void mars_complain(struct decoder *d, const struct tree_node *at, const struct tree_path *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* "unknown" keys and such: NAME, and for a slip of the keyboard what was meant, else what there is. */
void mars_complain_unknown(struct decoder *d, const struct tree_node *key, const struct tree_path *path, const struct mars_object *object);

/* One scalar as its field's type: into the zeroed `out`, owned by it. False, with nothing in `out`, if it is none. */
bool mars_scalar_decode(const struct mars_field *field, const struct mars_options *options, const char *text, size_t len, void *out);
/* Which would reach terminals, logs and host names; `lines`: line ends and tabs are fine. */
bool mars_text_has_control(const char *text, size_t len, bool lines);
void mars_scalar_accepted(const struct mars_field *field, const struct mars_options *options, char *out, size_t size); /* "0 to 3600" */

#endif
