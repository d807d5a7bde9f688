/* A request's body: in memory, or in a file where its route wants that. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libgateway/http_internal.h"

#define LOOK_EVERY (1U << 20) /* bytes between two looks at the disk */

void http_body_into(struct http_request *rq, int fd)
{
	rq->body_fd = fd;
}

void http_body_spares(struct http_request *rq, uint64_t bytes)
{
	rq->body_spares = bytes;
}

int http_body_fd(const struct http_request *rq, uint64_t *size)
{
	*size = rq->body_len;
	return rq->body_fd;
}

static bool add_to_file(struct http_request *rq, const char *data, size_t n)
{
	bool look = rq->body_spares && rq->body_len / LOOK_EVERY != (rq->body_len + n) / LOOK_EVERY;

	return (!look || file_disk_spares(rq->body_fd, rq->body_spares)) && file_write_all(rq->body_fd, data, n);
}

bool http_body_add(struct http_request *rq, const char *data, size_t n, struct gw_error *err)
{
	if (rq->body_fd >= 0 && !add_to_file(rq, data, n))
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "the body cannot be kept");
	if (rq->body_fd < 0)
		buffer_add(&rq->body, data, n);
	rq->body_len += n;
	return true;
}

/* Private, since it is changed where it is taken apart. */
static bool map(struct http_request *rq, struct gw_error *err)
{
	if (!rq->body_len)
		return true;
	rq->mapped = mmap(NULL, rq->body_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, rq->body_fd, 0);
	if (rq->mapped != MAP_FAILED)
		return true;
	rq->mapped = NULL;
	return gw_fail_errno(err, GW_UNREACHABLE, errno, "the body cannot be read");
}

bool http_body_decode(struct http_request *rq, struct gw_error *err)
{
	const char *content_type = http_header(rq, "Content-Type");
	bool in_file = rq->body_fd >= 0;

	return (!in_file || map(rq, err)) &&
	       http_multipart_decode(&rq->parts, content_type, in_file ? rq->mapped : rq->body.data, rq->body_len, in_file, err);
}

struct decoding {
	uv_work_t work;
	struct http_request *rq; /* nobody else touches it meanwhile */
	struct gw_error err;
};

static void on_decode(uv_work_t *work)
{
	struct decoding *d = work->data;

	http_body_decode(d->rq, &d->err);
}

static void on_decoded(uv_work_t *work, int status)
{
	struct decoding *d = work->data;

	if (d->rq->server)
		http_request_hand_over(d->rq, &d->err);
	else
		http_request_free(d->rq);
	free(d);
}

void http_body_decode_later(struct http_request *rq)
{
	struct decoding *d = gw_calloc(1, sizeof(*d));

	rq->handed = true; /* its client's end does not free it */
	d->rq = rq;
	d->work.data = d;
	gw_assert(uv_queue_work(&rq->server->loop->uv, &d->work, on_decode, on_decoded) == 0);
}

uint64_t http_part_offset(const struct http_request *rq, const struct http_part *part)
{
	return part->len ? (uint64_t)(part->data - (const char *)rq->mapped) : 0;
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
