#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "saladd/kept.h"

static void assert_since(const struct kept *kept, uint64_t era, const char *expected)
{
	size_t n;
	const char *bytes = kept_since(kept, era, &n);

	assert_int_equal(n, strlen(expected));
	assert_memory_equal(bytes, expected, n);
}

static void only_what_is_as_new_as_asked_for_comes(void **state)
{
	struct kept kept = {0};

	assert_since(&kept, 0, "");
	kept_add(&kept, "zero ", 5, 0);
	kept_add(&kept, "two ", 4, 2);
	kept_add(&kept, "", 0, 3);
	kept_add(&kept, "two too ", 8, 2);
	kept_add(&kept, "five", 4, 5);
	assert_since(&kept, 0, "zero two two too five");
	assert_since(&kept, 1, "two two too five");
	assert_since(&kept, 2, "two two too five");
	assert_since(&kept, 3, "five");
	assert_since(&kept, 6, "");
	kept_finish(&kept);
	assert_since(&kept, 0, "");
}

static void the_newest_bytes_are_kept_and_their_age_with_them(void **state)
{
	struct kept kept = {0};
	char *much = gw_calloc(1, KEPT_MAX);
	size_t n;

	memset(much, '.', KEPT_MAX);
	kept_add(&kept, "one", 3, 1);
	kept_add(&kept, "two", 3, 2);
	kept_add(&kept, much, KEPT_MAX - 4, 3);
	assert_int_equal((kept_since(&kept, 0, &n), n), KEPT_MAX);
	assert_memory_equal(kept_since(&kept, 0, &n), "etwo", 4);
	assert_memory_equal(kept_since(&kept, 2, &n), "two..", 5);
	assert_int_equal((kept_since(&kept, 3, &n), n), KEPT_MAX - 4);
	kept_add(&kept, much, KEPT_MAX, 4);
	assert_int_equal((kept_since(&kept, 4, &n), n), KEPT_MAX);
	kept_finish(&kept);
	free(much);
}

static void of_too_many_ages_the_oldest_goes(void **state)
{
	struct kept kept = {0};
	size_t n;

	for (int i = 0; i < KEPT_PARTS + 5; i++)
		kept_add(&kept, "x", 1, (uint64_t)i);
	assert_int_equal((kept_since(&kept, 0, &n), n), KEPT_PARTS);
	assert_int_equal((kept_since(&kept, KEPT_PARTS, &n), n), 5);
	kept_finish(&kept);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_as_new_as_asked_for_comes),
		cmocka_unit_test(the_newest_bytes_are_kept_and_their_age_with_them),
		cmocka_unit_test(of_too_many_ages_the_oldest_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
