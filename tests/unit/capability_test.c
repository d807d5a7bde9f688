#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libbus/capability.h"

static const struct capability some = {
	.job = "job-17", .dut = "farm-x86-1", .mac = "52:54:00:11:22:01", .ip = "10.42.0.7", .pdu = "APC \"east\"", .port = "3"};
static char key[CAPABILITY_KEY_HEX + 1], text[CAPABILITY_TEXT_MAX + 1];

static int setup(void **state)
{
	assert_true(capability_key_make(key, NULL));
	assert_true(capability_make(key, &some, text, NULL));
	return 0;
}

static void expect_refused(const char *with, const char *what, const char *why)
{
	struct capability cap;
	struct gw_error err = {0};

	assert_false(capability_check(with, what, &cap, &err));
	assert_string_equal(err.text, why);
}

static void what_is_made_is_checked_by_itself(void **state)
{
	struct capability cap;

	assert_true(capability_check(key, text, &cap, NULL));
	assert_string_equal(cap.job, some.job);
	assert_string_equal(cap.dut, some.dut);
	assert_string_equal(cap.mac, some.mac);
	assert_string_equal(cap.ip, some.ip);
	assert_string_equal(cap.pdu, some.pdu);
	assert_string_equal(cap.port, some.port);
}

static void a_discovery_has_no_dut(void **state)
{
	struct capability discovery = {.job = "discovery-1", .pdu = "VPDU", .port = "0"}, cap;

	assert_true(capability_make(key, &discovery, text, NULL));
	assert_true(capability_check(key, text, &cap, NULL));
	assert_string_equal(cap.dut, "");
	assert_string_equal(cap.ip, "");
}

static void a_changed_byte_anywhere_is_refused(void **state)
{
	struct capability cap;
	struct gw_error err;

	for (size_t i = 0, n = strlen(text); i < n; i++) {
		char was = text[i];

		text[i] = was == 'a' ? 'b' : 'a';
		err = (struct gw_error){0};
		assert_false(capability_check(key, text, &cap, &err));
		assert_true(err.kind == GW_REFUSED);
		text[i] = was;
	}
	assert_true(capability_check(key, text, &cap, NULL));
}

static void another_gateways_capability_is_refused(void **state)
{
	char other[CAPABILITY_KEY_HEX + 1];

	assert_true(capability_key_make(other, NULL));
	assert_string_not_equal(other, key);
	expect_refused(other, text, "the capability was not made by this gateway");
}

static void without_a_key_nothing_can_be_checked(void **state)
{
	expect_refused(NULL, text, "no capability can be checked: executord has not been heard yet");
	expect_refused("", text, "no capability can be checked: executord has not been heard yet");
}

static void what_is_no_capability_is_refused(void **state)
{
	char longest[4096];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	expect_refused(key, "", "that is not a capability");
	expect_refused(key, ".", "that is not a capability");
	expect_refused(key, "e30", "that is not a capability");
	expect_refused(key, longest, "that is not a capability");
	longest[3000] = '.';
	expect_refused(key, longest, "that is not a capability");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(what_is_made_is_checked_by_itself),    TEST(a_discovery_has_no_dut),
		TEST(a_changed_byte_anywhere_is_refused),   TEST(another_gateways_capability_is_refused),
		TEST(without_a_key_nothing_can_be_checked), TEST(what_is_no_capability_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
