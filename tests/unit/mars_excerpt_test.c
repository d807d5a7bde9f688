/* The line below a message of `executorctl db check`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "libmars/excerpt.h"
#include "libmars/marsdb.h"

static void assert_excerpt(const char *text, const char *message, const char *want)
{
	char *got = mars_excerpt(message, "db.yaml", text, strlen(text));

	assert_string_equal(got, want);
	free(got);
}

static void a_caret_stands_under_the_text(void **state)
{
	assert_excerpt("pdus:\n  APC:\n    driver: apc_masterswich # the rack's\n", "db.yaml:3:13: pdus.APC.driver: ...",
		       "      3 |     driver: apc_masterswich # the rack's\n"
		       "        |             ^~~~~~~~~~~~~~~\n");
	assert_excerpt("duts: {a: {tags: ['x y', z]}}", "db.yaml:1:19: duts.a.tags[0]: ...",
		       "      1 | duts: {a: {tags: ['x y', z]}}\n"
		       "        |                   ^~~~~\n");
	assert_excerpt("duts:\n\tx: 1\r\n", "db.yaml:2:2: a tab", "      2 | \tx: *\n        | \t^\n");
}

static void characters_count_not_bytes(void **state)
{
	assert_excerpt("comment: Büro, is_retired: mäh", "db.yaml:1:28: ...",
		       "      1 | comment: Büro, is_retired: mäh\n"
		       "        |                            ^~~\n");
}

static void a_long_line_is_cut_around_the_place(void **state)
{
	char line[600] = "comment: ", *got;

	memset(line + 9, 'x', 400);
	strcpy(line + 409, " here yes");
	got = mars_excerpt("db.yaml:1:411: ...", "db.yaml", line, strlen(line));
	assert_non_null(strstr(got, "      1 | ...xxx"));
	assert_non_null(strstr(got, " here yes\n        |    "));
	assert_int_equal(strchr(strchr(got, '\n'), '^') - strchr(got, '\n') - 1, strstr(got, "here") - got);
	free(got);
}

static void a_message_without_a_place_has_no_excerpt(void **state)
{
	assert_excerpt("a: b\n", "cannot open db.yaml: No such file or directory", "");
	assert_excerpt("a: b\n", "db.yaml:7:1: beyond the end", "");
	assert_excerpt("a: b\n", "other.yaml:1:1: of another file", "");
	assert_excerpt("a: \xff\xfe\n", "db.yaml:1:4: not UTF-8", "");
}

static void secrets_are_not_shown(void **state)
{
	assert_excerpt("gitlab: {g: {url: https://g, access_token: glpat-1 23, runner_type: x}}", "db.yaml:1:68: ...",
		       "      1 | gitlab: {g: {url: https://g, access_token: ******* **, runner_type: x}}\n"
		       "        |                                                                    ^\n");
	assert_excerpt("    registration_tokn: glpat-123\n", "db.yaml:1:5: not a field",
		       "      1 |     registration_tokn: *********\n"
		       "        |     ^~~~~~~~~~~~~~~~~\n");
	assert_excerpt("    config: {hostname: h, community: secret}\n", "db.yaml:1:5: ...",
		       "      1 |     config: {hostname: *, community: ******}\n"
		       "        |     ^~~~~~\n");
	assert_excerpt("url: https://me:pw@g\n", "db.yaml:1:6: ...", "      1 | url: https://*****@g\n        |      ^~~~~~~~~~~~~~~\n");
	assert_excerpt("token: >\n  glpat-1\n  glpät-2: x\n", "db.yaml:2:3: ...", "      2 |   *******\n        |   ^~~~~~~\n");
	assert_excerpt("registration_token glpat-1\n", "db.yaml:1:1: ...",
		       "      1 | ****************** *******\n        | ^~~~~~~~~~~~~~~~~~\n");
}

static void real_messages_have_their_excerpts(void **state)
{
	static const char text[] = "duts:\n  '52:54:00:00:00:01':\n    is_retird: true\n    pdu_off_delay: soon\n";
	struct gw_errors errs = {0};

	assert_null(mars_db_parse(text, strlen(text), "db.yaml", NULL, &errs));
	assert_int_equal(errs.n, 2);
	assert_non_null(strstr(errs.v[0].text, "did you mean 'is_retired'?"));
	assert_excerpt(text, errs.v[0].text, "      3 |     is_retird: ****\n        |     ^~~~~~~~~\n");
	assert_excerpt(text, errs.v[1].text, "      4 |     pdu_off_delay: soon\n        |                    ^~~~\n");
	gw_errors_finish(&errs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_caret_stands_under_the_text),
		cmocka_unit_test(characters_count_not_bytes),
		cmocka_unit_test(a_long_line_is_cut_around_the_place),
		cmocka_unit_test(a_message_without_a_place_has_no_excerpt),
		cmocka_unit_test(secrets_are_not_shown),
		cmocka_unit_test(real_messages_have_their_excerpts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
