#include "executord/archive_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/files.h"

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

static bool copy_range(const struct archive_copy *copy, int to)
{
	off_t at = (off_t)copy->from;

	for (uint64_t left = copy->len; left;) {
		ssize_t n = file_copy_some(copy->fd, &at, to, left);

		if (n == 0)
			errno = EIO; /* it was there */
		if (n <= 0)
			return false;
		left -= (uint64_t)n;
	}
	return true;
}

bool archive_copy_to(const struct archive_copy *copy, const char *path, struct gw_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640), error;
	bool ok = fd >= 0 && (copy->bytes ? file_write_all(fd, copy->bytes, copy->len) : copy_range(copy, fd));

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
