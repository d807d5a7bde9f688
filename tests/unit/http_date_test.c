#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/http_date.h"

/* RFC 9110 section 5.6.7's examples. */
static void the_three_forms_are_one_time(void **state)
{
	static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"};
	char text[HTTP_DATE_SIZE];
	int64_t seconds;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		seconds = 0;
		assert_true(http_date_decode(forms[i], &seconds));
		assert_int_equal(seconds, 784111777);
	}
	http_date_encode(text, seconds);
	assert_string_equal(text, forms[0]);
	assert_true(http_date_decode("Tue, 29 Feb 2028 23:59:59 GMT", &seconds));
	assert_int_equal(seconds, 1835481599);
}

static void what_is_no_date_is_none(void **state)
{
	static const char *const bad[] = {"",
					  "yesterday",
					  "784111777",
					  "1994-11-06T08:49:37Z",
					  "Sun, 06 Nov 1994 08:49:37",
					  "Sun, 06 Nov 1994 08:49:37 GMT and more",
					  "Sun, 06 Nov 1994 08:49:37 +0100",
					  "Sun, 36 Nov 1994 08:49:37 GMT",
					  "Sun, 06 Nov 1994 25:49:37 GMT",
					  "                                                     Sun, 06 Nov 1994 08:49:37 GMT"};
	int64_t seconds = 7;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(http_date_decode(bad[i], &seconds));
	assert_int_equal(seconds, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_three_forms_are_one_time),
		cmocka_unit_test(what_is_no_date_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
