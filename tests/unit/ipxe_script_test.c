#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootsd/ipxe_script.h"

static const struct {
	const char *cmdline, *settings, *escaped;
} rows[] = {
	{"", "", ""},
	{"console=ttyS0,115200 quiet", "", "console=ttyS0,115200 quiet"},
	{"a;b ;", "set semicolon:hex 3b\n", "a${semicolon:string}b ${semicolon:string}"},
	{"a #b # c#", "set hash:hex 23\n", "a #b ${hash:string} c#"},
	{"|| a||b && &&", "set or:hex 7c:7c\nset and:hex 26:26\n", "${or:string} a||b ${and:string} ${and:string}"},
	{"a\nreboot\r\tb\x7f\x1b[0m", "", "a reboot  b  [0m"}, /* one line stays one line */
	{"caf\xc3\xa9", "", "caf\xc3\xa9"},
};

static void what_ipxe_would_take_for_its_own_is_escaped(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ipxe_boot boot = {.host = "10.42.0.1", .port = 8090, .mac = "52:54:00:11:22:00", .cmdline = rows[i].cmdline};
		char *script = ipxe_script(&boot), expected[512];

		snprintf(expected, sizeof(expected),
			 "#!ipxe\n%skernel http://10.42.0.1:8090/_/job/kernel %s || goto again\nboot || goto again\n", rows[i].settings,
			 rows[i].escaped);
		script[strlen(expected)] = '\0';
		assert_string_equal(script, expected);
		free(script);
	}
}

static bool names_initrd(const char *platform, bool initramfs)
{
	struct ipxe_boot boot = {.host = "h", .port = 1, .mac = "m", .cmdline = "quiet", .platform = platform, .initramfs = initramfs};
	char *script = ipxe_script(&boot);
	bool names = strstr(script, "/kernel initrd=initrd quiet ") != NULL;

	assert_int_equal(strstr(script, "\ninitrd --name initrd http://h:1/_/job/initramfs || goto again\n") != NULL, initramfs);
	free(script);
	return names;
}

static void the_kernel_is_told_its_initrd_s_name_but_on_bios(void **state)
{
	assert_false(names_initrd("pcbios", true));
	assert_true(names_initrd("efi", true));
	assert_true(names_initrd(NULL, true));
	assert_false(names_initrd("efi", false));
}

static void a_dut_without_a_job_switches_itself_off(void **state)
{
	char *script = ipxe_script(&(struct ipxe_boot){.host = "h", .port = 1, .mac = "m"});

	assert_string_equal(script, "#!ipxe\necho No job for this machine: switching it off\npoweroff || exit\n");
	free(script);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_ipxe_would_take_for_its_own_is_escaped),
		cmocka_unit_test(the_kernel_is_told_its_initrd_s_name_but_on_bios),
		cmocka_unit_test(a_dut_without_a_job_switches_itself_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
