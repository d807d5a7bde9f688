/* Edits of a content: in a plain text the lines of the entry alone are read and written. Internal to libmars. */
#ifndef LIBMARS_CONTENT_EDIT_H
#define LIBMARS_CONTENT_EDIT_H

#include "libmars/content.h"
#include "libmars/edit.h"

/* What `base` becomes; `base` itself, held once more, if that is the same text. NULL and the reason: an edit cannot be made, or the outcome
 * is not valid. */
struct content *content_edit(struct content *base, const char *name, const struct mars_options *options, const struct mars_edit *edits,
			     size_t n, struct gw_error *err);
/* Whether the value at the edit's path differs between what its author saw and the file as it is now. */
bool content_disagree(const struct content *seen, const struct content *now, const struct mars_edit *edit);

#endif
