/* Which USB device a device of the kernel's tree belongs to, by its path alone. */
#ifndef SALADD_USB_PATH_H
#define SALADD_USB_PATH_H

#include <stdbool.h>
#include <stddef.h>

#define USB_INTERFACE_MAX 64

struct usb_path {
	size_t device_len; /* the path's first bytes: the USB device's folder */
	char interface[USB_INTERFACE_MAX +
		       1]; /* "1-2.4:1.0": bus 1, port 2 of the root, port 4 of the hub there, configuration 1, interface 0 */
};

/* .../usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0: of the last interface in it, as hubs have some too. False: it is no part of a USB device. */
bool usb_path_parse(const char *path, struct usb_path *usb);

#endif
