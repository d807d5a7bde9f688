#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registration/json.h"

static bool valid(const char *text)
{
	struct json value;
	size_t n = strlen(text);
	char *copy = malloc(n + 1); /* of exactly that size, so that a read beyond it shows */
	bool ok;

	memcpy(copy, text, n);
	ok = json_document(copy, n, &value);
	free(copy);
	return ok;
}

static void json_is_told_from_what_is_none(void **state)
{
	static const char *const good[] = {"{}",      " [ ] ",          "null",
					   "-0.5e+3", "\"\\u00e4\\n\"", "{\"a\":[1,true,{\"b\":null}],\"c\":\"d\"}\n"};
	static const char *const bad[] = {"",        "{",          "[1,]",           "{\"a\"}",   "{a:1}",  "01",
					  "1.",      "\"a",        "\"\\x\"",        "\"\\u12\"", "\"\n\"", "nul",
					  "[1] [2]", "{\"a\":1,}", "\xef\xbb\xbf{}", "-"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(valid(bad[i]));
}

static void depth_is_bounded(void **state)
{
	char deep[2 * (JSON_DEPTH_MAX + 1) + 1] = "";

	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	assert_true(valid(deep));
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_false(valid(deep));
	assert_false(valid("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["));
}

static void a_key_is_found_whatever_lies_before_it(void **state)
{
	static const char text[] = "{ \"training\" : {\"base_name\":\"no\"}, \"tags\":[\"a\", \"b\"], \"base\\u005fname\" : \"gfx9\" }";
	struct json object, value, item;
	size_t at = 0;

	assert_true(json_document(text, sizeof(text) - 1, &object));
	assert_true(json_find(&object, "base_name", &value));
	assert_true(json_is_text(&value, "gfx9"));
	assert_false(json_is_text(&value, "gfx"));
	assert_true(json_find(&object, "tags", &value));
	assert_true(json_next(&value, &at, &item) && json_is_text(&item, "a"));
	assert_true(json_next(&value, &at, &item) && json_is_text(&item, "b"));
	assert_false(json_next(&value, &at, &item));
	assert_false(json_find(&object, "mac", &value));
	assert_false(json_find(&item, "mac", &value));
}

static void a_list_without_items_has_none(void **state)
{
	struct json list, item;
	size_t at = 0;

	assert_true(json_document("[ ]", 3, &list));
	assert_false(json_next(&list, &at, &item));
	assert_true(json_document("7", 1, &list));
	assert_false(json_next(&list, &at, &item));
}

static void assert_means(const char *json, const char *meant)
{
	struct json value;
	char text[64] = "";
	struct text t = TEXT_ON(text);

	assert_true(json_document(json, strlen(json), &value));
	if (meant) {
		assert_true(json_text(&value, &t));
		assert_string_equal(text, meant);
	} else {
		assert_false(json_text(&value, &t));
	}
}

static void escapes_mean_characters(void **state)
{
	assert_means("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t");
	assert_means("\"\\u0041\\u00e4\\u20ac\\ud83d\\ude00\"", "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_means("\"\\u0000\"", NULL);
	assert_means("\"\\ud83d\"", NULL);
	assert_means("\"\\ud83dx\\ude00\"", NULL);
	assert_means("\"\\ude00\"", NULL);
	assert_means("7", NULL);
}

static void a_text_is_written_so_that_it_is_read_again(void **state)
{
	char json[64];
	struct text t = TEXT_ON(json);

	json_add_text(&t, "a\"b\\c\n\x1f");
	assert_string_equal(json, "\"a\\\"b\\\\c\\u000a\\u001f\"");
	assert_means(json, "a\"b\\c\n\x1f");
}

static void a_text_that_does_not_fit_is_cut_and_says_so(void **state)
{
	char small[8];
	struct text t = TEXT_ON(small);

	text_add(&t, "123456789");
	assert_true(t.cut);
	assert_string_equal(small, "1234567");
	text_add(&t, "x");
	text_add_bytes(&t, "y", 1);
	assert_string_equal(small, "1234567");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_is_told_from_what_is_none),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_key_is_found_whatever_lies_before_it),
		cmocka_unit_test(a_list_without_items_has_none),
		cmocka_unit_test(escapes_mean_characters),
		cmocka_unit_test(a_text_is_written_so_that_it_is_read_again),
		cmocka_unit_test(a_text_that_does_not_fit_is_cut_and_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
