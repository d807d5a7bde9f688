#include "saladd/usb_path.h"

#include <string.h>

static const char digits[] = "0123456789";

static bool take_number(const char **at, const char *end)
{
	size_t n = strspn(*at, digits);

	if (!n || n > (size_t)(end - *at))
		return false;
	*at += n;
	return true;
}

static bool take(const char **at, const char *end, char c)
{
	if (*at == end || **at != c)
		return false;
	++*at;
	return true;
}

/* BUS-PORT[.PORT]...:CONFIGURATION.INTERFACE. Returns the length of what is before the colon, which is the device's name; 0: it is none. */
static size_t interface_device_len(const char *name, const char *end)
{
	const char *at = name;
	size_t device_len;

	if (!take_number(&at, end) || !take(&at, end, '-') || !take_number(&at, end))
		return 0;
	while (take(&at, end, '.'))
		if (!take_number(&at, end))
			return 0;
	device_len = (size_t)(at - name);
	if (!take(&at, end, ':') || !take_number(&at, end) || !take(&at, end, '.') || !take_number(&at, end) || at != end)
		return 0;
	return device_len;
}

/* The folder above is the device's. */
static bool is_below_its_device(const char *path, const char *name, size_t device_len)
{
	const char *above = name - 1 - device_len; /* the slash is between */

	return above > path && above[-1] == '/' && memcmp(above, name, device_len) == 0;
}

bool usb_path_parse(const char *path, struct usb_path *usb)
{
	bool found = false;

	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *name = slash + 1, *end = name + strcspn(name, "/");
		size_t n = (size_t)(end - name), device_len = n <= USB_INTERFACE_MAX ? interface_device_len(name, end) : 0;

		if (!device_len || (size_t)(name - path) < device_len + 2 || !is_below_its_device(path, name, device_len))
			continue;
		usb->device_len = (size_t)(slash - path);
		memcpy(usb->interface, name, n);
		usb->interface[n] = '\0';
		found = true;
	}
	return found;
}
