/* An HTTP client on the daemon's loop: libcurl's multi interface. No call blocks; names are resolved by libcurl's threaded resolver. Loop
 * thread only. */
#ifndef LIBGATEWAY_HTTP_CLIENT_H
#define LIBGATEWAY_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "libgateway/error.h"
#include "libgateway/loop.h"

struct http_client;
struct http_transfer;

struct http_client *http_client_create(struct loop *loop, struct gw_error *err);
void http_client_destroy(struct http_client *client); /* cancels what runs, with `done` called (GW_UNREACHABLE). NULL is fine */

struct http_answer {
	int status;       /* 0: no answer; see the error */
	const char *body; /* NUL-terminated beyond len; empty when a sink took it. Borrowed until `done` returns */
	size_t len;
	const char *etag, *last_modified, *content_type; /* NULL if absent */
	const char *effective_url;
	int64_t retry_after_s;        /* Retry-After, a date too; 0: none */
	struct http_transfer *whence; /* for http_client_header */
};
/* Of any name; NULL if absent. Borrowed until `done` returns. */
const char *http_client_header(const struct http_answer *answer, const char *name);

/* Everything borrowed for the call only (the strings are copied), but for the callbacks' data. */
struct http_ask {
	const char *method;         /* NULL: GET */
	const char *url;            /* http or https, nothing else */
	const char *const *headers; /* "Name: value", NULL-terminated; or NULL */
	const void *body;           /* or NULL */
	size_t body_len;
	size_t answer_max;   /* bytes; 0: 1 MiB; more is GW_BAD_INPUT */
	unsigned total_ms;   /* 0: 30 s */
	unsigned connect_ms; /* 0: 5 s */
	unsigned stall_ms;   /* without a byte for so long: given up; 0: 30 s */
	bool http2;          /* where TLS offers it; requests then share a connection */
	unsigned redirects;  /* 0: none is followed; a header given above is not sent to another host */
	/* Where a download goes, in pieces; false stops it. NULL: collected into answer.body. */
	bool (*sink)(void *data, const void *bytes, size_t n);
	/* Whether an address may be connected to (called for each address after resolution, at each redirect). NULL: all. */
	bool (*address_allowed)(void *data, const struct sockaddr *address);
	/* Runs exactly once, from the loop and never inside http_client_ask. `err` is GW_OK when an answer came, whatever its status. */
	void (*done)(void *data, const struct http_answer *answer, const struct gw_error *err);
	void *data;
};
struct http_transfer *http_client_ask(struct http_client *client, const struct http_ask *ask, struct gw_error *err);
void http_client_cancel(struct http_transfer *transfer); /* `done` does not run */

#endif
