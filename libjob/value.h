/* Values of templates and of YAML: a tree of none, bools, ints, floats, strings, lists, dicts and callables.
 *
 * All values live in a pool and die with it; there is no other ownership. A pool has a limit: once it is reached, `pool->full` is set and
 * every function here goes on answering harmless values (undefined), so that only the end of a piece of work needs to look at `full`.
 * A tree may hold values of several pools, if all live as long as it is used. Not thread-safe; two pools on two threads are.
 */
#ifndef LIBJOB_VALUE_H
#define LIBJOB_VALUE_H

#include "libgateway/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum value_type {
	VALUE_UNDEFINED, /* a name that is not there: renders empty, is false, and its attributes are undefined again */
	VALUE_NONE,
	VALUE_BOOL,
	VALUE_INT,
	VALUE_FLOAT,
	VALUE_STRING,
	VALUE_LIST,
	VALUE_DICT, /* in order of insertion; keys are strings, ints, floats, bools or none */
	VALUE_CALLABLE,
	VALUE_LOOP, /* `loop` in a template's for: of the template engine alone */
	VALUE_TYPES
};

struct value;

struct value_pool {
	struct value_block *blocks; /* owned */
	size_t used;                /* bytes */
	size_t limit;               /* bytes */
	bool full;
};

/* A C function that templates may call. `args` are borrowed; the answer is of `pool` or lives longer. NULL: it failed and set `err`. */
typedef const struct value *value_call(struct value_pool *pool, void *data, const struct value *const *args, size_t n_args,
				       struct gw_error *err);

void value_pool_init(struct value_pool *pool, size_t limit /* bytes; 0: 64 MiB */);
void value_pool_finish(struct value_pool *pool);              /* frees every value of it; a zeroed pool is fine */
void *value_pool_alloc(struct value_pool *pool, size_t size); /* zeroed; NULL when full */

const struct value *value_undefined(void);
const struct value *value_none(void);
const struct value *value_bool(bool b);
const struct value *value_int(struct value_pool *pool, int64_t i);
const struct value *value_float(struct value_pool *pool, double f);
const struct value *value_string(struct value_pool *pool, const char *text); /* copies; NULL gives none */
const struct value *value_string_n(struct value_pool *pool, const char *text, size_t n);
const struct value *value_callable(struct value_pool *pool, value_call *call, void *data); /* `data` is borrowed */
/* Lists and dicts are filled by the one who made them, before others see them. */
struct value *value_list(struct value_pool *pool);
void value_append(struct value_pool *pool, struct value *list, const struct value *item);
struct value *value_dict(struct value_pool *pool);
void value_set(struct value_pool *pool, struct value *dict, const char *key, const struct value *item); /* replaces */
void value_set_key(struct value_pool *pool, struct value *dict, const struct value *key, const struct value *item);

enum value_type value_type(const struct value *v);
const char *value_type_name(const struct value *v); /* "a list", "a string", ... as messages say it */
bool value_is_true(const struct value *v);
bool value_as_bool(const struct value *v);                        /* of a bool */
int64_t value_as_int(const struct value *v);                      /* of an int or bool, else 0 */
double value_as_float(const struct value *v);                     /* of a float, int or bool, else 0 */
const char *value_text(const struct value *v, size_t *n);         /* of a string: borrowed, 0-terminated; else NULL. `n` may be NULL */
size_t value_len(const struct value *v);                          /* of a string (characters), list or dict; else 0 */
const struct value *value_at(const struct value *list, size_t i); /* undefined when there is none */
const struct value *value_get(const struct value *dict, const char *key); /* undefined when there is none; never NULL */
const struct value *value_get_key(const struct value *dict, const struct value *key);
bool value_has(const struct value *dict, const char *key);
const struct value *value_key_at(const struct value *dict, size_t i);
const struct value *value_item_at(const struct value *dict, size_t i);
bool value_equal(const struct value *a, const struct value *b);
bool value_is_callable(const struct value *v, value_call **call, void **data);

/* JSON to and from a tree, as messages between daemons carry it. Of the decoder: at most 64 deep, `text` is 0-terminated. */
/* What cannot be said in JSON (callables, undefined) is left out. The caller frees; NULL: deeper than 64. */
char *value_to_json(const struct value *v);
const struct value *value_from_json(struct value_pool *pool, const char *text, struct gw_error *err); /* NULL: failed */

#endif
