#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/base85.h"

/* What Python's base64.b85encode makes of them. */
static const struct {
	const char *bytes;
	size_t n;
	const char *digits;
} pairs[] = {
	{"", 0, ""},
	{"a", 1, "VE"},
	{"ab", 2, "VPX"},
	{"abc", 3, "VPaz"},
	{"abcd", 4, "VPa!s"},
	{"hello\r\n", 7, "Xk~0{Zw(3"},
	{"\0\0\0\0", 4, "00000"},
	{"\xff\xff\xff\xff", 4, "|NsC0"},
	{"\xff\xff\xff\xff\xff", 5, "|NsC0{{"},
};

static void bytes_become_the_digits_that_python_makes(void **state)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		char digits[16];

		assert_int_equal(base85_encode(digits, pairs[i].bytes, pairs[i].n), BASE85_ENCODED(pairs[i].n));
		assert_string_equal(digits, pairs[i].digits);
	}
}

static void the_digits_become_the_bytes_again(void **state)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint8_t bytes[16];
		size_t n;

		assert_true(base85_decode(bytes, &n, pairs[i].digits, strlen(pairs[i].digits), NULL));
		assert_int_equal(n, pairs[i].n);
		assert_memory_equal(bytes, pairs[i].bytes, n);
	}
}

static void all_bytes_of_all_lengths_come_back(void **state)
{
	uint8_t bytes[260], back[BASE85_DECODED(BASE85_ENCODED(260))];
	char digits[BASE85_ENCODED(260) + 1];
	size_t n;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		size_t used = base85_encode(digits, bytes, len);

		assert_true(base85_decode(back, &n, digits, used, NULL));
		assert_int_equal(n, len);
		assert_memory_equal(back, bytes, len);
	}
}

static void what_is_not_base85_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *digits, *why;
	} bad[] = {
		{"VPa!s,", "base85: a lone digit at its end, 6"},
		{"VP a!", "base85: byte 0x20 at 3 is no digit"},
		{"00000\"1", "base85: byte 0x22 at 6 is no digit"},
		{"|NsC1", "base85: the digits at 1 stand for more than four bytes"},
		{"00000~~~~~", "base85: the digits at 6 stand for more than four bytes"},
	};
	uint8_t bytes[16];
	size_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct gw_error err = {0};

		assert_false(base85_decode(bytes, &n, bad[i].digits, strlen(bad[i].digits), &err));
		assert_string_equal(err.text, bad[i].why);
		assert_int_equal(err.kind, GW_BAD_INPUT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_become_the_digits_that_python_makes),
		cmocka_unit_test(the_digits_become_the_bytes_again),
		cmocka_unit_test(all_bytes_of_all_lengths_come_back),
		cmocka_unit_test(what_is_not_base85_is_refused_with_its_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
