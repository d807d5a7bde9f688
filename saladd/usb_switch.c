#include "saladd/usb_switch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* -1: it does not say. */
static long interfaces_of(const char *device)
{
	char path[PATH_MAX], text[16];
	FILE *file;
	long n = -1;

	snprintf(path, sizeof(path), "%s/bNumInterfaces", device);
	file = fopen(path, "re");
	if (file && fgets(text, sizeof(text), file))
		n = strtol(text, NULL, 10);
	if (file)
		fclose(file);
	return n;
}

/* What else the device is would lose its power too: other consoles, a debugger. */
char *usb_switch_find(const char *device, struct gw_error *err)
{
	char path[PATH_MAX], real[PATH_MAX];
	long interfaces = interfaces_of(device);

	if (interfaces != 1) {
		gw_fail(err, GW_REFUSED, "it is part of a USB device with %ld interfaces; only one that is nothing else is reset",
			interfaces);
		return NULL;
	}
	snprintf(path, sizeof(path), "%s/port/disable", device);
	if (!realpath(path, real)) {
		gw_fail_errno(err, GW_REFUSED, errno,
			      "its USB hub does not switch the power of single ports, or the kernel is older than 6.0: %s", path);
		return NULL;
	}
	return gw_strdup(real);
}

bool usb_switch_set(const char *path, bool on, struct gw_error *err)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, on ? "0\n" : "1\n", 2) == 2;
	int error = errno;

	if (fd >= 0)
		close(fd);
	return ok || gw_fail_errno(err, GW_UNREACHABLE, error, "%s", path);
}
