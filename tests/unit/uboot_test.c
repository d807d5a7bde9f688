/* Images as mkimage 2023.01 makes them with SOURCE_DATE_EPOCH=0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "artifactd/uboot.h"

static const char content[] = "a script\n";

static bool crc_of(void *data, uint32_t *crc)
{
	*crc = uboot_crc32(*crc, content, sizeof(content) - 1);
	return true;
}

/* mkimage -A arm64 -C none -O linux -T script */
static void a_script_has_its_length_in_front(void **state)
{
	static const unsigned char expected[UBOOT_FRONT] = {
		0x27, 0x05, 0x19, 0x56, 0xb7, 0x67, 0x8d, 0x11, 0,    0,    0,
		0,    0,    0,    0,    0x11, 0,    0,    0,    0,    0,    0,
		0,    0,    0xbc, 0x7c, 0x78, 0x94, 0x05, 0x16, 0x06, 0x00, [UBOOT_HEADER + 3] = 9};
	const struct uboot_image image = {"arm64", "none", "linux", "script"};
	unsigned char front[UBOOT_FRONT];
	struct gw_error err = {0};

	assert_int_equal(uboot_front(front, &image, sizeof(content) - 1, crc_of, NULL, &err), UBOOT_FRONT);
	assert_memory_equal(front, expected, UBOOT_FRONT);
}

/* mkimage -A arm -C gzip -O u-boot -T kernel -n "" */
static void a_kernel_has_the_header_alone(void **state)
{
	static const unsigned char expected[UBOOT_HEADER] = {0x27, 0x05, 0x19, 0x56, 0xea, 0x7c, 0x3d, 0x15, 0,    0,   0,
							     0,    0,    0,    0,    9,    0,    0,    0,    0,    0,   0,
							     0,    0,    0x3d, 0xcc, 0x62, 0xc7, 0x11, 0x02, 0x02, 0x01};
	const struct uboot_image image = {"arm", "gzip", "u-boot", "kernel"};
	unsigned char front[UBOOT_FRONT];
	struct gw_error err = {0};

	assert_int_equal(uboot_front(front, &image, sizeof(content) - 1, crc_of, NULL, &err), UBOOT_HEADER);
	assert_memory_equal(front, expected, UBOOT_HEADER);
}

static void what_u_boot_does_not_know_is_refused(void **state)
{
	static const struct {
		struct uboot_image image;
		const char *error;
	} rows[] = {
		{{"z80", "none", "linux", "script"}, "'z80' is not an architecture of U-Boot's"},
		{{"arm", "rar", "linux", "script"}, "'rar' is not a compression of U-Boot's"},
		{{"arm", "none", "dos", "script"}, "'dos' is not an operating system of U-Boot's"},
		{{"arm", "none", "linux", NULL}, "'' is not an image type of U-Boot's"},
	};
	unsigned char front[UBOOT_FRONT];

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct gw_error err = {0};

		assert_int_equal(uboot_front(front, &rows[i].image, 9, crc_of, NULL, &err), 0);
		assert_string_equal(err.text, rows[i].error);
	}
}

static void what_does_not_fit_is_refused(void **state)
{
	const struct uboot_image image = {"arm64", "none", "linux", "script"};
	unsigned char front[UBOOT_FRONT];
	struct gw_error err = {0};

	assert_int_equal(uboot_front(front, &image, UINT64_C(1) << 32, crc_of, NULL, &err), 0);
	assert_string_equal(err.text, "4294967296 bytes are too many for an image of U-Boot's");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_has_its_length_in_front),
		cmocka_unit_test(a_kernel_has_the_header_alone),
		cmocka_unit_test(what_u_boot_does_not_know_is_refused),
		cmocka_unit_test(what_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
