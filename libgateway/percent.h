/* Percent-encoding: RFC 3986, section 2.1. Pure. */
#ifndef LIBGATEWAY_PERCENT_H
#define LIBGATEWAY_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/buffer.h"

/* Adds `text` with each byte but letters, digits, `-._~` and those of `also` as %XX: for a path's part or a form's value. */
void url_escape(struct buffer *out, const char *text, const char *also);
/* The `n` bytes at `in` with their %XX decoded, and `+` as a space if `plus` (of queries and forms), into `out`, which has room for n + 1
 * and may be `in`; terminated. Returns how many bytes came out, among which a 0 may be; SIZE_MAX: a `%` without two hexadecimal digits. */
size_t url_unescape(char *out, const char *in, size_t n, bool plus);

#endif
