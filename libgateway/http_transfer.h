/* What http_client.c (libcurl's multi interface on our loop) and http_transfer.c (one request and its hops) share. Theirs alone. */
#ifndef LIBGATEWAY_HTTP_TRANSFER_H
#define LIBGATEWAY_HTTP_TRANSFER_H

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>

#include "libgateway/buffer.h"
#include "libgateway/http_client.h"

struct http_client {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer timer; /* libcurl's */
	struct watch *watches;
	struct http_transfer *transfers;
	unsigned depth; /* how many of our functions are on the stack that go on after a `done` */
	bool in_curl;   /* within a callback of libcurl's */
	bool stopping, dead;
};

enum transfer_state { RUNNING, FINISHED, CANCELLED };

/* Why libcurl was made to stop; else its own code tells. */
enum stop_reason { STOP_NONE, STOP_ADDRESS, STOP_TOO_LONG, STOP_SINK, STOP_STALL, STOP_CLIENT };

struct http_transfer {
	struct http_transfer *next, *prev; /* in client.transfers */
	struct http_client *client;
	CURL *easy;
	enum transfer_state state;
	CURLcode code;
	enum stop_reason stopped;
	char *method, *url; /* owned; of this hop */
	struct curl_slist *headers;
	struct buffer body, answer;
	bool has_body, http2;
	size_t answer_max, came; /* bytes; of this hop */
	uint64_t deadline_ms, last_byte_ms;
	curl_off_t moved; /* bytes up and down, as last seen */
	unsigned connect_ms, stall_ms, redirects, redirects_left;
	struct loop_timer stall;
	char error[CURL_ERROR_SIZE], address[INET6_ADDRSTRLEN];
	bool (*sink)(void *data, const void *bytes, size_t n);
	bool (*address_allowed)(void *data, const struct sockaddr *address);
	void (*done)(void *data, const struct http_answer *answer, const struct gw_error *err);
	void *data;
};

/* Ends what has ended. The client may be gone afterwards. */
void http_client_settle(struct http_client *client);

/* Of one that is no longer RUNNING: follows its redirect, or has its `done` run and frees it. */
void http_transfer_conclude(struct http_transfer *t);

#endif
