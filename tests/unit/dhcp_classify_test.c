#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bootsd/dhcp_classify.h"
#include "tests/unit/bootsd_seeds.h"

static const struct row {
	const char *seed, *architecture, *firmware, *protocol;
	bool ipxe;
} rows[] = {
	{"ipxe-bios", "x86", "bios", "tftp", true},
	{"ipxe-uefi", "x86_64", "uefi", "tftp", true},
	{"ovmf-pxe", "x86_64", "uefi", "tftp", false},
	{"ovmf-http", "x86_64", "uefi", "http", false},
	{"edk2-arm64-pxe", "arm64", "uefi", "tftp", false},
	{"uboot-arm64-first", "arm64", "uboot", "tftp", false},
	{"uboot-arm64-second", "arm64", "uefi", "tftp", false}, /* U-Boot changes its class within a boot */
	{"uboot-arm-first", "arm32", "uboot", "tftp", false},
	{"uboot-arm-second", "arm32", "uefi", "tftp", false},
};

static void check(const struct row *row, const char *type)
{
	struct dhcp_class class;
	struct seed seed;
	char name[64];

	snprintf(name, sizeof(name), "%s-%s", row->seed, type);
	seed_load(&seed, name, NULL);
	dhcp_classify(&class, &seed.packet);
	assert_true(class.netboot);
	assert_string_equal(class.architecture, row->architecture);
	assert_string_equal(class.firmware, row->firmware);
	assert_string_equal(class.protocol, row->protocol);
	assert_int_equal(class.ipxe, row->ipxe);
	assert_string_equal(class.uuid, ""); /* qemu without -uuid sends zeros */
}

static void what_firmwares_really_send_is_classified(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		check(&rows[i], "discover");
		check(&rows[i], "request");
	}
}

static const struct {
	uint16_t code;
	const char *is;
} archs[] = {
	{0x00, "x86-bios-tftp"},     {0x06, "x86-uefi-tftp"},     {0x07, "x86_64-uefi-tftp"},
	{0x09, "x86_64-uefi-tftp"},  {0x0a, "arm32-uefi-tftp"},   {0x0b, "arm64-uefi-tftp"},
	{0x0f, "x86-uefi-http"},     {0x10, "x86_64-uefi-http"},  {0x12, "arm32-uefi-http"},
	{0x13, "arm64-uefi-http"},   {0x14, "x86-bios-http"},     {0x15, "arm32-uboot-tftp"},
	{0x16, "arm64-uboot-tftp"},  {0x17, "arm32-uboot-http"},  {0x18, "arm64-uboot-http"},
	{0x19, "riscv32-uefi-tftp"}, {0x1a, "riscv32-uefi-http"}, {0x1b, "riscv64-uefi-tftp"},
	{0x1c, "riscv64-uefi-http"}, {0x29, "arm64-rpi-tftp"},    {0x02, "?-?-?"},
	{0xffff, "?-?-?"},
};

static void each_architecture_of_option_93_has_its_names(void **state)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		struct dhcp_class class;
		struct seed seed;
		char is[64];

		seed_load(&seed, "ipxe-bios-discover", NULL);
		seed_set(&seed, DHCP_ARCHITECTURE, (uint8_t[]){(uint8_t)(archs[i].code >> 8), (uint8_t)archs[i].code});
		dhcp_classify(&class, &seed.packet);
		snprintf(is, sizeof(is), "%s-%s-%s", class.architecture ? class.architecture : "?", class.firmware ? class.firmware : "?",
			 class.protocol ? class.protocol : "?");
		assert_string_equal(is, archs[i].is);
	}
}

static struct dhcp_packet packet_with(const char *vendor_class, bool asks_for_file, bool has_arch)
{
	struct dhcp_packet packet = {0};

	packet.options[DHCP_VENDOR_CLASS] = (struct dhcp_bytes){(const uint8_t *)vendor_class, strlen(vendor_class)};
	if (asks_for_file)
		packet.options[DHCP_PARAMETER_LIST] = (struct dhcp_bytes){(const uint8_t *)"\001\103", 2};
	if (has_arch)
		packet.options[DHCP_ARCHITECTURE] = (struct dhcp_bytes){(const uint8_t *)"\377\377", 2};
	return packet;
}

static void a_booted_system_s_request_is_no_netboot(void **state)
{
	static const struct {
		const char *vendor_class;
		bool asks, arch, netboot;
	} cases[] = {
		{"udhcp 1.35.0", true, false, false}, /* asks for the file, but has no option 93 */
		{"PXEClient", false, false, false},   {"PXEClient:Arch:99999", false, true, true},
		{"U-Boot", false, true, true},        {"U-Boot.armv8", false, true, false}, /* with no such firmware in 93 */
		{"anything", true, true, true},       {"anything", false, true, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dhcp_packet packet = packet_with(cases[i].vendor_class, cases[i].asks, cases[i].arch);
		struct dhcp_class class;

		dhcp_classify(&class, &packet);
		assert_int_equal(class.netboot, cases[i].netboot);
	}
}

static void ipxe_is_known_by_its_features_or_its_class(void **state)
{
	struct dhcp_packet packet = packet_with("PXEClient", true, true);
	struct dhcp_class class;

	dhcp_classify(&class, &packet);
	assert_false(class.ipxe);
	packet.options[DHCP_USER_CLASS] = (struct dhcp_bytes){(const uint8_t *)"\004iPXE", 5};
	dhcp_classify(&class, &packet);
	assert_true(class.ipxe);
	packet.options[DHCP_USER_CLASS].n = 4;
	dhcp_classify(&class, &packet);
	assert_false(class.ipxe);
	packet.options[DHCP_IPXE] = (struct dhcp_bytes){(const uint8_t *)"", 0};
	dhcp_classify(&class, &packet);
	assert_true(class.ipxe);
}

static void a_uuid_is_printed(void **state)
{
	struct dhcp_class class;
	struct seed seed;

	seed_load(&seed, "ovmf-pxe-discover", NULL);
	seed_set(&seed, DHCP_UUID, "\0\x52\x54\x00\x11\x22\x00\x40\x00\x80\x00\x52\x54\x00\x11\x22\x0a");
	dhcp_classify(&class, &seed.packet);
	assert_string_equal(class.uuid, "52540011-2200-4000-8000-52540011220a");
	seed_set(&seed, DHCP_UUID, "\1\x52\x54\x00\x11\x22\x00\x40\x00\x80\x00\x52\x54\x00\x11\x22\x0a"); /* another type */
	dhcp_classify(&class, &seed.packet);
	assert_string_equal(class.uuid, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_firmwares_really_send_is_classified),
		cmocka_unit_test(each_architecture_of_option_93_has_its_names),
		cmocka_unit_test(a_booted_system_s_request_is_no_netboot),
		cmocka_unit_test(ipxe_is_known_by_its_features_or_its_class),
		cmocka_unit_test(a_uuid_is_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
