#include "executord/archive_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 20, AT_ONCE = 1 << 30 };

bool archive_copy_init(struct archive_copy *copy, const struct http_request *rq, const struct http_part *archive, struct gw_error *err)
{
	uint64_t size;
	int fd = http_body_fd(rq, &size);

	copy->len = archive->len;
	if (fd < 0) {
		copy->bytes = gw_calloc(archive->len + 1, 1);
		memcpy(copy->bytes, archive->data, archive->len);
		return true;
	}
	copy->from = http_part_offset(rq, archive);
	copy->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy->fd > 0)
		return true;
	copy->fd = 0;
	return gw_fail_errno(err, GW_UNREACHABLE, errno, "the archive cannot be kept");
}

bool archive_copy_is_wanted(const struct archive_copy *copy)
{
	return copy->bytes || copy->fd > 0;
}

static bool write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t written = write(fd, bytes, n);

		if (written < 0 && errno != EINTR)
			return false;
		if (written > 0) {
			bytes += written;
			n -= (size_t)written;
		}
	}
	return true;
}

/* By the file system itself, which may share the blocks. 0: it does not do that, -1: errno. */
static ssize_t copy_within(int from, off_t *at, int to, uint64_t n)
{
	ssize_t copied = copy_file_range(from, at, to, NULL, n < AT_ONCE ? n : AT_ONCE, 0);

	return copied < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS || errno == EPERM) ? 0 : copied;
}

static bool copy_by_reading(int from, off_t at, int to, uint64_t n)
{
	char *chunk = gw_calloc(CHUNK, 1);
	bool ok = true;

	while (ok && n) {
		ssize_t got = pread(from, chunk, n < CHUNK ? n : CHUNK, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			errno = EIO; /* it was there */
		ok = got > 0 && write_all(to, chunk, (size_t)got);
		at += ok ? got : 0;
		n -= ok ? (uint64_t)got : 0;
	}
	free(chunk);
	return ok;
}

static bool copy_range(const struct archive_copy *copy, int to)
{
	off_t at = (off_t)copy->from;
	uint64_t left = copy->len;

	while (left) {
		ssize_t n = copy_within(copy->fd, &at, to, left);

		if (n < 0 && errno != EINTR)
			return false;
		if (n == 0)
			return copy_by_reading(copy->fd, at, to, left);
		left -= n > 0 ? (uint64_t)n : 0;
	}
	return true;
}

bool archive_copy_to(const struct archive_copy *copy, const char *path, struct gw_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640), error;
	bool ok = fd >= 0 && (copy->bytes ? write_all(fd, copy->bytes, copy->len) : copy_range(copy, fd));

	error = errno;
	if (fd >= 0 && close(fd) < 0 && ok) { /* some file systems say only now that they are full */
		ok = false;
		error = errno;
	}
	if (ok)
		return true;
	if (fd >= 0)
		unlink(path);
	return gw_fail_errno(err, GW_UNREACHABLE, error, "the archive cannot be kept");
}

void archive_copy_finish(struct archive_copy *copy)
{
	free(copy->bytes);
	if (copy->fd > 0)
		close(copy->fd);
	*copy = (struct archive_copy){0};
}
