/* A request's body: in memory, or in a file where its route wants that. */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libgateway/http_internal.h"

void http_body_into(struct http_request *rq, int fd)
{
	rq->body_fd = fd;
}

int http_body_fd(const struct http_request *rq, uint64_t *size)
{
	*size = rq->body_len;
	return rq->body_fd;
}

static bool write_all(int fd, const char *data, size_t n, struct gw_error *err)
{
	while (n) {
		ssize_t written = write(fd, data, n);

		if (written < 0 && errno != EINTR)
			return gw_fail_errno(err, GW_INTERNAL, errno, "the body cannot be kept");
		if (written > 0) {
			data += written;
			n -= (size_t)written;
		}
	}
	return true;
}

bool http_body_add(struct http_request *rq, const char *data, size_t n, struct gw_error *err)
{
	if (rq->body_fd >= 0 && !write_all(rq->body_fd, data, n, err))
		return false;
	if (rq->body_fd < 0)
		buffer_add(&rq->body, data, n);
	rq->body_len += n;
	return true;
}

bool http_body_bytes(struct http_request *rq, char **data, size_t *len, struct gw_error *err)
{
	*data = rq->body.data;
	*len = rq->body.len;
	if (rq->body_fd < 0 || !rq->body_len)
		return true;
	rq->mapped = mmap(NULL, rq->body_len, PROT_READ | PROT_WRITE, MAP_PRIVATE, rq->body_fd, 0);
	if (rq->mapped == MAP_FAILED) {
		rq->mapped = NULL;
		return gw_fail_errno(err, GW_INTERNAL, errno, "the body cannot be read");
	}
	*data = rq->mapped;
	*len = rq->body_len;
	return true;
}

void http_body_finish(struct http_request *rq)
{
	if (rq->mapped)
		munmap(rq->mapped, rq->body_len);
	rq->mapped = NULL;
	if (rq->body_fd >= 0)
		close(rq->body_fd);
	rq->body_fd = -1;
	buffer_finish(&rq->body);
}
