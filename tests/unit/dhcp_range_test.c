#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bootsd/dhcp_range.h"

static const struct {
	const char *ip;
	uint32_t mask;
	const char *text, *range;
} rows[] = {
	{"10.42.0.1", 0xffff0000, NULL, "10.42.240.0-10.42.255.254"},
	{"192.168.7.1", 0xffffff00, NULL, "192.168.7.192-192.168.7.254"},
	{"10.0.0.1", 0xfffffffc, NULL, "10.0.0.2-10.0.0.2"}, /* it has this one beside the gateway's */
	{"10.0.0.1", 0xff000000, NULL, "10.255.240.0-10.255.255.254"},
	{"10.42.0.1", 0xffff0000, "10.42.1.0-10.42.1.9", "10.42.1.0-10.42.1.9"},
	{"10.42.0.1", 0xffff0000, "10.42.1.9-10.42.1.9", "10.42.1.9-10.42.1.9"},
	{"10.42.0.1", 0xfffffffe, NULL, "PRIVATE_INTERFACE: the subnet of 'private' has no room for machines"},
#define BAD(text)                                                                                                                          \
	{                                                                                                                                  \
		"10.42.0.1", 0xffff0000, text,                                                                                             \
			"BOOTS_DHCP_RANGE: '" text "' is not a range of addresses; accepted: FIRST-LAST, at most 65536, within private's " \
			"subnet (10.42.0.0 to 10.42.255.255)"                                                                              \
	}
	BAD("10.42.1.9-10.42.1.0"),
	BAD("10.42.1.0"),
	BAD("10.43.0.1-10.43.0.9"),
	BAD("10.42.0.1-10.43.0.9"),
	BAD("ten-eleven"),
	BAD("10.42.1.0-"),
	BAD("0.0.0.0-255.255.255.255"),
};

static void each_range_is_read_or_refused(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct interface net = {.name = "private", .mask = rows[i].mask};
		char first[IP4_TEXT], last[IP4_TEXT], got[64];
		struct gw_error err = {0};
		struct dhcp_range range;

		assert_true(ip4_decode(&net.ip, rows[i].ip));
		if (dhcp_range_decode(&range, rows[i].text, &net, &err)) {
			snprintf(got, sizeof(got), "%s-%s", ip4_print(first, range.first), ip4_print(last, range.last));
			assert_string_equal(got, rows[i].range);
		} else {
			assert_string_equal(err.text, rows[i].range);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(each_range_is_read_or_refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
