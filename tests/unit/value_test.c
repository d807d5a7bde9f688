#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/value.h"

static void json_becomes_values(void **state)
{
	struct value_pool pool;
	struct gw_error err;
	const struct value *v;

	value_pool_init(&pool, 0);
	v = value_from_json(&pool, "{\"a\": [1, 2.5, true, null, \"t\\u00e9xt\"], \"b\": {}}", &err);
	assert_int_equal(value_type(v), VALUE_DICT);
	assert_int_equal(value_len(value_get(v, "a")), 5);
	assert_int_equal(value_as_int(value_at(value_get(v, "a"), 0)), 1);
	assert_true(value_as_float(value_at(value_get(v, "a"), 1)) == 2.5);
	assert_true(value_as_bool(value_at(value_get(v, "a"), 2)));
	assert_int_equal(value_type(value_at(value_get(v, "a"), 3)), VALUE_NONE);
	assert_string_equal(value_text(value_at(value_get(v, "a"), 4), NULL), "t\xc3\xa9xt");
	assert_int_equal(value_len(value_at(value_get(v, "a"), 4)), 4);
	assert_int_equal(value_type(value_at(value_get(v, "a"), 5)), VALUE_UNDEFINED);
	assert_false(value_has(v, "c"));
	value_pool_finish(&pool);
}

static void bad_json_is_refused(void **state)
{
	char deep[200];
	struct value_pool pool;
	struct gw_error err;

	value_pool_init(&pool, 100000);
	assert_null(value_from_json(&pool, "{\"a\": ", &err));
	assert_string_equal(err.text, "not JSON");
	assert_null(value_from_json(&pool, "{} {}", &err));
	assert_string_equal(err.text, "not JSON");
	memset(deep, '[', 100);
	memset(deep + 100, ']', 99);
	deep[199] = '\0';
	assert_null(value_from_json(&pool, deep, &err));
	assert_string_equal(err.text, "JSON is nested too deeply; accepted: 64 levels");
	value_pool_finish(&pool);
	value_pool_init(&pool, 100);
	assert_null(value_from_json(&pool, "[\"a long text that does not fit a pool of so few bytes\", 1, 2, 3]", &err));
	assert_string_equal(err.text, "JSON needs more than 100 bytes");
	value_pool_finish(&pool);
}

static void a_large_dict_finds_each_key(void **state)
{
	struct value_pool pool;
	struct value *dict;
	char key[20];

	value_pool_init(&pool, 0);
	dict = value_dict(&pool);
	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "key%d", i % 5000);
		value_set(&pool, dict, key, value_int(&pool, i));
	}
	assert_int_equal(value_len(dict), 5000);
	for (int i = 0; i < 5000; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		assert_int_equal(value_as_int(value_get(dict, key)), i + 5000);
		assert_string_equal(value_text(value_key_at(dict, (size_t)i), NULL), key); /* in order of insertion */
	}
	assert_int_equal(value_type(value_get(dict, "key5000")), VALUE_UNDEFINED);
	value_pool_finish(&pool);
}

static void numbers_that_are_equal_are_one_key(void **state)
{
	struct value_pool pool;
	struct value *dict;

	value_pool_init(&pool, 0);
	dict = value_dict(&pool);
	value_set_key(&pool, dict, value_int(&pool, 1), value_string(&pool, "a"));
	value_set_key(&pool, dict, value_float(&pool, 1.0), value_string(&pool, "b"));
	value_set_key(&pool, dict, value_bool(true), value_string(&pool, "c"));
	value_set_key(&pool, dict, value_none(), value_string(&pool, "d"));
	assert_int_equal(value_len(dict), 2);
	assert_string_equal(value_text(value_get_key(dict, value_int(&pool, 1)), NULL), "c");
	value_pool_finish(&pool);
}

static void a_full_pool_answers_undefined(void **state)
{
	struct value_pool pool;
	struct value *list;

	value_pool_init(&pool, 10000);
	list = value_list(&pool);
	for (int i = 0; i < 10000; i++)
		value_append(&pool, list, value_string(&pool, "some text"));
	assert_true(pool.full);
	assert_true(value_len(list) < 200);
	assert_true(pool.used <= 10000);
	assert_int_equal(value_type(value_string(&pool, "more")), VALUE_UNDEFINED);
	value_pool_finish(&pool);
}

static void values_nest_only_so_deep(void **state)
{
	const struct value *v = value_none();
	struct value_pool pool;

	value_pool_init(&pool, 0);
	for (int i = 0; i < 100; i++) {
		struct value *list = value_list(&pool);

		value_append(&pool, list, v);
		v = list;
	}
	assert_true(pool.full);
	value_pool_finish(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_becomes_values),           cmocka_unit_test(bad_json_is_refused),
		cmocka_unit_test(a_large_dict_finds_each_key),   cmocka_unit_test(numbers_that_are_equal_are_one_key),
		cmocka_unit_test(a_full_pool_answers_undefined), cmocka_unit_test(values_nest_only_so_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
