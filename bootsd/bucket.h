/* A token bucket: how often something may happen. Zeroed memory is a full one. */
#ifndef BOOTSD_BUCKET_H
#define BOOTSD_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t spent_ms; /* in the units of bucket_take: how far ahead of time it is used up; 0: never used */
};

/* Takes one of at most `burst`; one comes back each `every_ms`. False: none is left. */
static inline bool bucket_take(struct bucket *bucket, uint64_t now_ms, unsigned burst, unsigned every_ms)
{
	uint64_t from = bucket->spent_ms > now_ms ? bucket->spent_ms : now_ms;

	if (from + every_ms > now_ms + (uint64_t)burst * every_ms)
		return false;
	bucket->spent_ms = from + every_ms;
	return true;
}

#endif
