#include "libgateway/http_shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/http_internal.h"
#include "libgateway/log.h"

#define PARTS_MAX 8

/* Not a memfd, which the kernel sends without a copy: page by page, and 128 KiB a call of libmicrohttpd, that took longer. */
struct http_bytes {
	unsigned references;
	size_t len;
	char v[];
};

struct http_shared {
	unsigned references;
	char etag[48]; /* as it is sent */
	char *content_type;
	const void *body; /* in `owned`; NULL: in `parts` */
	size_t len;
	void *owned; /* NULL once `answer` owns it */
	struct http_bytes *parts[PARTS_MAX];
	size_t n_parts;
	struct MHD_Response *answer, *not_modified; /* made when first wanted */
};

/* wyhash's step: two words multiplied, both halves kept. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

uint64_t http_hash(uint64_t before, const void *bytes, size_t len)
{
	const unsigned char *b = bytes;
	uint64_t hash = before ^ (len * 0x9e3779b97f4a7c15u), word;

	for (; len >= sizeof(word); b += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, b, sizeof(word));
		hash = mix(hash ^ 0xa0761d6478bd642fu, word ^ 0xe7037ed1a0b428dbu);
	}
	word = 0;
	memcpy(&word, b, len);
	return mix(hash ^ 0x8ebc6af09c88c6e3u, word ^ 0x589965cc75374cc3u);
}

static struct http_shared *create(const char *content_type, const void *body, size_t len, uint64_t hash, bool weak)
{
	struct http_shared *shared = gw_calloc(1, sizeof(*shared));

	*shared = (struct http_shared){.references = 1, .content_type = gw_strdup(content_type), .body = body, .len = len};
	snprintf(shared->etag, sizeof(shared->etag), "%s\"%016llx\"", weak ? "W/" : "", (unsigned long long)hash);
	return shared;
}

struct http_shared *http_shared_over(const char *content_type, const void *body, size_t len, void *owned, uint64_t hash)
{
	struct http_shared *shared = create(content_type, body, len, hash, false);

	shared->owned = owned;
	return shared;
}

struct http_shared *http_shared_create(const char *content_type, const void *body, size_t len)
{
	void *copy = gw_calloc(len ? len : 1, 1);

	if (len)
		memcpy(copy, body, len);
	return http_shared_over(content_type, copy, len, copy, http_hash(0, body, len));
}

struct http_bytes *http_bytes_gather(const struct iovec *pieces, size_t n)
{
	struct http_bytes *bytes;
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		len += pieces[i].iov_len;
	bytes = gw_calloc(1, sizeof(*bytes) + len);
	bytes->references = 1;
	for (size_t i = 0; i < n; bytes->len += pieces[i++].iov_len)
		memcpy(bytes->v + bytes->len, pieces[i].iov_base, pieces[i].iov_len);
	return bytes;
}

struct http_bytes *http_bytes_of(const char *text)
{
	return http_bytes_gather(&(struct iovec){.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)}, 1);
}

struct http_bytes *http_bytes_hold(struct http_bytes *bytes)
{
	bytes->references++;
	return bytes;
}

void http_bytes_release(struct http_bytes *bytes)
{
	if (bytes && !--bytes->references)
		free(bytes);
}

struct http_shared *http_shared_of(const char *content_type, struct http_bytes *const *parts, size_t n, uint64_t hash, bool weak)
{
	struct http_shared *shared = create(content_type, NULL, 0, hash, weak);

	gw_assert(n <= PARTS_MAX);
	for (size_t i = 0; i < n; i++) {
		shared->parts[shared->n_parts++] = http_bytes_hold(parts[i]);
		shared->len += parts[i]->len;
	}
	return shared;
}

struct http_shared *http_shared_hold(struct http_shared *shared)
{
	shared->references++;
	return shared;
}

/* The last answer that has them is over, too. */
static void release_parts(void *data)
{
	struct http_shared *shared = data;

	for (size_t i = 0; i < shared->n_parts; i++)
		http_bytes_release(shared->parts[i]);
	free(shared);
}

void http_shared_release(struct http_shared *shared)
{
	struct MHD_Response *answer;

	if (!shared || --shared->references)
		return;
	if (shared->not_modified)
		MHD_destroy_response(shared->not_modified);
	free(shared->owned);
	free(shared->content_type);
	answer = shared->answer;
	if (!answer || !shared->n_parts)
		release_parts(shared);
	if (answer) /* libmicrohttpd may still be sending it: the bytes go with its last reference */
		MHD_destroy_response(answer);
}

static struct MHD_Response *with_headers(struct http_shared *shared, struct MHD_Response *response, bool whole)
{
	gw_assert(response); /* out of memory */
	MHD_add_response_header(response, "ETag", shared->etag);
	if (whole)
		MHD_add_response_header(response, "Content-Type", shared->content_type);
	return response;
}

static struct MHD_Response *whole_answer(struct http_shared *shared)
{
	struct MHD_IoVec iov[PARTS_MAX];
	struct MHD_Response *response;

	for (size_t i = 0; i < shared->n_parts; i++)
		iov[i] = (struct MHD_IoVec){shared->parts[i]->v, shared->parts[i]->len};
	if (shared->n_parts)
		response = MHD_create_response_from_iovec(iov, (unsigned)shared->n_parts, release_parts, shared);
	else
		response = MHD_create_response_from_buffer_with_free_callback_cls(shared->len, (void *)(uintptr_t)shared->body, free,
										  shared->owned);
	shared->owned = NULL;
	return with_headers(shared, response, true);
}

const char *http_shared_etag(const struct http_shared *shared)
{
	return shared->etag;
}

char *http_shared_text(const struct http_shared *shared)
{
	char *text = gw_calloc(shared->len + 1, 1), *end = text;

	if (shared->body)
		memcpy(text, shared->body, shared->len);
	for (size_t i = 0; i < shared->n_parts; end += shared->parts[i++]->len)
		memcpy(end, shared->parts[i]->v, shared->parts[i]->len);
	return text;
}

bool http_shared_is_known(const struct http_request *rq, const struct http_shared *shared)
{
	const char *known = http_header(rq, "If-None-Match"), *begin = strchr(shared->etag, '"') + 1;
	char etag[sizeof(shared->etag)];

	if (!known)
		return false;
	snprintf(etag, sizeof(etag), "%.*s", (int)strcspn(begin, "\""), begin);
	return http_etag_listed(known, etag);
}

/* With headers of its own, which must not go to everybody: a copy. */
static void answer_copy(struct http_request *rq, const struct http_shared *shared, bool known)
{
	char *text = known ? NULL : http_shared_text(shared);

	http_answer_header(rq, "ETag", shared->etag);
	http_answer(rq, known ? 304 : 200, known ? NULL : shared->content_type, known ? "" : text, known ? 0 : shared->len);
	free(text);
}

void http_answer_shared(struct http_request *rq, struct http_shared *shared)
{
	bool known = http_shared_is_known(rq, shared);
	struct MHD_Response **response = known ? &shared->not_modified : &shared->answer;

	if (rq->n_answer_headers) {
		answer_copy(rq, shared, known);
		return;
	}
	if (!*response)
		*response = known ? with_headers(shared, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), false)
				  : whole_answer(shared);
	rq->shared = http_shared_hold(shared);
	http_answer_response(rq, known ? 304 : 200, *response);
}
