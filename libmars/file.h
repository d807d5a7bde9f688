/* Reading a file whole. Internal to libmars. */
#ifndef LIBMARS_FILE_H
#define LIBMARS_FILE_H

#include "libgateway/error.h"

/* malloc'ed and terminated; at most MARS_MAX_SIZE. GW_NOT_FOUND if there is none. */
char *mars_file_read(const char *path, size_t *len, struct gw_error *err);
/* As mars_file_read. NULL and no error: somebody has it open for writing, so what it holds is not what is meant yet. */
char *mars_file_read_settled(const char *path, size_t *len, struct gw_error *err);
/* As mars_file_read, once who has it open for writing has closed it; he is waited for up to two seconds. */
char *mars_file_read_awaited(const char *path, size_t *len, struct gw_error *err);
char *mars_file_read_fd(int fd, const char *path, size_t *len, struct gw_error *err); /* from its start; `fd` stays the caller's */
/* 1: nobody can write to it until `fd`, which is open for reading, is closed. 0: somebody has it open for writing. -1: this file system or
 * our rights know no leases. */
int mars_file_lease(int fd);
/* As mars_file_lease, waiting for who has it open for writing. 0: he keeps it open for more than two seconds. */
int mars_file_await_writers(int fd);

#endif
