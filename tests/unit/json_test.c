#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/json.h"

static const struct row {
	const char *text, *error; /* NULL: accepted */
} rows[] = {
	{"{}", NULL},
	{" {\"a\": [1, {\"b\": null}]} \n", NULL},
	{"{\"a\": \"\xc3\xa9\"}", NULL},
	{"", "it is empty; accepted: a JSON object"},
	{"[1]", "it is an array; accepted: a JSON object"},
	{"3", "it is a number; accepted: a JSON object"},
	{"{\"a\": 1,\n \"b\": x}", "not JSON: line 2, column 7: unexpected 'x'"},
	{"{\"a\": 1} {}", "not JSON: line 1, column 10: unexpected '{'"},
	{"{\"a\": 1", "not JSON: line 1, column 8: it ends too early"},
	{"{\"a\": 1, \"a\": 2}", "the key 'a' is given twice"},
	{"{\"x\": {\"a\": 1, \"b\": 1, \"a\": 2}}", "the key 'a' is given twice"},
	{"{\"a\": \"\\u0000\"}", "not JSON: line 1, column 8: \\u0000 is not accepted"},
	{"{\"a\": \"\xff\"}", "not JSON: line 1, column 8: not UTF-8"},
	{"{\"a\": \"\xed\xa0\x80\"}", "not JSON: line 1, column 8: not UTF-8"},
	{"{\"a\": \"\n\"}", "not JSON: line 1, column 8: a control character"},
	{"{\"a\": 1e999}", "'a': a number is too large"},
};

static void each_text_is_accepted_or_refused_with_its_place(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_error err = {0};
		cJSON *json = json_decode(rows[i].text, strlen(rows[i].text), &err);
		if (rows[i].error) {
			assert_null(json);
			assert_string_equal(err.text, rows[i].error);
			assert_int_equal(err.kind, GW_BAD_INPUT);
		} else if (!json) {
			fail_msg("'%s': %s", rows[i].text, err.text);
		}
		cJSON_Delete(json);
	}
}

/* {"a":{"a":...}} with n levels. */
static cJSON *nested(int n, struct gw_error *err)
{
	char text[1024];
	size_t at = 0;
	cJSON *json;

	for (int i = 0; i < n; i++, at += 5)
		memcpy(text + at, "{\"a\":", 5);
	text[at++] = '1';
	for (int i = 0; i < n; i++)
		text[at++] = '}';
	json = json_decode(text, at, err);
	return json;
}

static void depth_is_bounded(void **state)
{
	struct gw_error err = {0};
	cJSON *json = nested(32, &err);

	assert_non_null(json);
	cJSON_Delete(json);
	assert_null(nested(33, &err));
	assert_string_equal(err.text, "nested too deep: line 1, column 161; accepted: 32 levels");
}

static void a_nul_byte_is_refused(void **state)
{
	struct gw_error err = {0};

	assert_null(json_decode("{\"a\": \0}", 8, &err));
	assert_int_equal(err.kind, GW_BAD_INPUT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_text_is_accepted_or_refused_with_its_place),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(a_nul_byte_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
