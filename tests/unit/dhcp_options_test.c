#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/dhcp_options.h"

static void values_become_the_bytes_of_their_option(void **state)
{
	static const struct {
		int code;
		const char *value, *hex;
	} cases[] = {
		{1, "255.255.0.0", "ffff0000"},
		{3, "10.42.0.1", "0a2a0001"},
		{6, "10.42.0.1, 10.42.0.2", "0a2a00010a2a0002"},
		{12, "box", "626f78"},
		{42, "10.42.0.1,10.42.0.2", "0a2a00010a2a0002"},
		{51, "3600", "00000e10"},
		{51, "4294967295", "ffffffff"},
		{60, "HTTPClient", "48545450436c69656e74"},
		{61, "52:54:00:11:22:00", "01525400112200"},
		{61, "mine", "006d696e65"},
		{66, "10.42.0.1", "31302e34322e302e31"},
		{67, "boot/a b.efi", "626f6f742f6120622e656669"},
		{81, "box.farm", "000000626f782e6661726d"},
		{97, "01234567-89ab-cdef-0123-456789ABCDEF", "000123456789abcdef0123456789abcdef"},
		{224, "0x00fF10", "00ff10"},
		{224, "text", "74657874"},
	};
	char hex[DHCP_OPTION_HEX_MAX + 1];
	struct gw_error err = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (!dhcp_option_encode(cases[i].code, cases[i].value, hex, "here", &err))
			fail_msg("%s", err.text);
		assert_string_equal(hex, cases[i].hex);
	}
}

static void what_does_not_fit_its_option_is_refused(void **state)
{
	static const struct {
		int code;
		const char *value;
	} cases[] = {
		{1, "255.255.0.0,255.0.0.0"},
		{3, "10.42.0"},
		{3, "10.42.0.1,"},
		{3, ""},
		{12, ""},
		{28, "2001:db8::1"},
		{51, "-1"},
		{51, "1h"},
		{51, "4294967296"},
		{97, "01234567-89ab-cdef-0123-456789abcde"},
		{97, "0123456789abcdef0123456789abcdef----"},
		{97, "01234567-89ab-cdef-0123-456789abcdeg"},
		{224, "0x"},
		{224, "0x123"},
		{224, "0x12 34"},
		{224, ""},
	};
	char hex[DHCP_OPTION_HEX_MAX + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct gw_error err = {0};
		if (dhcp_option_encode(cases[i].code, cases[i].value, hex, "here", &err))
			fail_msg("option %d took '%s' as %s", cases[i].code, cases[i].value, hex);
		assert_int_equal(err.kind, GW_BAD_INPUT);
	}
}

static void the_error_names_place_value_and_what_is_accepted(void **state)
{
	char hex[DHCP_OPTION_HEX_MAX + 1];
	struct gw_error err = {0};

	assert_false(dhcp_option_encode(3, "gateway", hex, "job: deployment.dhcp", &err));
	assert_string_equal(err.text,
			    "job: deployment.dhcp: DHCP option 3: 'gateway' does not fit; accepted: IPv4 addresses, at most 255 bytes");
}

static void an_option_has_at_most_255_bytes(void **state)
{
	char hex[DHCP_OPTION_HEX_MAX + 1], text[257];
	struct gw_error err = {0};

	memset(text, 'x', sizeof(text));
	text[255] = '\0';
	assert_true(dhcp_option_encode(67, text, hex, "here", &err));
	assert_int_equal(strlen(hex), DHCP_OPTION_HEX_MAX);
	text[255] = 'x';
	text[256] = '\0';
	assert_false(dhcp_option_encode(67, text, hex, "here", &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_become_the_bytes_of_their_option),
		cmocka_unit_test(what_does_not_fit_its_option_is_refused),
		cmocka_unit_test(the_error_names_place_value_and_what_is_accepted),
		cmocka_unit_test(an_option_has_at_most_255_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
