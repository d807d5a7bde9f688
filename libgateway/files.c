#include "libgateway/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

char *file_read(const char *path, size_t max, size_t *len, struct gw_error *err)
{
	struct stat st;
	char *bytes;
	size_t used = 0;
	ssize_t n = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		gw_fail_errno(err, errno == ENOENT ? GW_NOT_FOUND : GW_UNREACHABLE, errno, "%s", path);
		return NULL;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uintmax_t)st.st_size > max) {
		gw_fail(err, GW_BAD_INPUT, "%s: not a regular file of at most %zu bytes", path, max);
		close(fd);
		return NULL;
	}
	bytes = gw_calloc(1, (size_t)st.st_size + 1);
	while (used < (size_t)st.st_size && (n = read(fd, bytes + used, (size_t)st.st_size - used)) > 0)
		used += (size_t)n;
	if (n < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot read", path);
		free(bytes);
		bytes = NULL;
	}
	close(fd);
	if (len)
		*len = used;
	return bytes;
}

bool file_write_all(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		ssize_t written = write(fd, at, n);

		if (written < 0 && errno != EINTR)
			return false;
		at += written > 0 ? written : 0;
		n -= written > 0 ? (size_t)written : 0;
	}
	return true;
}

/* Some pairs of files and file systems it refuses, and it finds nothing in files that say they are empty (of /proc). */
static ssize_t copy_in_kernel(int from, off_t *at, int to, size_t max)
{
	ssize_t n;

	do
		n = copy_file_range(from, at, to, NULL, max, 0);
	while (n < 0 && errno == EINTR);
	return n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM) ? 0 : n;
}

static ssize_t copy_by_reading(int from, off_t *at, int to, size_t max)
{
	char bytes[64 * 1024];
	size_t room = max < sizeof(bytes) ? max : sizeof(bytes);
	ssize_t n;

	do
		n = at ? pread(from, bytes, room, *at) : read(from, bytes, room);
	while (n < 0 && errno == EINTR);
	if (n > 0 && !file_write_all(to, bytes, (size_t)n))
		return -1;
	if (n > 0 && at)
		*at += n;
	return n;
}

ssize_t file_copy_some(int from, off_t *at, int to, size_t max)
{
	static const size_t most = 1 << 30; /* the kernel takes no more than 2 GiB at once */
	ssize_t n = copy_in_kernel(from, at, to, max < most ? max : most);

	return n ? n : copy_by_reading(from, at, to, max);
}

void file_make_version(char version[FILE_VERSION_SIZE])
{
	uint64_t number;

	gw_assert(getrandom(&number, sizeof(number), 0) == sizeof(number));
	snprintf(version, FILE_VERSION_SIZE, "%016llx", (unsigned long long)number);
}

bool file_disk_spares(int fd, uint64_t bytes)
{
	struct statvfs fs;

	if (fstatvfs(fd, &fs) < 0 || !fs.f_blocks || (uint64_t)fs.f_bavail * fs.f_frsize >= bytes)
		return true;
	errno = ENOSPC;
	return false;
}

static bool sync_folder_of(const char *path)
{
	char *copy = gw_strdup(path);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int saved = errno;

	if (fd >= 0)
		close(fd);
	free(copy);
	errno = saved;
	return ok;
}

bool file_save(const char *path, const void *bytes, size_t len, mode_t mode, struct gw_error *err)
{
	char *temp = gw_sprintf("%s.new", path);
	int saved, fd = unlink(temp) == 0 || errno == ENOENT ? open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode) : -1;
	bool ok = fd >= 0 && file_write_all(fd, bytes, len) && fsync(fd) == 0;

	saved = errno;
	if (fd >= 0 && close(fd) < 0 && ok) {
		saved = errno;
		ok = false;
	}
	if (ok && rename(temp, path) < 0) {
		saved = errno;
		ok = false;
	}
	if (!ok && fd >= 0)
		unlink(temp);
	if (ok && !sync_folder_of(path)) {
		saved = errno;
		ok = false;
	}
	free(temp);
	return ok || gw_fail_errno(err, GW_UNREACHABLE, saved, "%s: cannot write", path);
}

bool file_append(const char *path, const void *bytes, size_t len, mode_t mode, bool anew, struct gw_error *err)
{
	int saved, fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (anew ? O_CREAT | O_TRUNC : 0), mode);
	bool ok = fd >= 0 && file_write_all(fd, bytes, len) && fdatasync(fd) == 0 && (!anew || sync_folder_of(path));

	saved = errno;
	if (fd >= 0)
		close(fd);
	return ok || gw_fail_errno(err, GW_UNREACHABLE, saved, "%s: cannot append", path);
}

bool file_remove(const char *path, struct gw_error *err)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot remove", path);
	return true;
}

bool dir_make(const char *path, mode_t mode, struct gw_error *err)
{
	char *copy = gw_strdup(path);
	bool ok = true;

	for (char *p = copy + 1; ok && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		ok = mkdir(copy, 0755) == 0 || errno == EEXIST;
		*p = '/';
	}
	ok = ok && (mkdir(copy, mode) == 0 || errno == EEXIST);
	if (!ok)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot make the folder", path);
	free(copy);
	return ok;
}

pid_t file_lock_holder(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDONLY | O_CLOEXEC); /* another user's may not be written to */
	pid_t holder = 0;

	if (fd < 0)
		return 0;
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		holder = lock.l_pid;
	close(fd);
	return holder;
}

bool file_lock_take(struct file_lock *lock, const char *path, struct gw_error *err)
{
	struct flock want = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot open the lock", path);
	if (fcntl(fd, F_SETLK, &want) < 0) {
		close(fd);
		return gw_fail(err, GW_BUSY, "%s: process %d already runs", path, (int)file_lock_holder(path));
	}
	fchmod(fd, 0640); /* whatever the umask: peers of the group look up the holder, and could take the lock if they might write to it */
	lock->fd = fd;
	return true;
}

void file_lock_finish(struct file_lock *lock)
{
	if (lock->fd)
		close(lock->fd);
	lock->fd = 0;
}
