#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/keys.h"

static const char *typed(struct keys *keys, const char *in, bool stays)
{
	static char out[64];
	size_t n;

	assert_int_equal(keys_feed(keys, in, strlen(in), out, &n), stays);
	out[n] = '\0';
	return out;
}

static void keys_go_to_the_machine_as_they_are(void **state)
{
	struct keys keys = {0};

	assert_string_equal(typed(&keys, "ls\r\x03\x04\x1b[A", true), "ls\r\x03\x04\x1b[A");
}

static void ctrl_a_twice_is_one_for_the_machine(void **state)
{
	struct keys keys = {0};

	assert_string_equal(typed(&keys, "\x01\x01", true), "\x01");
	assert_string_equal(typed(&keys, "\x01", true), "");
	assert_string_equal(typed(&keys, "\x01", true), "\x01"); /* also when they come one by one */
	assert_string_equal(typed(&keys, "\x01\x01\x03", true), "\x01\x03");
}

static void ctrl_a_then_ctrl_c_leaves_after_what_was_typed_before(void **state)
{
	struct keys keys = {0};

	assert_string_equal(typed(&keys, "bye\x01\x03lost", false), "bye");
}

static void ctrl_a_and_another_key_is_that_key(void **state)
{
	struct keys keys = {0};

	assert_string_equal(typed(&keys, "\x01k\x03", true), "k\x03");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_go_to_the_machine_as_they_are),
		cmocka_unit_test(ctrl_a_twice_is_one_for_the_machine),
		cmocka_unit_test(ctrl_a_then_ctrl_c_leaves_after_what_was_typed_before),
		cmocka_unit_test(ctrl_a_and_another_key_is_that_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
