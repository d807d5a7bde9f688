#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libgateway/error.h"

static void a_failure_says_kind_and_text(void **state)
{
	struct gw_error err = {0};

	assert_false(gw_fail(&err, GW_REFUSED, "port %d is %s", 3, "reserved"));
	assert_int_equal(err.kind, GW_REFUSED);
	assert_string_equal(err.text, "port 3 is reserved");
	assert_false(gw_context(&err, "pdus.%s", "APC"));
	assert_string_equal(err.text, "pdus.APC: port 3 is reserved");
}

static void a_full_disk_is_its_own_kind(void **state)
{
	struct gw_error err = {0};

	gw_fail_errno(&err, GW_INTERNAL, ENOSPC, "cannot write %s", "x");
	assert_int_equal(err.kind, GW_NO_SPACE);
	assert_int_equal(gw_http_status(err.kind), 507);
	assert_string_equal(err.text, "cannot write x: No space left on device");
}

static void a_list_of_errors_is_bounded_and_counts_the_rest(void **state)
{
	struct gw_errors errs = {0};
	struct gw_error err = {0};

	assert_true(gw_errors_none(&errs, &err));
	for (int i = 0; i < GW_ERRORS_MAX + 5; i++)
		gw_errors_add(&errs, GW_BAD_INPUT, "error %d", i);
	assert_int_equal(errs.n, GW_ERRORS_MAX);
	assert_int_equal(errs.left_out, 5);
	assert_false(gw_errors_none(&errs, &err));
	assert_string_equal(err.text, "error 0 (and 68 more)");
	gw_errors_finish(&errs);
}

static void kinds_have_names_both_ways(void **state)
{
	for (int k = 0; k < GW_ERROR_KINDS; k++)
		assert_int_equal(gw_error_kind_from_name(gw_error_kind_name((enum gw_error_kind)k)), k);
	assert_int_equal(gw_error_kind_from_name("NO_SUCH"), GW_INTERNAL);
}

static void texts_are_compared_with_null_as_a_text_of_its_own(void **state)
{
	assert_true(gw_same_text("a", "a"));
	assert_true(gw_same_text(NULL, NULL));
	assert_false(gw_same_text("a", "b"));
	assert_false(gw_same_text("", NULL));
	assert_false(gw_same_text(NULL, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_says_kind_and_text),
		cmocka_unit_test(a_full_disk_is_its_own_kind),
		cmocka_unit_test(a_list_of_errors_is_bounded_and_counts_the_rest),
		cmocka_unit_test(kinds_have_names_both_ways),
		cmocka_unit_test(texts_are_compared_with_null_as_a_text_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
