/* A file that a DUT may fetch: one or several artifacts, served one after the other. Opened when it is deployed, so that it stays whole
 * whatever happens to the cache, and shared by the transfers that are under way. */
#ifndef BOOTSD_BOOT_FILE_H
#define BOOTSD_BOOT_FILE_H

#include <stdint.h>
#include <sys/types.h>

#include "libbus/messages.h"
#include "libgateway/error.h"

struct boot_piece {
	int fd;
	uint64_t size, at; /* `at`: where it begins in the whole */
};
struct boot_file {
	unsigned references;
	char *path; /* "/_/job/kernel" */
	bool http, tftp;
	struct boot_piece *pieces; /* owned */
	size_t n_pieces;
	uint64_t size;
	char etag[33];
};

/* Opens a file beneath the folder `root`, never outside of it, and never anything but a regular file. -1 and GW_NOT_FOUND. */
int boot_open_beneath(int root, const char *name, uint64_t *size, struct gw_error *err);

struct boot_file *boot_file_create(int root, const struct msg_boot_file *from, struct gw_error *err); /* one reference; NULL on failure */
struct boot_file *boot_file_of(int fd, uint64_t size, const char *path);                              /* of one open file; owns fd */
void boot_file_set_etag(struct boot_file *file, const void *bytes, size_t n);                         /* of its content */
struct boot_file *boot_file_hold(struct boot_file *file);
void boot_file_release(struct boot_file *file); /* NULL is fine */
/* Reads up to n bytes from `offset`; fewer only at the end. -1: errno says why. */
ssize_t boot_file_read(const struct boot_file *file, void *out, size_t n, uint64_t offset);

#endif
