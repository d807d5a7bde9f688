/* A body is what its head says of it. On a thread, before anything is done with it. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bucketd/checksums.h"
#include "bucketd/chunked.h"
#include "bucketd/s3.h"
#include "libgateway/log.h"

enum { PIECE = 256 * 1024 };

/* ---- in chunks: decoded within its file, since what comes out is never ahead of what goes in ---- */

struct out {
	int fd;
	uint64_t size;
};

static bool sink(void *data, const void *bytes, size_t n, struct s3_error *err)
{
	struct out *out = data;
	const char *at = bytes;

	while (n) {
		ssize_t written = pwrite(out->fd, at, n, (off_t)out->size);

		if (written < 0 && errno != EINTR)
			return s3_fail(err, errno == ENOSPC || errno == EDQUOT ? S3_FULL : S3_INTERNAL, NULL);
		if (written > 0) {
			at += written;
			n -= (size_t)written;
			out->size += (uint64_t)written;
		}
	}
	return true;
}

static bool unreadable(struct s3_error *err)
{
	log_error("the body of an upload cannot be read: %s", strerror(errno));
	return s3_fail(err, S3_INTERNAL, NULL);
}

static bool decode_all(struct s3_call *call, struct chunked *chunked, char *piece)
{
	uint64_t at = 0;
	ssize_t n;

	while ((n = pread(call->upload.fd, piece, PIECE, (off_t)at)) > 0) {
		at += (uint64_t)n;
		if (!chunked_add(chunked, piece, (size_t)n, &call->err))
			return false;
	}
	return n < 0 ? unreadable(&call->err) : chunked_end(chunked, &call->err);
}

static bool decode(struct s3_call *call, char *piece)
{
	struct out out = {call->upload.fd, 0};
	struct chunked *chunked = chunked_begin(call->sig.payload == SIGV4_PAYLOAD_CHUNKS_UNSIGNED_TRAILER ? NULL : &call->chain,
						call->sig.payload != SIGV4_PAYLOAD_CHUNKS, sink, &out);
	bool ok = decode_all(call, chunked, piece);

	chunked_free(chunked);
	if (!ok)
		return false;
	if (call->decoded_size >= 0 && (uint64_t)call->decoded_size != out.size)
		return s3_fail(&call->err, S3_INCOMPLETE_BODY, NULL);
	call->body_size = out.size;
	return ftruncate(out.fd, (off_t)out.size) == 0 || unreadable(&call->err);
}

/* ---- sums ---- */

static bool add_file(EVP_MD_CTX *sum, int fd, char *piece)
{
	uint64_t at = 0;
	ssize_t n;

	while ((n = pread(fd, piece, PIECE, (off_t)at)) > 0) {
		gw_assert(EVP_DigestUpdate(sum, piece, (size_t)n));
		at += (uint64_t)n;
	}
	return n == 0;
}

static bool sum_of(struct s3_call *call, const EVP_MD *kind, unsigned char *out, char *piece)
{
	EVP_MD_CTX *sum = gw_have(EVP_MD_CTX_new());
	bool ok = true;

	gw_assert(EVP_DigestInit_ex(sum, kind, NULL));
	if (call->action->body == S3_BODY_FILE)
		ok = add_file(sum, call->upload.fd, piece);
	else
		gw_assert(EVP_DigestUpdate(sum, call->text, call->text_len));
	gw_assert(EVP_DigestFinal_ex(sum, out, NULL));
	EVP_MD_CTX_free(sum);
	return ok || unreadable(&call->err);
}

static bool sha256_check(struct s3_call *call, char *piece)
{
	unsigned char sum[EVP_MAX_MD_SIZE];

	if (call->sig.anonymous || call->sig.payload != SIGV4_PAYLOAD_HASH)
		return true;
	return sum_of(call, EVP_sha256(), sum, piece) &&
	       (memcmp(sum, call->sig.hash, SIGV4_HASH) == 0 || s3_fail(&call->err, S3_CONTENT_HASH_MISMATCH, NULL));
}

static bool md5_check(struct s3_call *call, char *piece)
{
	unsigned char sum[EVP_MAX_MD_SIZE];
	char text[32];

	if (!call->md5)
		return true;
	if (!sum_of(call, EVP_md5(), sum, piece))
		return false;
	EVP_EncodeBlock((unsigned char *)text, sum, 16);
	return strcmp(text, call->md5) == 0 || s3_fail(&call->err, S3_BAD_DIGEST, NULL);
}

static bool checksum_check(struct s3_call *call, char *piece)
{
	struct checksums sums;
	uint64_t at = 0;
	ssize_t n = 0;
	bool ok;

	if (!call->checksum)
		return true;
	checksums_begin(&sums);
	if (call->action->body != S3_BODY_FILE)
		checksums_add(&sums, call->text, call->text_len);
	else
		for (; (n = pread(call->upload.fd, piece, PIECE, (off_t)at)) > 0; at += (uint64_t)n)
			checksums_add(&sums, piece, (size_t)n);
	ok = checksums_match(&sums, call->checksum_name, call->checksum);
	checksums_finish(&sums);
	return n < 0 ? unreadable(&call->err) : ok || s3_fail(&call->err, S3_BAD_DIGEST, NULL);
}

static bool is_chunked(const struct s3_call *call)
{
	return !call->sig.anonymous && call->action->body == S3_BODY_FILE && call->sig.payload != SIGV4_PAYLOAD_HASH &&
	       call->sig.payload != SIGV4_PAYLOAD_UNSIGNED;
}

bool s3_body_check(struct s3_call *call)
{
	char *piece;
	bool ok;

	if (call->action->body == S3_BODY_NONE)
		return true;
	piece = gw_calloc(1, PIECE);
	ok = (!is_chunked(call) || decode(call, piece)) && sha256_check(call, piece) && md5_check(call, piece) &&
	     checksum_check(call, piece);
	free(piece);
	return ok;
}
