/* A batch of edits that outlives its caller's memory. Internal to libmars. */
#ifndef LIBMARS_EDIT_COPY_H
#define LIBMARS_EDIT_COPY_H

#include "libmars/edit.h"

struct mars_edit *edits_copy(const struct mars_edit *edits, size_t n); /* all of it, for edits_free */
void edits_free(struct mars_edit *edits, size_t n);

#endif
