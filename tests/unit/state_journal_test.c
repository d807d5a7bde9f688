#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/state_journal.h"

#define ALL        "{\"journal\":\"n1\",\"duts\":{\"a\":{\"v\":0},\"b\":{\"v\":0}},\"discovery\":{\"pdu\":\"P\"}}"
#define LINE_1     "{\"journal\":\"n1\",\"duts\":{\"b\":{\"v\":1},\"c\":{\"v\":1}}}\n"
#define LINE_2     "{\"journal\":\"n1\",\"duts\":{\"c\":{\"v\":2},\"a\":null},\"discovery\":null}\n"
#define OF_ANOTHER "{\"journal\":\"n0\",\"duts\":{\"a\":{\"v\":9}}}\n"

static size_t read_kept(struct kept *kept, const char *all, const char *journal)
{
	return kept_read(kept, all ? cJSON_Parse(all) : NULL, journal, strlen(journal));
}

static int value_of(const struct kept *kept, const char *id)
{
	const cJSON *json = kept_dut(kept, id);

	return json ? cJSON_GetObjectItemCaseSensitive(json, "v")->valueint : -1;
}

static void the_last_that_was_written_of_a_dut_counts(void **state)
{
	struct kept kept;

	assert_int_equal(read_kept(&kept, ALL, LINE_1 LINE_2), strlen(LINE_1 LINE_2));
	assert_int_equal(value_of(&kept, "b"), 1);
	assert_int_equal(value_of(&kept, "c"), 2);
	assert_null(kept_dut(&kept, "a")); /* gone */
	assert_null(kept_dut(&kept, "d")); /* never there */
	assert_null(kept.discovery);
	kept_finish(&kept);
}

static void a_discovery_that_a_line_does_not_name_is_as_before(void **state)
{
	struct kept kept;

	read_kept(&kept, ALL, LINE_1);
	assert_non_null(kept.discovery);
	kept_finish(&kept);
}

static void lines_of_another_file_do_not_count(void **state)
{
	struct kept kept;

	assert_int_equal(read_kept(&kept, ALL, OF_ANOTHER LINE_1), strlen(OF_ANOTHER LINE_1));
	assert_int_equal(value_of(&kept, "a"), 0);
	assert_int_equal(value_of(&kept, "b"), 1);
	kept_finish(&kept);
	read_kept(&kept, NULL, LINE_1);
	assert_null(kept_dut(&kept, "b"));
	kept_finish(&kept);
	read_kept(&kept, "{\"duts\":{\"a\":{\"v\":0}}}", "{\"duts\":{\"a\":{\"v\":1}}}\n"); /* as before there was a journal */
	assert_int_equal(value_of(&kept, "a"), 0);
	kept_finish(&kept);
}

/* Killed, or out of space, in the middle of any byte: all lines before count, and nothing of it. */
static void promise_8_a_torn_last_line_does_not_count_wherever_it_is_torn(void **state)
{
	const char *both = LINE_1 LINE_2;
	struct kept kept;

	for (size_t len = strlen(LINE_1); len < strlen(both); len++) {
		assert_int_equal(kept_read(&kept, cJSON_Parse(ALL), both, len), strlen(LINE_1));
		assert_int_equal(value_of(&kept, "a"), 0);
		assert_int_equal(value_of(&kept, "c"), 1);
		assert_non_null(kept.discovery);
		kept_finish(&kept);
	}
}

/* As a disk may leave it that lost power. */
static void what_follows_a_line_that_is_no_json_does_not_count(void **state)
{
	char journal[] = LINE_1 "????\n" LINE_2;
	struct kept kept;

	memset(journal + strlen(LINE_1), 0, 4);
	assert_int_equal(kept_read(&kept, cJSON_Parse(ALL), journal, sizeof(journal) - 1), strlen(LINE_1));
	assert_int_equal(value_of(&kept, "c"), 1);
	kept_finish(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_that_was_written_of_a_dut_counts),
		cmocka_unit_test(a_discovery_that_a_line_does_not_name_is_as_before),
		cmocka_unit_test(lines_of_another_file_do_not_count),
		cmocka_unit_test(promise_8_a_torn_last_line_does_not_count_wherever_it_is_torn),
		cmocka_unit_test(what_follows_a_line_that_is_no_json_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
