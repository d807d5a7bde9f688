#include "saladd/place.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "libgateway/error.h"
#include "saladd/usb_path.h"

#define OWN_CONSOLES "/sys/class/tty/console/active"

/* A line of sysfs, without its end; false: there is none. */
static bool read_line(const char *folder, const char *name, char *line, size_t size)
{
	char path[PATH_MAX + 64];
	FILE *file;
	bool ok;

	snprintf(path, sizeof(path), "%s%s%s", folder, *name ? "/" : "", name);
	file = fopen(path, "re");
	ok = file && fgets(line, (int)size, file);
	if (file)
		fclose(file);
	if (ok)
		line[strcspn(line, "\n")] = '\0';
	return ok;
}

static bool has_word(char *text, const char *word)
{
	char *rest = text, *next;

	while ((next = strsep(&rest, " ")))
		if (strcmp(next, word) == 0)
			return true;
	return false;
}

/* A device with several ports has an interface each, or numbers them. */
static void name_usb_port(struct place *place, const char *path)
{
	struct usb_path usb;
	char number[16];

	if (!usb_path_parse(path, &usb))
		return;
	place->usb = gw_strndup(path, usb.device_len);
	if (!read_line(path, "device/port_number", number, sizeof(number)) || strspn(number, "0123456789") != strlen(number))
		number[0] = '\0';
	snprintf(place->key, sizeof(place->key), "usb-%s%s%s", usb.interface, *number ? "-" : "", number);
}

void place_read(struct place *place, dev_t port)
{
	char link[64], path[PATH_MAX], line[1024];
	const char *name;

	*place = (struct place){0};
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(port), minor(port));
	if (!realpath(link, path))
		return;
	name = strrchr(path, '/') + 1;
	if (strlen(name) <= PLACE_KEY_MAX && !strpbrk(name, " \n"))
		strcpy(place->key, name);
	place->absent = read_line(path, "type", line, sizeof(line)) && strcmp(line, "0") == 0;
	place->own_console = read_line(OWN_CONSOLES, "", line, sizeof(line)) && has_word(line, name);
	name_usb_port(place, path);
}

void place_finish(struct place *place)
{
	free(place->usb);
	*place = (struct place){0};
}
