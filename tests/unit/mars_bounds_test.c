/* What a small text can make of itself is bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "libmars/marsdb.h"
#include "libmars/text.h"

static long resident_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

static void assert_refused(const char *text, const char *why)
{
	long before = resident_kib();
	struct gw_errors errs = {0};

	assert_null(mars_db_parse(text, strlen(text), "mars_db.yaml", NULL, &errs));
	assert_true(errs.n > 0);
	if (!strstr(errs.v[0].text, why))
		fail_msg("%s", errs.v[0].text);
	gw_errors_finish(&errs);
	assert_true(resident_kib() - before < 64 * 1024);
}

/* Ten lists, each of eight times the one before: 8^10 nodes. */
static void promise_7_aliases_that_stand_for_a_billion_nodes_are_refused(void **state)
{
	struct text text = {0};

	text_adds(&text, "a0: &a0 [x]\n");
	for (int i = 1; i <= 10; i++)
		text_addf(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1, i - 1,
			  i - 1, i - 1, i - 1);
	assert_refused(text.bytes, "aliases stand for too much; accepted: 100000 nodes in all");
	text_finish(&text);
}

static void promise_7_ten_thousand_lists_in_each_other_are_refused(void **state)
{
	struct text text = {0};

	text_adds(&text, "duts: ");
	for (int i = 0; i < 10000; i++)
		text_adds(&text, "[");
	assert_refused(text.bytes, "too deep in each other; accepted: 32 levels");
	text_finish(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_7_aliases_that_stand_for_a_billion_nodes_are_refused),
		cmocka_unit_test(promise_7_ten_thousand_lists_in_each_other_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
