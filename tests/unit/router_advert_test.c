#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bootsd/router_advert.h"

static void it_says_that_there_is_no_default_router(void **state)
{
	struct interface net = {.name = "private", .mac = {{2, 0, 0, 0, 0, 1}}};
	uint8_t out[ROUTER_ADVERT_MAX];

	assert_int_equal(router_advert_encode(out, &net), 24);
	assert_memory_equal(out,
			    "\x86\0\0\0\x40\0\0\0\0\0\0\0\0\0\0\0" /* lifetime 0, neither managed nor other configuration: no DHCPv6 */
			    "\1\1\2\0\0\0\0\1",
			    24);
}

static void a_prefix_of_its_own_is_offered(void **state)
{
	struct interface net = {.name = "private", .has_prefix = true, .prefix = {{{0xfd, 0x77}}}};
	uint8_t out[ROUTER_ADVERT_MAX];

	assert_int_equal(router_advert_encode(out, &net), 56);
	assert_memory_equal(out + 24, "\3\4\x40\xc0\0\1\x51\x80\0\1\x51\x80\0\0\0\0\xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32);
}

static void a_bucket_gives_its_burst_and_then_at_its_pace(void **state)
{
	struct bucket bucket = {0};
	unsigned got = 0;

	for (uint64_t now = 1000; now < 2000; now++)
		got += bucket_take(&bucket, now, 20, 100);
	assert_int_equal(got, 20 + 9);
	got = 0;
	for (int i = 0; i < 100; i++)
		got += bucket_take(&bucket, 100000, 20, 100);
	assert_int_equal(got, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_that_there_is_no_default_router),
		cmocka_unit_test(a_prefix_of_its_own_is_offered),
		cmocka_unit_test(a_bucket_gives_its_burst_and_then_at_its_pace),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
