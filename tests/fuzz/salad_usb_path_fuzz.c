#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "saladd/usb_path.h"

/* What is found lies within the path, and its device is named as its interface says. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *path = strndup((const char *)data, size);
	struct usb_path usb;

	if (usb_path_parse(path, &usb)) {
		size_t n = strcspn(usb.interface, ":");

		if (usb.device_len > strlen(path) || n >= usb.device_len || strlen(usb.interface) > USB_INTERFACE_MAX ||
		    memcmp(path + usb.device_len - n, usb.interface, n) != 0)
			__builtin_trap();
	}
	free(path);
	return 0;
}
