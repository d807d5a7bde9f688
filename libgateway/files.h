/* Files: small ones of a daemon's state (up to some 100 kB) read whole and written atomically, locks; writing and copying of any. BLOCKING.
 */
#ifndef LIBGATEWAY_FILES_H
#define LIBGATEWAY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "libgateway/error.h"

/* Reads a whole regular file of at most `max` bytes; a terminating NUL is added beyond `*len`. Caller frees. GW_NOT_FOUND if there is none.
 */
char *file_read(const char *path, size_t max, size_t *len, struct gw_error *err);
/* Writes beside (PATH.new, anew, so `mode` is its mode from the first byte on), fsyncs, renames over, fsyncs the folder. After a failure
 * the old file is as it was and the new one is gone. */
bool file_save(const char *path, const void *bytes, size_t len, mode_t mode, struct gw_error *err);
/* Written at the file's end and synced, or to a new file (`anew`: one that is there is emptied; else one that is missing is a failure).
 * After a failure its end may be torn. */
bool file_append(const char *path, const void *bytes, size_t len, mode_t mode, bool anew, struct gw_error *err);
bool file_remove(const char *path, struct gw_error *err);           /* a missing file is fine */
bool dir_make(const char *path, mode_t mode, struct gw_error *err); /* with its parents; existing is fine */

/* What write() does, until all of it is written. False: errno says why. */
bool file_write_all(int fd, const void *bytes, size_t n);
/* Writes up to `max` bytes of `from` to where `to` is written; they are read at *at, which moves on, or (NULL) where `from` is read. The
 * kernel does it where it can, and shares the blocks where the file system can; else they are read and written. Returns how many were
 * copied; 0: there are no more; -1: errno says why. */
ssize_t file_copy_some(int from, off_t *at, int to, size_t max);

/* A name that no version of a file had before: the lines of a journal beside it say by that which version they belong to. */
enum { FILE_VERSION_SIZE = 17 };
void file_make_version(char version[FILE_VERSION_SIZE]);

/* Whether at least `bytes` of the disk of `fd` are free; a file system that has no bounds says that it has no blocks. False: errno is
 * ENOSPC. */
bool file_disk_spares(int fd, uint64_t bytes);

/* A process's lock: an fcntl write lock on PATH held while the process lives (so nothing is stale after a kill). When held by another:
 * GW_BUSY, "PATH: process 123 already runs". */
struct file_lock {
	int fd; /* 0: not held */
};
bool file_lock_take(struct file_lock *lock, const char *path, struct gw_error *err);
pid_t file_lock_holder(const char *path);      /* 0: nobody */
void file_lock_finish(struct file_lock *lock); /* the file stays: removing it would race */

#endif
