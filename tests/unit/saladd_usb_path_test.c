#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "saladd/usb_path.h"

static const struct {
	const char *path, *device, *interface; /* NULL: none */
} rows[] = {
	{"/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0", "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2",
	 "1-2:1.0"},
	{"/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.4/1-2.4.13/1-2.4.13:1.3/tty/ttyACM12",
	 "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.4/1-2.4.13", "1-2.4.13:1.3"},
	/* a gadget's serial port behind a card reader: the innermost counts */
	{"/a/1-1/1-1:1.0/b/12-3/12-3:10.11/tty/x", "/a/1-1/1-1:1.0/b/12-3", "12-3:10.11"},
	{"/a/1-2/1-2:1.0", "/a/1-2", "1-2:1.0"},
	{"/sys/devices/pnp0/00:04/tty/ttyS0", NULL, NULL},
	{"/sys/devices/platform/soc/fe201000.serial/tty/ttyAMA0", NULL, NULL},
	{"/a/1-3/1-2:1.0/tty/x", NULL, NULL}, /* not below its device */
	{"/a/11-2/1-2:1.0/tty/x", NULL, NULL},
	{"1-2/1-2:1.0/tty/x", NULL, NULL},
	{"/1-2:1.0/tty/x", NULL, NULL},
	{"/a/1-2/1-2:1.0a/x", NULL, NULL},
	{"/a/1-2/1-2:1./x", NULL, NULL},
	{"/a/1-2/1-2:1/x", NULL, NULL},
	{"/a/1-2/1-2/x", NULL, NULL},
	{"/a/1-/1-:1.0/x", NULL, NULL},
	{"/a/1-2./1-2.:1.0/x", NULL, NULL},
	{"/a/-2/-2:1.0/x", NULL, NULL},
	{"/", NULL, NULL},
	{"", NULL, NULL},
	{"///", NULL, NULL},
	/* a name longer than any */
	{"/a/1-1111111111111111111111111111111111111111111111111111111111111111/"
	 "1-1111111111111111111111111111111111111111111111111111111111111111:1.0/x",
	 NULL, NULL},
};

static void a_ports_usb_device_is_told_from_its_path(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct usb_path usb;

		if (usb_path_parse(rows[i].path, &usb) != (rows[i].device != NULL))
			fail_msg("%s", rows[i].path);
		if (!rows[i].device)
			continue;
		assert_int_equal(usb.device_len, strlen(rows[i].device));
		assert_memory_equal(rows[i].path, rows[i].device, usb.device_len);
		assert_string_equal(usb.interface, rows[i].interface);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(a_ports_usb_device_is_told_from_its_path)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
