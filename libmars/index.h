/* A hash from one or two texts to a pointer. Keys are borrowed. Internal to libmars. */
#ifndef LIBMARS_INDEX_H
#define LIBMARS_INDEX_H

#include <stdbool.h>
#include <stddef.h>

struct index_slot {
	const char *key, *second; /* second: NULL if there is none */
	const void *value;
};
struct index { /* zeroed memory is empty */
	struct index_slot *slots;
	size_t used, size;
};

/* What stands there already, or NULL if `value` was put. */
const void *index_put(struct index *index, const char *key, const char *second, const void *value);
const void *index_find(const struct index *index, const char *key, const char *second);
void index_finish(struct index *index);

#endif
