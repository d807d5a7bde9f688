/* JSON printed once, kept until what it shows changes: as an answer of its own and as a piece of the lists. */
#ifndef EXECUTORD_PRINTED_H
#define EXECUTORD_PRINTED_H

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#include "libgateway/http_shared.h"

struct printed {
	char *text;                 /* `,"KEY":JSON`; owned, or by `shared`. NULL: to be printed anew */
	size_t key_len, len;        /* of `,"KEY":`; of all */
	uint64_t hash;              /* of all */
	struct http_shared *shared; /* over JSON, once somebody has asked for it */
};

void printed_set(struct printed *printed, const char *key, cJSON *json); /* deletes json */
void printed_drop(struct printed *printed);                              /* accepts zeroed memory */
const char *printed_json(const struct printed *printed);                 /* borrowed until it is dropped */
struct http_shared *printed_shared(struct printed *printed);             /* borrowed until it is dropped */

#endif
