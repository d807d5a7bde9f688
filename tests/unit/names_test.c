#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/names.h"

static const struct named *find(const struct named *v, size_t n, size_t place)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].place == place)
			return &v[i];
	fail_msg("no DUT at place %zu", place);
	return NULL;
}

static void duts_of_one_base_name_are_counted_by_when_they_were_first_seen(void **state)
{
	struct named v[] = {
		{"gfx9", "2022-05-01 10:00:00", 0, 0},        {"box", NULL, 1, 0},
		{"gfx9", "2021-12-22 16:57:08.146275", 2, 0}, {"gfx9", NULL, 3, 0},
		{"gfx9", "2022-05-01T09:30:00-02:00", 4, 0}, /* 11:30 UTC */
		{"gfx9", "2022-05-01 10:00:00", 5, 0},       /* the same second: the file's order */
	};
	const unsigned numbers[] = {2, 1, 1, 5, 4, 3};

	names_number(v, 6);
	for (size_t place = 0; place < 6; place++)
		assert_int_equal(find(v, 6, place)->number, numbers[place]);
}

static const struct date_row {
	const char *text;
	double seconds; /* < 0: not a date */
} dates[] = {
	{"1970-01-02", 86400},
	{"1970-01-01 00:00:01.5", 1.5},
	{"1970-01-01T01:00:00+01:00", 0},
	{"1970-01-01 00:00:00 -0130", 5400},
	{"1970-01-01T00:00:00Z", 0},
	{"soon", -1},
};

static void dates_are_read_in_all_their_forms(void **state)
{
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		double seconds = -1;

		assert_int_equal(names_date(dates[i].text, &seconds), dates[i].seconds >= 0);
		assert_true(seconds == dates[i].seconds);
	}
}

static void times_are_printed_with_their_zone(void **state)
{
	char text[40];

	names_date_text(1767225600.25, text);
	assert_string_equal(text, "2026-01-01T00:00:00.250+00:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duts_of_one_base_name_are_counted_by_when_they_were_first_seen),
		cmocka_unit_test(dates_are_read_in_all_their_forms),
		cmocka_unit_test(times_are_printed_with_their_zone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
