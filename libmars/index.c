#include "libmars/index.h"

#include "libgateway/error.h"
#include "libmars/text.h"

#include <stdlib.h>
#include <string.h>

static size_t home(const struct index *index, const char *key, const char *second)
{
	size_t h = text_hash(key, strlen(key)) + (second ? 31 * text_hash(second, strlen(second)) : 0);

	return h & (index->size - 1);
}

static size_t next(const struct index *index, size_t i)
{
	return (i + 1) & (index->size - 1);
}

static bool stands_under(const struct index *index, const void *value, const char *key, const char *second)
{
	const char *other_second = NULL, *other = index->key(value, &other_second);

	return strcmp(other, key) == 0 && !second == !other_second && (!second || strcmp(other_second, second) == 0);
}

/* Where it is, or where it would be. */
static size_t place_of(const struct index *index, const char *key, const char *second)
{
	size_t i = home(index, key, second);

	while (index->slots[i] && !stands_under(index, index->slots[i], key, second))
		i = next(index, i);
	return i;
}

static void grow(struct index *index)
{
	struct index old = *index;

	index->size = old.size ? old.size * 2 : 16;
	index->slots = gw_calloc(index->size, sizeof(*index->slots));
	for (size_t i = 0; i < old.size; i++) {
		const char *second = NULL, *key = old.slots[i] ? index->key(old.slots[i], &second) : NULL;

		if (key)
			index->slots[place_of(index, key, second)] = old.slots[i];
	}
	free(old.slots);
}

const void *index_put(struct index *index, const void *value)
{
	const char *second = NULL, *key = index->key(value, &second);
	size_t i;

	if (!key)
		return NULL;
	if ((index->used + 1) * 2 > index->size)
		grow(index);
	i = place_of(index, key, second);
	if (index->slots[i])
		return index->slots[i];
	index->slots[i] = value;
	index->used++;
	return NULL;
}

const void *index_find(const struct index *index, const char *key, const char *second)
{
	return index->size ? index->slots[place_of(index, key, second)] : NULL;
}

/* What stands behind a slot that becomes empty and could not be found any more moves up. */
static void close_gap(struct index *index, size_t gap)
{
	for (size_t i = next(index, gap); index->slots[i]; i = next(index, i)) {
		const char *second = NULL, *key = index->key(index->slots[i], &second);
		size_t from = home(index, key, second);

		if (((i - from) & (index->size - 1)) < ((i - gap) & (index->size - 1)))
			continue;
		index->slots[gap] = index->slots[i];
		gap = i;
	}
	index->slots[gap] = NULL;
}

void index_remove(struct index *index, const void *value)
{
	const char *second = NULL, *key = index->size ? index->key(value, &second) : NULL;
	size_t i = key ? place_of(index, key, second) : 0;

	if (!key || index->slots[i] != value)
		return;
	close_gap(index, i);
	index->used--;
}

struct index index_dup(const struct index *index)
{
	struct index copy = *index;

	if (!index->size)
		return copy;
	copy.slots = gw_realloc(NULL, index->size * sizeof(*index->slots));
	memcpy(copy.slots, index->slots, index->size * sizeof(*index->slots));
	return copy;
}

void index_finish(struct index *index)
{
	free(index->slots);
	*index = (struct index){0};
}
