/* What saving needs of editing. Internal to libmars. */
#ifndef LIBMARS_EDIT_INTERNAL_H
#define LIBMARS_EDIT_INTERNAL_H

#include "libmars/edit.h"
#include "libmars/tree.h"

/* mars_edit_text on a text that was parsed already, in `style` (NULL: the text's own); `out` comes with its tree, which borrows it.
 * *out_tree is NULL if nothing changed. */
struct render_style;
bool mars_edit_tree(const struct tree *tree, const char *name, const struct render_style *style, const struct mars_edit *edits, size_t n,
		    char **out, size_t *out_len, struct tree **out_tree, struct gw_error *err);

/* Whether the value at the edit's path differs between what its author saw and the file as it is now. */
bool mars_edit_disagrees(const struct tree *seen, const struct tree *now, const struct mars_edit *edit);

#endif
