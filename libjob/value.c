/* Values and the pool they live in: see value.h. Sources: Python's rules for truth and equality, as Jinja2 shows them. */
#include "libjob/value_internal.h"

#include <math.h>
#include <string.h>

#define POOL_LIMIT  ((size_t)64 * 1024 * 1024)
#define BLOCK_FIRST 4096
#define BLOCK_MAX   ((size_t)1024 * 1024)

struct value_block {
	struct value_block *next;
	size_t size, used;
	_Alignas(16) unsigned char bytes[];
};

struct value value_of_nothing = {.type = VALUE_UNDEFINED};
static const struct value none = {.type = VALUE_NONE};
static const struct value truths[2] = {{.type = VALUE_BOOL, .u.b = false}, {.type = VALUE_BOOL, .u.b = true}};

static const char *const type_names[VALUE_TYPES] = {
	[VALUE_UNDEFINED] = "undefined", [VALUE_NONE] = "none",       [VALUE_BOOL] = "a boolean", [VALUE_INT] = "an integer",
	[VALUE_FLOAT] = "a number",      [VALUE_STRING] = "a string", [VALUE_LIST] = "a list",    [VALUE_DICT] = "a mapping",
	[VALUE_CALLABLE] = "a function", [VALUE_LOOP] = "the loop",
};

void value_pool_init(struct value_pool *pool, size_t limit)
{
	*pool = (struct value_pool){.limit = limit ? limit : POOL_LIMIT};
}

void value_pool_finish(struct value_pool *pool)
{
	while (pool->blocks) {
		struct value_block *next = pool->blocks->next;

		free(pool->blocks);
		pool->blocks = next;
	}
	*pool = (struct value_pool){0};
}

static struct value_block *pool_grow(struct value_pool *pool, size_t size)
{
	size_t want = pool->blocks ? pool->blocks->size * 2 : BLOCK_FIRST;
	struct value_block *block;

	if (want > BLOCK_MAX)
		want = BLOCK_MAX;
	if (want < size)
		want = size;
	if (want > pool->limit - pool->used)
		want = size; /* the last bytes there are */
	if (want > pool->limit - pool->used) {
		pool->full = true;
		return NULL;
	}
	block = gw_calloc(1, sizeof(*block) + want);
	block->size = want;
	block->next = pool->blocks;
	pool->blocks = block;
	pool->used += want;
	return block;
}

void *value_pool_alloc(struct value_pool *pool, size_t size)
{
	struct value_block *block = pool->blocks;
	void *p;

	if (size > pool->limit) {
		pool->full = true;
		return NULL;
	}
	size = (size + 15) & ~(size_t)15;
	if (!block || block->size - block->used < size)
		block = pool_grow(pool, size);
	if (!block)
		return NULL;
	p = block->bytes + block->used;
	block->used += size;
	return p;
}

static struct value *value_new(struct value_pool *pool, enum value_type type)
{
	struct value *v = value_pool_alloc(pool, sizeof(*v));

	if (!v)
		return &value_of_nothing;
	v->type = type;
	return v;
}

const struct value *value_undefined(void)
{
	return &value_of_nothing;
}

const struct value *value_none(void)
{
	return &none;
}

const struct value *value_bool(bool b)
{
	return &truths[b];
}

const struct value *value_int(struct value_pool *pool, int64_t i)
{
	struct value *v = value_new(pool, VALUE_INT);

	if (v->type == VALUE_INT)
		v->u.i = i;
	return v;
}

const struct value *value_float(struct value_pool *pool, double f)
{
	struct value *v = value_new(pool, VALUE_FLOAT);

	if (v->type == VALUE_FLOAT)
		v->u.f = f;
	return v;
}

const struct value *value_string_n(struct value_pool *pool, const char *text, size_t n)
{
	char *copy = n < pool->limit ? value_pool_alloc(pool, n + 1) : NULL;

	if (!copy) {
		pool->full = true;
		return &value_of_nothing;
	}
	if (n)
		memcpy(copy, text, n);
	return value_string_borrow(pool, copy, n);
}

const struct value *value_string(struct value_pool *pool, const char *text)
{
	return text ? value_string_n(pool, text, strlen(text)) : &none;
}

const struct value *value_string_borrow(struct value_pool *pool, const char *text, size_t n)
{
	struct value *v = value_new(pool, VALUE_STRING);

	if (v->type == VALUE_STRING) {
		v->u.s.p = text;
		v->u.s.n = n;
	}
	return v;
}

const struct value *value_callable(struct value_pool *pool, value_call *call, void *data)
{
	struct value *v = value_new(pool, VALUE_CALLABLE);

	if (v->type == VALUE_CALLABLE) {
		v->u.call.call = call;
		v->u.call.data = data;
	}
	return v;
}

const struct value *value_loop(struct value_pool *pool, void *state)
{
	struct value *v = value_new(pool, VALUE_LOOP);

	if (v->type == VALUE_LOOP)
		v->u.loop = state;
	return v;
}

struct value *value_list(struct value_pool *pool)
{
	return value_new(pool, VALUE_LIST);
}

struct value *value_dict(struct value_pool *pool)
{
	return value_new(pool, VALUE_DICT);
}

enum value_type value_type(const struct value *v)
{
	return v->type;
}

const char *value_type_name(const struct value *v)
{
	return type_names[v->type];
}

bool value_is_true(const struct value *v)
{
	switch (v->type) {
	case VALUE_UNDEFINED:
	case VALUE_NONE:
		return false;
	case VALUE_BOOL:
		return v->u.b;
	case VALUE_INT:
		return v->u.i != 0;
	case VALUE_FLOAT:
		return v->u.f != 0;
	case VALUE_STRING:
		return v->u.s.n > 0;
	case VALUE_LIST:
	case VALUE_DICT:
		return value_len(v) > 0 || v->is_namespace;
	default:
		return true;
	}
}

bool value_as_bool(const struct value *v)
{
	return v->type == VALUE_BOOL && v->u.b;
}

int64_t value_as_int(const struct value *v)
{
	return v->type == VALUE_INT ? v->u.i : value_as_bool(v);
}

double value_as_float(const struct value *v)
{
	return v->type == VALUE_FLOAT ? v->u.f : (double)value_as_int(v);
}

const char *value_text(const struct value *v, size_t *n)
{
	if (v->type != VALUE_STRING)
		return NULL;
	if (n)
		*n = v->u.s.n;
	return v->u.s.p;
}

size_t value_len(const struct value *v)
{
	size_t n = 0;

	if (v->type == VALUE_LIST)
		return v->u.list.n;
	if (v->type == VALUE_DICT)
		return v->u.dict.n;
	for (size_t i = 0; v->type == VALUE_STRING && i < v->u.s.n; i++)
		n += (v->u.s.p[i] & 0xc0) != 0x80;
	return n;
}

static bool is_number(const struct value *v)
{
	return v->type == VALUE_BOOL || v->type == VALUE_INT || v->type == VALUE_FLOAT;
}

static bool list_equal(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < a->u.list.n; i++)
		if (!value_equal(a->u.list.v[i], b->u.list.v[i]))
			return false;
	return true;
}

static bool dict_equal(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < a->u.dict.n; i++) {
		const struct value *key = a->u.dict.v[i].key;

		if (!value_has_key(b, key) || !value_equal(a->u.dict.v[i].item, value_get_key(b, key)))
			return false;
	}
	return true;
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a == b)
		return true;
	if (is_number(a) && is_number(b))
		return a->type == VALUE_FLOAT || b->type == VALUE_FLOAT ? value_as_float(a) == value_as_float(b)
									: value_as_int(a) == value_as_int(b);
	if (a->type != b->type)
		return false;
	if (a->type == VALUE_STRING)
		return a->u.s.n == b->u.s.n && memcmp(a->u.s.p, b->u.s.p, a->u.s.n) == 0;
	if (a->type == VALUE_LIST)
		return a->u.list.n == b->u.list.n && list_equal(a, b);
	if (a->type == VALUE_DICT)
		return a->u.dict.n == b->u.dict.n && dict_equal(a, b);
	return a->type == VALUE_NONE || a->type == VALUE_UNDEFINED;
}

bool value_is_callable(const struct value *v, value_call **call, void **data)
{
	if (v->type != VALUE_CALLABLE)
		return false;
	*call = v->u.call.call;
	*data = v->u.call.data;
	return true;
}
