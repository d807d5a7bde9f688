/* Files that every machine may fetch: the default kernel and registration image, and Debian's iPXE binaries. */
#ifndef BOOTSD_STATIC_FILES_H
#define BOOTSD_STATIC_FILES_H

#include <stdint.h>

#include "libgateway/error.h"

struct static_files {
	int boot, ipxe; /* folders; 0: there is none */
};

void static_files_init(struct static_files *files);
void static_files_finish(struct static_files *files);
/* -1 and GW_NOT_FOUND, also for a name with a slash. iPXE's binaries are looked for in both folders. */
int static_files_open(const struct static_files *files, const char *name, uint64_t *size, struct gw_error *err);
bool static_files_has(const struct static_files *files, const char *name);

#endif
