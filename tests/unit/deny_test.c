#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "artifactd/deny.h"

#define DEFAULTS "127.0.0.0/8 ::1/128 169.254.0.0/16 fe80::/10"

static const struct sockaddr *address(const char *text)
{
	static struct sockaddr_storage at;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at;

	memset(&at, 0, sizeof(at));
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
		v6->sin6_family = AF_INET6;
	}
	return (const struct sockaddr *)&at;
}

static void expect(const char *rules, const char *of, bool allowed)
{
	struct deny deny = {0};
	struct gw_error err = {0};

	assert_true(deny_parse(&deny, rules, &err));
	if (deny_allows(&deny, address(of)) != allowed)
		fail_msg("'%s' should be %s by '%s'", of, allowed ? "allowed" : "denied", rules);
	deny_finish(&deny);
}

static void the_defaults_deny_loopback_and_link_local(void **state)
{
	static const char *const denied[] = {"127.0.0.1", "127.255.255.255", "::1", "169.254.169.254", "fe80::1", "febf::1"};
	static const char *const allowed[] = {"10.42.0.1", "126.255.255.255", "128.0.0.1",  "169.253.1.1", "192.168.1.1",
					      "::2",       "fec0::1",         "2001:db8::1"};

	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++)
		expect(DEFAULTS, denied[i], false);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		expect(DEFAULTS, allowed[i], true);
}

static void another_form_of_an_address_does_not_get_round(void **state)
{
	expect(DEFAULTS, "::ffff:127.0.0.1", false);
	expect(DEFAULTS, "::ffff:169.254.169.254", false);
	expect(DEFAULTS, "0.0.0.0", false); /* connects to loopback */
	expect(DEFAULTS, "::", false);
	expect(DEFAULTS, "::ffff:0.0.0.0", false);
	expect(DEFAULTS, "::ffff:10.0.0.1", true);
	expect("::ffff:10.0.0.0/104", "10.1.2.3", false); /* and the other way round */
}

static void a_prefix_counts_its_bits(void **state)
{
	expect("10.42.0.0/15", "10.43.255.255", false);
	expect("10.42.0.0/15", "10.44.0.0", true);
	expect("10.42.7.9", "10.42.7.9", false);
	expect("10.42.7.9", "10.42.7.8", true);
	expect("0.0.0.0/0", "8.8.8.8", false);
	expect("0.0.0.0/0", "2001:db8::1", true);
	expect("::/0", "8.8.8.8", false);
}

static void an_empty_list_denies_nothing(void **state)
{
	expect("", "127.0.0.1", true);
	expect(" \n\t ", "::1", true);
	expect(NULL, "169.254.169.254", true);
}

static void what_is_exempt_is_allowed(void **state)
{
	struct deny deny = {0};

	assert_true(deny_parse(&deny, DEFAULTS, NULL));
	deny_exempt(&deny, address("127.0.1.1"));
	deny_exempt_host(&deny, "http://127.0.0.2:9000/x");
	deny_exempt_host(&deny, NULL);
	assert_true(deny_allows(&deny, address("127.0.1.1")));
	assert_true(deny_allows(&deny, address("::ffff:127.0.1.1")));
	assert_true(deny_allows(&deny, address("127.0.0.2")));
	assert_false(deny_allows(&deny, address("127.0.0.1")));
	deny_finish(&deny);
}

static void an_unknown_family_is_denied(void **state)
{
	struct deny deny = {0};
	struct sockaddr unix_address = {.sa_family = AF_UNIX};

	assert_false(deny_allows(&deny, &unix_address));
}

static void what_is_no_network_is_refused_by_name(void **state)
{
	static const struct {
		const char *rules, *error;
	} bad[] = {
		{"10.0.0.0/8 localhost", "'localhost' is not a network; accepted: ADDRESS/BITS, as 10.0.0.0/8 or fe80::/10"},
		{"10.0.0/8", "'10.0.0/8' is not a network; accepted: ADDRESS/BITS, as 10.0.0.0/8 or fe80::/10"},
		{"/8", "'/8' is not a network; accepted: ADDRESS/BITS, as 10.0.0.0/8 or fe80::/10"},
		{"10.0.0.0/33", "'10.0.0.0/33': '33' is not a length of its prefix; accepted: 0 to 32"},
		{"10.0.0.0/", "'10.0.0.0/': '' is not a length of its prefix; accepted: 0 to 32"},
		{"10.0.0.0/8x", "'10.0.0.0/8x': '8x' is not a length of its prefix; accepted: 0 to 32"},
		{"::/-1", "'::/-1': '-1' is not a length of its prefix; accepted: 0 to 128"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct deny deny = {0};
		struct gw_error err = {0};

		assert_false(deny_parse(&deny, bad[i].rules, &err));
		assert_int_equal(err.kind, GW_BAD_INPUT);
		assert_string_equal(err.text, bad[i].error);
		deny_finish(&deny);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_deny_loopback_and_link_local),
		cmocka_unit_test(another_form_of_an_address_does_not_get_round),
		cmocka_unit_test(a_prefix_counts_its_bits),
		cmocka_unit_test(an_empty_list_denies_nothing),
		cmocka_unit_test(what_is_exempt_is_allowed),
		cmocka_unit_test(an_unknown_family_is_denied),
		cmocka_unit_test(what_is_no_network_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
