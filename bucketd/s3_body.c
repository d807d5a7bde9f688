/* A body is what its head says of it. On a thread, before anything is done with it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bucketd/checksums.h"
#include "bucketd/chunked.h"
#include "bucketd/s3.h"
#include "libgateway/log.h"

enum { PIECE = 256 * 1024 };

/* What is read of the body: its content, once, whatever is to be known of it. */
struct body {
	struct s3_call *call;
	struct checksums sums;
	uint64_t size; /* of the content so far */
};

static bool is_chunked(const struct s3_call *call)
{
	return !call->sig.anonymous && call->action->body == S3_BODY_FILE && call->sig.payload != SIGV4_PAYLOAD_HASH &&
	       call->sig.payload != SIGV4_PAYLOAD_UNSIGNED;
}

static bool is_hashed(const struct s3_call *call)
{
	return !call->sig.anonymous && call->sig.payload == SIGV4_PAYLOAD_HASH;
}

/* The MD5 of what is put is its ETag. */
static unsigned wanted(const struct s3_call *call)
{
	return (call->action->body == S3_BODY_FILE || call->md5 ? SUM_MD5 : 0) | (is_hashed(call) ? SUM_SHA256 : 0) |
	       (call->checksum ? checksums_named(call->checksum_name) : 0);
}

static bool unreadable(struct s3_error *err)
{
	log_error("the body of an upload cannot be read: %s", strerror(errno));
	return s3_fail(err, S3_INTERNAL, NULL);
}

static void take(struct body *body, const void *bytes, size_t n)
{
	checksums_add(&body->sums, bytes, n);
	body->size += n;
}

/* ---- in chunks: decoded within its file, since what comes out is never ahead of what goes in ---- */

static bool sink(void *data, const void *bytes, size_t n, struct s3_error *err)
{
	struct body *body = data;
	const char *at = bytes;
	off_t to = (off_t)body->size;

	take(body, bytes, n);
	while (n) {
		ssize_t written = pwrite(body->call->upload.fd, at, n, to);

		if (written < 0 && errno != EINTR)
			return s3_fail(err, errno == ENOSPC || errno == EDQUOT ? S3_FULL : S3_INTERNAL, NULL);
		if (written > 0) {
			at += written;
			to += written;
			n -= (size_t)written;
		}
	}
	return true;
}

static struct chunked *begin_chunks(struct body *body)
{
	const struct s3_call *call = body->call;

	return chunked_begin(call->sig.payload == SIGV4_PAYLOAD_CHUNKS_UNSIGNED_TRAILER ? NULL : &call->chain,
			     call->sig.payload != SIGV4_PAYLOAD_CHUNKS, sink, body);
}

static bool end_chunks(struct body *body, struct chunked *chunked)
{
	struct s3_call *call = body->call;

	if (!chunked_end(chunked, &call->err))
		return false;
	if (call->decoded_size >= 0 && (uint64_t)call->decoded_size != body->size)
		return s3_fail(&call->err, S3_INCOMPLETE_BODY, NULL);
	return ftruncate(call->upload.fd, (off_t)body->size) == 0 || unreadable(&call->err);
}

/* ---- reading ---- */

/* `chunked`: NULL, or what decodes it. */
static bool read_file(struct body *body, struct chunked *chunked)
{
	struct s3_call *call = body->call;
	char *piece = gw_calloc(1, PIECE);
	uint64_t at = 0;
	bool ok = true;
	ssize_t n = 0;

	while (ok && (n = pread(call->upload.fd, piece, PIECE, (off_t)at)) > 0) {
		at += (uint64_t)n;
		if (chunked)
			ok = chunked_add(chunked, piece, (size_t)n, &call->err);
		else
			take(body, piece, (size_t)n);
	}
	free(piece);
	return ok && (n == 0 || unreadable(&call->err));
}

static bool read_chunks(struct body *body)
{
	struct chunked *chunked = begin_chunks(body);
	bool ok = read_file(body, chunked) && end_chunks(body, chunked);

	chunked_free(chunked);
	return ok;
}

static bool read_body(struct body *body)
{
	if (is_chunked(body->call))
		return read_chunks(body);
	if (body->call->action->body == S3_BODY_FILE)
		return read_file(body, NULL);
	take(body, body->call->text, body->call->text_len);
	return true;
}

/* ---- sums ---- */

static bool sha256_is_right(const struct body *body)
{
	uint8_t sum[32];

	if (!is_hashed(body->call))
		return true;
	checksums_sha256(&body->sums, sum);
	return memcmp(sum, body->call->sig.hash, SIGV4_HASH) == 0;
}

static bool md5_is_right(const struct body *body)
{
	uint8_t sum[16];
	char text[32];

	if (!body->call->md5)
		return true;
	checksums_md5(&body->sums, sum);
	EVP_EncodeBlock((unsigned char *)text, sum, sizeof(sum));
	return strcmp(text, body->call->md5) == 0;
}

static bool sums_are_right(struct body *body)
{
	struct s3_call *call = body->call;

	if (!sha256_is_right(body))
		return s3_fail(&call->err, S3_CONTENT_HASH_MISMATCH, NULL);
	return (md5_is_right(body) && (!call->checksum || checksums_match(&body->sums, call->checksum_name, call->checksum))) ||
	       s3_fail(&call->err, S3_BAD_DIGEST, NULL);
}

static void tell_store(struct body *body)
{
	struct store_upload *upload = &body->call->upload;

	upload->size = body->size;
	checksums_md5(&body->sums, upload->md5);
	upload->summed = true;
}

bool s3_body_check(struct s3_call *call)
{
	struct body body = {.call = call};
	bool ok;

	if (call->action->body == S3_BODY_NONE)
		return true;
	checksums_begin(&body.sums, wanted(call));
	ok = read_body(&body) && sums_are_right(&body);
	if (ok && call->action->body == S3_BODY_FILE)
		tell_store(&body);
	checksums_finish(&body.sums);
	return ok;
}
