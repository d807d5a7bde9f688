/* The power switch of a USB device's port, as a file of sysfs. All of it may wait for the device's lock: on a worker thread. */
#ifndef SALADD_USB_SWITCH_H
#define SALADD_USB_SWITCH_H

#include "libgateway/error.h"

/* Of the device's folder in sysfs: the path of its switch, which the caller frees and which stays when the device has gone. NULL, and
 * GW_REFUSED: it has none that may be used. */
char *usb_switch_find(const char *device, struct gw_error *err);
bool usb_switch_set(const char *path, bool on, struct gw_error *err);

#endif
