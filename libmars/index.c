#include "libmars/index.h"

#include "libgateway/error.h"
#include "libmars/text.h"

#include <stdlib.h>
#include <string.h>

static struct index_slot *slot_for(const struct index *index, const char *key, const char *second)
{
	size_t i = text_hash(key, strlen(key)) + (second ? 31 * text_hash(second, strlen(second)) : 0);

	for (i &= index->size - 1; index->slots[i].key; i = (i + 1) & (index->size - 1))
		if (strcmp(index->slots[i].key, key) == 0 && !second == !index->slots[i].second &&
		    (!second || strcmp(index->slots[i].second, second) == 0))
			break;
	return &index->slots[i];
}

static void grow(struct index *index)
{
	struct index old = *index;

	index->size = old.size ? old.size * 2 : 16;
	index->slots = gw_calloc(index->size, sizeof(*index->slots));
	for (size_t i = 0; i < old.size; i++)
		if (old.slots[i].key)
			*slot_for(index, old.slots[i].key, old.slots[i].second) = old.slots[i];
	free(old.slots);
}

const void *index_put(struct index *index, const char *key, const char *second, const void *value)
{
	struct index_slot *slot;

	if ((index->used + 1) * 2 > index->size)
		grow(index);
	slot = slot_for(index, key, second);
	if (slot->key)
		return slot->value;
	*slot = (struct index_slot){key, second, value};
	index->used++;
	return NULL;
}

const void *index_find(const struct index *index, const char *key, const char *second)
{
	return index->size ? slot_for(index, key, second)->value : NULL;
}

void index_finish(struct index *index)
{
	free(index->slots);
	*index = (struct index){0};
}
