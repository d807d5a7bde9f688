/* The line of a text that a message is about, with a caret under the place: what `executorctl db check` shows below each message.
 *
 * Secrets (the values of keys like `token` or `community`, and the users in URLs) are shown as asterisks. Needs libc alone; any thread.
 */
#ifndef LIBMARS_EXCERPT_H
#define LIBMARS_EXCERPT_H

#include <stddef.h>

/* Two lines for a message that begins with "NAME:LINE:COLUMN: " (columns count characters): the text's line and a caret below it. Long
 * lines are cut around the place. "" where the message names no place in `text`. The caller frees. */
char *mars_excerpt(const char *message, const char *name, const char *text, size_t len);

#endif
