/* How wide text is on a terminal: UTF-8, with wide characters and combining ones. Pure, but for the C library's tables of C.UTF-8. */
#ifndef EXECUTORCTL_WIDTH_H
#define EXECUTORCTL_WIDTH_H

#include <stddef.h>

size_t text_width(const char *text); /* columns; what cannot be shown or is not UTF-8 counts one a byte */
/* `text` cut to at most `columns`, the last of them being an ellipsis then. The caller frees. */
char *text_cut(const char *text, size_t columns);

#endif
