/* An HTTP server on the daemon's loop: libmicrohttpd in external epoll mode, a table of routes, answers now or later.
 *
 * Bounds: headers 16 KiB, a body as its route says (else 413); headers complete within 10 s, bodies and answers at 1 KiB/s after that time,
 * a body within 10 minutes and a second for each MiB, or the connection is cut; connections in all and per address: where there is no room,
 * the one that has waited longest without a request is closed. A head or length that can be read in two ways is refused and the connection
 * closed. Paths: repeated slashes count as one, a trailing one is ignored, %XX decoded per segment. Loop thread only. HEAD is answered as
 * GET without the body. */
#ifndef LIBGATEWAY_HTTP_SERVER_H
#define LIBGATEWAY_HTTP_SERVER_H

#include <cjson/cJSON.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "libgateway/error.h"
#include "libgateway/http_shared.h"
#include "libgateway/loop.h"

struct http_server;
struct http_request;

/* Runs once, when the whole request has been read. Must lead to exactly one http_answer_*: now, or later from the loop; until then the
 * request is valid even if its client has gone. */
typedef void http_handler(void *owner, struct http_request *rq);

/* Must answer at once with the status, saying `text`. */
typedef void http_refusal(struct http_request *rq, int status, const char *text);

/* Runs once, when the head has been read and before the body: may answer, and then returns false (what still comes of the body is
 * discarded); or calls http_body_into and returns true. */
typedef bool http_head(void *owner, struct http_request *rq);

struct http_route {
	const char *method; /* "GET"; a path known by another method only gives 405 */
	const char
		*path; /* "/api/v1/dut/{id}/quick_check": {name} takes one segment; a last "{rest*}" takes all that is left, slashes kept */
	http_handler *handler;
	size_t body_max;       /* bytes; 0: no body is accepted */
	const char *body_type; /* a body's media type: one of another, or of none, gives 415; NULL: any will do */
	http_refusal *refuse;  /* says what no handler sees of this route (400, 413, 415); NULL: {"error": text} */
	http_head *head;       /* NULL: none */
	bool plain;            /* a body is taken as it is, be it multipart/form-data */
};

struct http_limits {
	unsigned connections;             /* 0: 4096; fewer where RLIMIT_NOFILE, which is raised, does not allow them */
	unsigned connections_per_address; /* 0: three quarters of them */
	/* The names by which it may be called (http_names.h), NULL-terminated, borrowed: a request for another Host gets 421, and what
	 * changes something is refused to a page of another site. NULL: any name, any page. */
	const char *const *names;
	http_refusal *refuse; /* as a route's, for what is refused before one is found; NULL: {"error": text} */
};

/* Serves `listen_fd` (taken over: closed by http_server_stop). `routes` (ends with a NULL method) and `owner` are borrowed. */
struct http_server *http_server_start(struct loop *loop, int listen_fd, const struct http_route *routes, const struct http_limits *limits,
				      void *owner, struct gw_error *err);
void http_server_stop(
	struct http_server *server); /* frees; unanswered requests are dropped, their later answers are ignored. NULL is fine */

/* Whether a page of another site sent it. Where the server has names, only for a GET or HEAD it can be true. */
bool http_is_of_another_site(const struct http_request *rq);

/* What was asked. All borrowed until the answer. */
const char *http_method(const struct http_request *rq);
const char *http_path(const struct http_request *rq);                     /* normalised and decoded */
const char *http_arg(const struct http_request *rq, const char *name);    /* of the route's path; NULL if it has none */
const char *http_query(const struct http_request *rq, const char *name);  /* NULL if absent, "" if without a value */
const char *http_header(const struct http_request *rq, const char *name); /* case ignored */
bool http_header_at(const struct http_request *rq, size_t i, const char **name, const char **value); /* false behind the last */
const char *http_uri(const struct http_request *rq);               /* as it came: escaped, not normalised, with its query */
const char *http_body(const struct http_request *rq, size_t *len); /* NUL-terminated beyond len */
const struct sockaddr *http_peer(const struct http_request *rq);
const struct sockaddr *http_local(const struct http_request *rq); /* the address that the client reached */

/* In a route's `head`: the body is written to `fd` (taken over; a new file, open for reading too) as it comes. Where the disk is full, the
 * answer is 507, behind all of the body. Then http_body is empty, but multipart parts point to it, mapped; it is taken apart on another
 * thread. */
void http_body_into(struct http_request *rq, int fd);
/* Of a body in a file whose size is not known before: the disk counts as full where less than `bytes` of it would be left, looked at now
 * and then while it comes. */
void http_body_spares(struct http_request *rq, uint64_t bytes);
int http_body_fd(const struct http_request *rq, uint64_t *size); /* borrowed until the answer; -1: it is not in a file */

/* What a route's `head` made for the request: `gone` runs once, when the request is over, be it that its client went away before a handler
 * saw it. */
void http_request_keep(struct http_request *rq, void *data, void (*gone)(void *data));
void *http_request_kept(const struct http_request *rq); /* NULL: nothing */

/* A multipart/form-data part, read whole. */
struct http_part {
	const char *name, *filename, *content_type; /* filename, content_type: NULL if absent */
	const char *data;
	size_t len;
};
const struct http_part *http_part(const struct http_request *rq,
				  const char *name); /* the first of that name; NULL if none, or not multipart */

/* Of a body in a file: where in http_body_fd's file the part's data begins. */
uint64_t http_part_offset(const struct http_request *rq, const struct http_part *part);
const struct http_part *http_part_at(const struct http_request *rq, size_t i); /* NULL behind the last */

/* The body as JSON: depth 32 at most, duplicate keys refused, must be an object. The caller deletes it. NULL with GW_BAD_INPUT. */
cJSON *http_body_json(const struct http_request *rq, struct gw_error *err);

/* Answers. Each ends the request: `rq` is gone afterwards. */
void http_answer(struct http_request *rq, int status, const char *content_type, const void *body, size_t len); /* copies */
void http_answer_json(struct http_request *rq, int status, cJSON *json);                                       /* owns json */
void http_answer_error(struct http_request *rq, const struct gw_error *err);                                   /* {"error": "..."} */
void http_answer_status(struct http_request *rq, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* the same with a status */
/* A file: owns `fd`. ETag (strong, `etag` without quotes), If-None-Match, Range (one), HEAD. */
void http_answer_file(struct http_request *rq, int fd, uint64_t size, const char *etag, const char *content_type);
/* The same for bytes that are read when they are sent: `read` fills in up to n bytes from `at`, -1 on an error (the client then sees its
 * connection cut). `done` runs once, when the answer is over, maybe before this returns. */
struct http_source {
	uint64_t size;
	ssize_t (*read)(void *data, void *out, size_t n, uint64_t at);
	void (*done)(void *data);
	void *data;
};
void http_answer_source(struct http_request *rq, const struct http_source *source, const char *etag, const char *content_type);
/* A stream of server-sent events: answered at once with 200, then http_stream_send; `closed` runs when the client has gone (the stream is
 * then freed). A client that does not read is cut at 1 MiB. */
struct http_stream;
struct http_stream *http_answer_stream(struct http_request *rq, const char *content_type, void (*closed)(void *data), void *data);
void http_stream_send(struct http_stream *stream, const void *bytes, size_t n);
void http_stream_end(struct http_stream *stream);
size_t http_stream_unread(const struct http_stream *stream); /* bytes that the client's connection has not taken yet; 0 for NULL */
/* `drained` (with the stream's data) runs when the client has taken all that was sent; it may send more, but not end the stream. */
void http_stream_on_drained(struct http_stream *stream, void (*drained)(void *data));
/* To be called before an answer. */
void http_answer_header(struct http_request *rq, const char *name, const char *value);

#endif
