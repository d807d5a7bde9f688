/* What a console writes before it is known whose it is: the newest 64 KiB, and how old it is. A line stays open for days: what a machine
 * wrote before its client came is not that client's, and a pattern of a job must not match the end of a boot of yesterday. */
#ifndef SALADD_KEPT_H
#define SALADD_KEPT_H

#include <stdint.h>

#include "libgateway/buffer.h"

#define KEPT_MAX   (64 * 1024)
#define KEPT_PARTS 32 /* for one more, the oldest is dropped */

/* Zeroed memory is empty. */
struct kept {
	struct buffer bytes;
	struct kept_part {
		uint64_t era;
		size_t n;
	} part[KEPT_PARTS]; /* the oldest first */
	unsigned parts;
};

void kept_add(struct kept *kept, const char *bytes, size_t n, uint64_t era); /* eras never go back */
const char *kept_since(const struct kept *kept, uint64_t era, size_t *n);    /* borrowed */
void kept_finish(struct kept *kept);

#endif
