/* Lists and dicts: how they grow within their pool, and how dicts find their keys. */
#include "libjob/value_internal.h"

#include <string.h>

#define INDEX_FROM 12 /* dicts of so many entries get a hash index */

/* The nesting of values is bounded here, so that whoever walks them may recurse. */
static bool may_hold(struct value_pool *pool, struct value *parent, const struct value *child)
{
	if (child->depth + 1 > VALUE_DEPTH_MAX) {
		pool->full = true;
		return false;
	}
	if (child->depth + 1 > parent->depth)
		parent->depth = child->depth + 1;
	parent->has_namespace |= child->is_namespace || child->has_namespace;
	return true;
}

static void *grown(struct value_pool *pool, const void *old, size_t n, size_t *cap, size_t item)
{
	size_t more = *cap ? *cap * 2 : 4;
	void *p;

	if (n < *cap)
		return (void *)(uintptr_t)old;
	if (more > pool->limit / item) {
		pool->full = true;
		return NULL;
	}
	p = value_pool_alloc(pool, more * item);
	if (!p)
		return NULL;
	if (n)
		memcpy(p, old, n * item);
	*cap = more;
	return p;
}

void value_append(struct value_pool *pool, struct value *list, const struct value *item)
{
	const struct value **v;

	if (list->type != VALUE_LIST || !may_hold(pool, list, item))
		return;
	v = grown(pool, list->u.list.v, list->u.list.n, &list->u.list.cap, sizeof(*v));
	if (!v)
		return;
	list->u.list.v = v;
	v[list->u.list.n++] = item;
}

static uint64_t folded(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* The seed is where the program lies in memory, which no template can know: so none can choose keys that all meet in one place. */
static uint32_t hash_bytes(const char *p, size_t n)
{
	uint64_t seed = (uint64_t)(uintptr_t)&value_of_nothing * 0x9e3779b97f4a7c15u, h = seed ^ n, part;

	for (; n; p += sizeof(part)) {
		size_t take = n < sizeof(part) ? n : sizeof(part);

		part = 0;
		memcpy(&part, p, take);
		h = folded(part ^ seed, h ^ 0xa0761d6478bd642fu);
		n -= take;
	}
	return (uint32_t)folded(h ^ 0xe7037ed1a0b428dbu, seed | 1);
}

static uint32_t key_hash(const struct value *key)
{
	double f;

	if (key->type == VALUE_STRING)
		return hash_bytes(key->u.s.p, key->u.s.n);
	if (key->type == VALUE_NONE)
		return 1;
	f = value_as_float(key) + 0.0; /* 1, 1.0 and True are one key */
	return hash_bytes((const char *)&f, sizeof(f));
}

static size_t dict_slot(const struct value *dict, const struct value *key)
{
	size_t mask = dict->u.dict.n_index - 1;
	size_t slot = key_hash(key) & mask;

	while (dict->u.dict.index[slot] && !value_equal(dict->u.dict.v[dict->u.dict.index[slot] - 1].key, key))
		slot = (slot + 1) & mask;
	return slot;
}

static struct value_entry *dict_find(const struct value *dict, const struct value *key)
{
	if (dict->type != VALUE_DICT)
		return NULL;
	if (dict->u.dict.index) {
		uint32_t at = dict->u.dict.index[dict_slot(dict, key)];

		return at ? &dict->u.dict.v[at - 1] : NULL;
	}
	for (size_t i = 0; i < dict->u.dict.n; i++)
		if (value_equal(dict->u.dict.v[i].key, key))
			return &dict->u.dict.v[i];
	return NULL;
}

static void dict_reindex(struct value_pool *pool, struct value *dict)
{
	size_t n = 32;

	if (dict->u.dict.n < INDEX_FROM || dict->u.dict.n * 2 <= dict->u.dict.n_index)
		return;
	while (n < dict->u.dict.n * 4)
		n *= 2;
	dict->u.dict.index = value_pool_alloc(pool, n * sizeof(uint32_t));
	dict->u.dict.n_index = dict->u.dict.index ? n : 0;
	for (size_t i = 0; dict->u.dict.index && i < dict->u.dict.n; i++)
		dict->u.dict.index[dict_slot(dict, dict->u.dict.v[i].key)] = (uint32_t)i + 1;
}

void value_set_key(struct value_pool *pool, struct value *dict, const struct value *key, const struct value *item)
{
	struct value_entry *found = dict_find(dict, key);
	struct value_entry *v;

	if (dict->type != VALUE_DICT || !may_hold(pool, dict, item))
		return;
	if (found) {
		found->item = item;
		return;
	}
	v = grown(pool, dict->u.dict.v, dict->u.dict.n, &dict->u.dict.cap, sizeof(*v));
	if (!v)
		return;
	dict->u.dict.v = v;
	v[dict->u.dict.n++] = (struct value_entry){key, item};
	if (dict->u.dict.index)
		dict->u.dict.index[dict_slot(dict, key)] = (uint32_t)dict->u.dict.n;
	dict_reindex(pool, dict);
}

void value_set(struct value_pool *pool, struct value *dict, const char *key, const struct value *item)
{
	const struct value *k = value_string(pool, key);

	if (k->type == VALUE_STRING)
		value_set_key(pool, dict, k, item);
}

const struct value *value_at(const struct value *list, size_t i)
{
	return list->type == VALUE_LIST && i < list->u.list.n ? list->u.list.v[i] : &value_of_nothing;
}

const struct value *value_get_key(const struct value *dict, const struct value *key)
{
	struct value_entry *found = dict_find(dict, key);

	return found ? found->item : &value_of_nothing;
}

bool value_has_key(const struct value *dict, const struct value *key)
{
	return dict_find(dict, key) != NULL;
}

const struct value *value_get(const struct value *dict, const char *key)
{
	struct value k = {.type = VALUE_STRING, .u.s = {key, strlen(key)}};

	return value_get_key(dict, &k);
}

bool value_has(const struct value *dict, const char *key)
{
	struct value k = {.type = VALUE_STRING, .u.s = {key, strlen(key)}};

	return dict_find(dict, &k) != NULL;
}

const struct value *value_key_at(const struct value *dict, size_t i)
{
	return dict->type == VALUE_DICT && i < dict->u.dict.n ? dict->u.dict.v[i].key : &value_of_nothing;
}

const struct value *value_item_at(const struct value *dict, size_t i)
{
	return dict->type == VALUE_DICT && i < dict->u.dict.n ? dict->u.dict.v[i].item : &value_of_nothing;
}
