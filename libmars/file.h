/* Reading a file whole. Internal to libmars. */
#ifndef LIBMARS_FILE_H
#define LIBMARS_FILE_H

#include "libgateway/error.h"

/* malloc'ed and terminated; at most MARS_MAX_SIZE. GW_NOT_FOUND if there is none. */
char *mars_file_read(const char *path, size_t *len, struct gw_error *err);
char *mars_file_read_fd(int fd, const char *path, size_t *len, struct gw_error *err); /* from its start; `fd` stays the caller's */

#endif
