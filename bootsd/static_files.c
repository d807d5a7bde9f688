#include "bootsd/static_files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootsd/boot_file.h"
#include "bootsd/dhcp_classify.h"
#include "libgateway/env.h"

#define DEBIAN_IPXE "/usr/lib/ipxe"

static int open_folder(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? 0 : fd;
}

void static_files_init(struct static_files *files)
{
	char *path = env_built_path("boot", "boot");

	files->boot = open_folder(path);
	files->ipxe = open_folder(DEBIAN_IPXE);
	free(path);
}

void static_files_finish(struct static_files *files)
{
	if (files->boot)
		close(files->boot);
	if (files->ipxe)
		close(files->ipxe);
	*files = (struct static_files){0};
}

int static_files_open(const struct static_files *files, const char *name, uint64_t *size, struct gw_error *err)
{
	int fd = -1;

	if (!*name || name[0] == '.' || strchr(name, '/'))
		return gw_fail(err, GW_NOT_FOUND, "there is no file of that name"), -1;
	if (files->boot)
		fd = boot_open_beneath(files->boot, name, size, NULL);
	if (fd < 0 && files->ipxe && dhcp_is_ipxe_binary(name))
		fd = boot_open_beneath(files->ipxe, name, size, NULL);
	if (fd < 0)
		gw_fail(err, GW_NOT_FOUND, "there is no file of that name");
	return fd;
}

bool static_files_has(const struct static_files *files, const char *name)
{
	uint64_t size;
	int fd = static_files_open(files, name, &size, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}
