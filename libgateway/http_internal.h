/* What the files of the HTTP server share. Private to libgateway and its tests. */
#ifndef LIBGATEWAY_HTTP_INTERNAL_H
#define LIBGATEWAY_HTTP_INTERNAL_H

#include <microhttpd.h>

#include "libgateway/buffer.h"
#include "libgateway/http_multipart.h"
#include "libgateway/http_path.h"
#include "libgateway/http_server.h"

/* What a connection is waited for; the deadlines of http_deadline.c go by it. WORK: for us, or a stream. */
enum http_phase { HTTP_PHASE_HEADERS, HTTP_PHASE_BODY, HTTP_PHASE_WORK, HTTP_PHASE_ANSWER, HTTP_PHASE_CUT };

struct http_address {              /* one that has connections */
	struct http_address *next; /* in its bucket of server.addresses */
	struct in6_addr net;
	unsigned n; /* connections, without those that were cut */
};

struct http_connection {
	struct http_connection *next, *prev; /* in server.connections */
	struct http_server *server;
	struct MHD_Connection *mhd;
	int fd; /* libmicrohttpd's */
	struct sockaddr_storage peer, local;
	struct http_address *address;                        /* borrowed; NULL: it is not counted any more */
	struct http_connection *waits_behind, *waits_before; /* in server.first_waiting, last_waiting: the older, the newer */
	bool waiting;                                        /* it is in that list: no request of it is whole */
	enum http_phase phase;
	uint64_t phase_began_ms; /* HEADERS: when a byte of it was first seen, 0: not yet. Else: when it began */
	uint64_t consumed;       /* bytes of its requests so far, heads and bodies */
	uint64_t bytes;          /* BODY: of it so far. ANSWER: acknowledged when first looked at; UINT64_MAX: not yet */
};

struct http_server {
	struct loop *loop;
	struct MHD_Daemon *mhd;
	struct loop_fd epoll;      /* libmicrohttpd's epoll descriptor */
	struct loop_timer timeout; /* when libmicrohttpd wants to run next */
	struct loop_timer sweep;   /* checks the deadlines, once a second while there are connections */
	uv_idle_t kick;            /* runs libmicrohttpd once, soon: a resumed connection does not wake its epoll descriptor */
	bool in_mhd;
	const struct http_route *routes;
	void *owner;
	const char *const *names; /* http_limits.names */
	http_refusal *refuse;     /* http_limits.refuse */
	unsigned connections_max, per_address_max, n_counted;
	struct http_address *addresses[256];
	struct http_connection *connections, *first_waiting, *last_waiting;
	struct http_request *requests; /* all of them: held, being read, being answered */
	unsigned header_ms, body_ms;
	unsigned bytes_per_second;
};

/* Lives from the first line of a request until both its answer was given and its connection is done with it. */
struct http_request {
	struct http_request *next, *prev; /* in server.requests */
	struct http_server *server;       /* NULL: the connection is over, an answer goes nowhere */
	struct http_connection *connection;
	char *uri; /* owned, as it came */
	char *method;
	struct http_target target;
	struct http_args args;
	const struct http_route *route;
	struct http_pair *headers; /* owned */
	size_t n_headers;
	struct buffer body;
	int body_fd;          /* owned; -1: the body is in `body` */
	uint64_t body_len;    /* so far, wherever it is */
	uint64_t body_spares; /* http_body_spares's */
	void *mapped;         /* owned: the body in the file; NULL: not mapped */
	size_t discarded;     /* bytes of a body that is not wanted */
	struct http_parts parts;
	struct sockaddr_storage peer, local;
	struct http_pair *answer_headers; /* owned */
	size_t n_answer_headers;
	struct MHD_Response *response; /* what is to be answered; owned, or that of `shared` */
	struct http_shared *shared;    /* a reference; NULL: none */
	struct http_stream *stream;    /* borrowed: the response's */
	void *kept;                    /* http_request_keep's */
	void (*kept_gone)(void *data); /* NULL: nothing is kept */
	int status;
	bool begun;     /* the headers have been looked at */
	bool body_lost; /* the disk was full: what still comes of it is read and dropped, however much */
	bool refused;   /* answered before a handler saw it; the body is discarded */
	bool handed;    /* a handler has it */
	bool answered;  /* response and status are set (or dropped) */
	bool suspended; /* the handler answers later, or a stream has nothing to send */
};

/* http_server.c */
void http_server_kick(struct http_server *server);

/* http_crowd.c */
bool http_crowd_has_room(struct http_server *server, const struct sockaddr *address); /* makes it where it can */
void http_crowd_join(struct http_connection *connection);
void http_crowd_leave(struct http_connection *connection); /* nothing if it has */
void http_crowd_waits(struct http_connection *connection); /* from now on, for a request */
void http_crowd_works(struct http_connection *connection); /* its request is whole */
unsigned http_crowd_limit(unsigned wanted);                /* as many connections as descriptors allow */

/* http_framing.c: GW_BAD_INPUT where the request's head, or the place where its body ends, can be read in two ways. `method` and `version`
 * are libmicrohttpd's own texts. */
bool http_framing_check(struct http_request *rq, const char *method, const char *version, struct gw_error *err);

/* http_deadline.c: cuts those who are slow. */
void http_deadline_start(struct http_server *server);
void http_connection_phase(struct http_connection *connection, enum http_phase phase);
void http_connection_cut(struct http_connection *connection); /* libmicrohttpd sees an end of file and closes it */
/* For tests: milliseconds for the headers (10,000), which a body or answer may also take before its rate counts; bytes a second of both
 * (1024); milliseconds for a body in all (600,000). */
void http_server_set_deadlines(struct http_server *server, unsigned header_ms, unsigned bytes_per_second, unsigned body_ms);

/* http_request.c: the callbacks of libmicrohttpd */
void *http_request_begin(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_request_read(void *server, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
				  const char *data, size_t *n, void **request);
void http_request_completed(void *server, struct MHD_Connection *mhd, void **request, enum MHD_RequestTerminationCode how);
void http_request_suspend(struct http_request *rq);
void http_request_resume(struct http_request *rq);        /* nothing if it is not suspended */
void http_request_resume_all(struct http_server *server); /* for the end: libmicrohttpd refuses to stop with suspended ones */
void http_request_hand_over(struct http_request *rq, const struct gw_error *err); /* its handler gets it; or refused, if it failed */
void http_request_free(struct http_request *rq);
void http_pair_add(struct http_pair **pairs, size_t *n, const char *name, const char *value); /* copies */

/* http_body.c */
bool http_body_add(struct http_request *rq, const char *data, size_t n, struct gw_error *err); /* it has room: body_max was looked at */
/* Takes a multipart body apart; one in a file is mapped, GW_UNREACHABLE if it cannot be. Any thread. */
bool http_body_decode(struct http_request *rq, struct gw_error *err);
void http_body_decode_later(struct http_request *rq); /* on another thread, since the disk is read; then http_request_hand_over */
void http_body_finish(struct http_request *rq);

/* http_answer.c */
/* Gives `response` (taken over) as the answer; `rq` may be gone afterwards. */
void http_answer_response(struct http_request *rq, int status, struct MHD_Response *response);

/* http_stream.c */
void http_stream_gone(struct http_stream *stream);

/* http_file.c; public for tests. */
enum http_range { HTTP_RANGE_NONE, HTTP_RANGE_ONE, HTTP_RANGE_UNSATISFIABLE };
enum http_range http_range_decode(const char *header, uint64_t size, uint64_t *from, uint64_t *len); /* RFC 9110 section 14.2 */
bool http_etag_listed(const char *if_none_match, const char *etag); /* weak comparison; `etag` without quotes */

#endif
