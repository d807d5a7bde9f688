/* The inside of a value: for value*.c and the template engine. */
#ifndef LIBJOB_VALUE_INTERNAL_H
#define LIBJOB_VALUE_INTERNAL_H

#include "libjob/value.h"

#include <stdint.h>
#include <stdlib.h>

#define VALUE_DEPTH_MAX 64 /* of lists and dicts in each other */

struct value_entry {
	const struct value *key, *item;
};

struct value {
	enum value_type type;
	uint16_t depth;     /* of lists and dicts: 1 + the deepest child's */
	bool is_namespace;  /* a dict that `{% set ns.x = ... %}` may change; it never holds another namespace, so there are no cycles */
	bool has_namespace; /* holds one somewhere below */
	union {
		bool b;
		int64_t i;
		double f;
		struct {
			const char *p; /* 0-terminated */
			size_t n;
		} s;
		struct {
			const struct value **v;
			size_t n, cap;
		} list;
		struct {
			struct value_entry *v;
			size_t n, cap;
			uint32_t *index; /* hash table of 1 + entry, 0: free; NULL while the dict is small */
			size_t n_index;  /* a power of two */
		} dict;
		struct {
			value_call *call;
			void *data;
		} call;
		void *loop;
	} u;
};

extern struct value value_of_nothing; /* undefined; never written, since what fills lists and dicts looks at the type first */
bool value_has_key(const struct value *dict, const struct value *key);
const struct value *value_string_borrow(struct value_pool *pool, const char *text, size_t n); /* text[n] is 0 and lives long enough */
const struct value *value_loop(struct value_pool *pool, void *state);

#endif
