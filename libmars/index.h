/* A hash from one or two texts to a pointer, which has them itself. Internal to libmars. */
#ifndef LIBMARS_INDEX_H
#define LIBMARS_INDEX_H

#include <stdbool.h>
#include <stddef.h>

/* What `value` stands under: one text, or two (*second is NULL before). NULL: under nothing, so it is left out. */
typedef const char *index_key(const void *value, const char **second);
struct index { /* empty: zeroed but for the key */
	index_key *key;
	const void **slots;
	size_t used, size;
};

/* What stands there already, or NULL if `value` was put or has no key. */
const void *index_put(struct index *index, const void *value);
const void *index_find(const struct index *index, const char *key, const char *second);
void index_remove(struct index *index, const void *value); /* it is fine if another or none stands there */
struct index index_dup(const struct index *index);
void index_finish(struct index *index);

#endif
