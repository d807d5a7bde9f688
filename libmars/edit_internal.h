/* What saving needs of editing. Internal to libmars. */
#ifndef LIBMARS_EDIT_INTERNAL_H
#define LIBMARS_EDIT_INTERNAL_H

#include "libmars/edit.h"
#include "libmars/tree.h"

/* Whether the value at the edit's path differs between what its author saw and the file as it is now. */
bool mars_edit_disagrees(const struct tree *seen, const struct tree *now, const struct mars_edit *edit);

#endif
