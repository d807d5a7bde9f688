/* Bytes that many answers share: printed once, with an ETag, until what they show changes. A client that has them already gets 304.
 * libmicrohttpd's answer over them is made once, too. Loop thread only. */
#ifndef LIBGATEWAY_HTTP_SHARED_H
#define LIBGATEWAY_HTTP_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct http_request;
struct http_shared; /* counted; whoever creates one has a reference */

/* Bytes that several of them hold. */
struct http_bytes;                                                          /* counted, too */
struct http_bytes *http_bytes_gather(const struct iovec *pieces, size_t n); /* the pieces one behind the other; copied */
struct http_bytes *http_bytes_of(const char *text);                         /* copied */
struct http_bytes *http_bytes_hold(struct http_bytes *bytes);
void http_bytes_release(struct http_bytes *bytes); /* NULL is fine */

/* Copies `len` bytes. */
struct http_shared *http_shared_create(const char *content_type, const void *body, size_t len);
/* `len` bytes at `body`, which lie in `owned`: taken over, freed with the last reference. `hash` of what they show makes the ETag. */
struct http_shared *http_shared_over(const char *content_type, const void *body, size_t len, void *owned, uint64_t hash);
/* The parts one behind the other, none copied: a reference of each is taken.
 * `weak`: the ETag (of `hash`) stays while bytes that do not matter differ. */
struct http_shared *http_shared_of(const char *content_type, struct http_bytes *const *parts, size_t n, uint64_t hash, bool weak);
struct http_shared *http_shared_hold(struct http_shared *shared);
void http_shared_release(struct http_shared *shared); /* NULL is fine */

bool http_shared_is_known(const struct http_request *rq, const struct http_shared *shared); /* its client would get 304 */
void http_answer_shared(struct http_request *rq, struct http_shared *shared);               /* takes a reference of its own */

const char *http_shared_etag(const struct http_shared *shared); /* as it is sent, with quotes */
char *http_shared_text(const struct http_shared *shared);       /* for tests: a copy of the bytes, terminated; the caller frees */

/* Of bytes, from 0 or from what came before. For caches, not against forgers. */
uint64_t http_hash(uint64_t before, const void *bytes, size_t len);

#endif
