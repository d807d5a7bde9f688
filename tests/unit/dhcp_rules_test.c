#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "bootsd/dhcp_rules.h"
#include "tests/unit/bootsd_seeds.h"

#define T(text) ((char[]){text})

static struct dhcp_rules rules;

static int teardown(void **state)
{
	dhcp_rules_finish(&rules);
	return 0;
}

/* Whether an entry with this match fits what OVMF sends. */
static bool fits(const struct msg_boot_dhcp *entry)
{
	struct gw_error err = {0};
	struct dhcp_class class;
	struct seed seed;
	bool found;

	seed_load(&seed, "ovmf-pxe-discover", NULL);
	dhcp_classify(&class, &seed.packet);
	if (!dhcp_rules_init(&rules, entry, 1, &err))
		fail_msg("%s", err.text);
	found = dhcp_rules_find(&rules, &class, seed.packet.mac) != NULL;
	dhcp_rules_finish(&rules);
	return found;
}

static void names_are_compared_and_regexes_must_match_whole(void **state)
{
	assert_true(fits(&(struct msg_boot_dhcp){.architecture = T("x86_64"), .firmware = T("uefi"), .protocol = T("tftp")}));
	assert_false(fits(&(struct msg_boot_dhcp){.architecture = T("x86")}));
	assert_false(fits(&(struct msg_boot_dhcp){.architecture = T("x86.*")}));
	assert_false(fits(&(struct msg_boot_dhcp){.protocol = T("http")}));
	assert_true(fits(&(struct msg_boot_dhcp){.mac_address = T("52:54:.*")}));
	assert_false(fits(&(struct msg_boot_dhcp){.mac_address = T("52:54:")}));
	assert_true(fits(&(struct msg_boot_dhcp){.vendor_class = T("PXEClient:Arch:0000[67]:.*")}));
	assert_false(fits(&(struct msg_boot_dhcp){.vendor_class = T("Client")}));
	assert_false(fits(&(struct msg_boot_dhcp){.user_class = T("iPXE")}));
	assert_true(fits(&(struct msg_boot_dhcp){.user_class = T("")}));
	assert_true(fits(&(struct msg_boot_dhcp){.uuid = T(".*")}));
	assert_true(fits(&(struct msg_boot_dhcp){.mac_address = NULL}));
}

static void the_first_entry_that_matches_wins(void **state)
{
	struct msg_boot_option options[] = {{.code = 67, .hex = T("41")}, {.code = 67, .hex = T("42")}, {.code = 67, .hex = T("43")}};
	struct msg_boot_dhcp entries[] = {{.firmware = T("bios")}, {.firmware = T("uefi")}, {.architecture = NULL}};
	struct gw_error err = {0};
	struct dhcp_class class;
	struct seed seed;

	for (int i = 0; i < 3; i++) {
		entries[i].options.v = &options[i];
		entries[i].options.n = 1;
	}
	seed_load(&seed, "ovmf-pxe-discover", NULL);
	dhcp_classify(&class, &seed.packet);
	assert_true(dhcp_rules_init(&rules, entries, 3, &err));
	assert_int_equal(dhcp_rule_option(dhcp_rules_find(&rules, &class, seed.packet.mac), 67).v[0], 'B');
	assert_null(dhcp_rule_option(dhcp_rules_find(&rules, &class, seed.packet.mac), 66).v);
	assert_null(dhcp_rule_option(NULL, 67).v);
}

static void a_regex_that_never_ends_does_not_match(void **state)
{
	struct msg_boot_dhcp entry = {.vendor_class = T("(.*)*(.*)*(.*)*=")};

	assert_false(fits(&entry));
}

static void what_is_wrong_with_an_entry_is_named(void **state)
{
	static const struct {
		int code;
		const char *hex, *error;
	} bads[] = {
		{67, "4", "dhcp.0: options.67: '4' is not hexadecimal"},
		{67, "4g", "dhcp.0: options.67: '4g' is not hexadecimal"},
		{53, "02", "dhcp.0: options.53 belongs to the protocol and cannot be set"},
	};

	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct msg_boot_option option = {.code = bads[i].code, .hex = (char *)(uintptr_t)bads[i].hex};
		struct msg_boot_dhcp entry = {.architecture = NULL};
		struct gw_error err = {0};

		entry.options.v = &option;
		entry.options.n = 1;
		assert_false(dhcp_rules_init(&rules, &entry, 1, &err));
		assert_string_equal(err.text, bads[i].error);
		dhcp_rules_finish(&rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(names_are_compared_and_regexes_must_match_whole, teardown),
		cmocka_unit_test_teardown(the_first_entry_that_matches_wins, teardown),
		cmocka_unit_test_teardown(a_regex_that_never_ends_does_not_match, teardown),
		cmocka_unit_test_teardown(what_is_wrong_with_an_entry_is_named, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
