/* JSON from outside: what cJSON alone would let through or crash on is refused here, with its place. Thread-safe. Who links this has
 * cJSON allocate as gw_calloc does: a text that lacks a field for want of memory is never made. */
#ifndef LIBGATEWAY_JSON_H
#define LIBGATEWAY_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "libgateway/error.h"

#define JSON_DEPTH_MAX 32

/* An object of well-formed UTF-8, at most JSON_DEPTH_MAX deep, no key twice in one object, no \u0000, numbers finite. The caller deletes
 * it. NULL with GW_BAD_INPUT, which names the line and column (in bytes) or the key. `bytes` need no terminator. */
cJSON *json_decode(const char *bytes, size_t len, struct gw_error *err);

#endif
