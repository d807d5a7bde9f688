/* Base85 with the alphabet of RFC 1924, four bytes big-endian to five digits: byte for byte what Python's base64.b85encode makes. Pure. */
#ifndef LIBGATEWAY_BASE85_H
#define LIBGATEWAY_BASE85_H

#include <stddef.h>

#include "libgateway/error.h"

#define BASE85_ENCODED(n) ((n) / 4 * 5 + ((n) % 4 ? (n) % 4 + 1 : 0)) /* digits for n bytes */
#define BASE85_DECODED(n) ((n) / 5 * 4 + 4)                           /* room that n digits need at most */

/* Writes BASE85_ENCODED(n) digits and a NUL. Returns their number. */
size_t base85_encode(char *out, const void *bytes, size_t n);
/* `out` has BASE85_DECODED(n) bytes of room. GW_BAD_INPUT names the place (from 1) and why: no digit, a group above 2^32 - 1, a lone digit
 * at the end. */
bool base85_decode(void *out, size_t *out_len, const char *digits, size_t n, struct gw_error *err);

#endif
