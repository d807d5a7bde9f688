/* One GitLab, by its URL: the work that waits for it, how many requests it is asked at once, and how long it is left alone after a
 * failure. Others go on meanwhile. Loop thread only. */
#ifndef GITLABD_SERVER_H
#define GITLABD_SERVER_H

#include "gitlabd/api.h"

#define SERVER_REQUESTS_MAX      8
#define SERVER_BACK_OFF_MIN_MS   1000
#define SERVER_BACK_OFF_MAX_MS   300000
#define SERVER_RETRY_AFTER_MAX_S 3600

struct server;
struct servers;

/* Something that may have a request to make, when it is its turn. */
struct work {
	struct work *next, *prev; /* in server.first */
	struct server *server;    /* NULL: it does not wait */
	/* Makes the request with server_ask and returns true; or has none to make any more. It no longer waits by then. */
	bool (*begin)(struct work *work, struct server *server);
};

struct servers {
	struct loop *loop;
	struct http_client *http;
	struct server *first;
	bool allow_insecure, stopping;
};

struct server {
	struct server *next;
	struct servers *servers;
	char *url, *shown; /* shown: for the log */
	struct work *first, *last;
	unsigned running;  /* places that are taken */
	unsigned failures; /* in a row */
	uint64_t until_ms; /* on the loop's clock: it is left alone until then */
	struct loop_timer timer;
	double last_check; /* seconds since the epoch: when it last answered as a GitLab; 0: never */
	double next_try;   /* seconds since the epoch; 0: it is not left alone */
	char *last_error;  /* NULL: none since */
	char *unusable;    /* why it is never asked; NULL: it is */
	bool pumping;
};

bool servers_init(struct servers *servers, struct loop *loop, bool allow_insecure, struct gw_error *err);
void servers_finish(struct servers *servers); /* requests under way are done first, with API_TRY_LATER. Accepts zeroed memory */
struct server *servers_get(struct servers *servers, const char *url); /* borrowed; lives as long as `servers` */

void work_queue(struct work *work, struct server *server); /* behind the others; nothing if it waits there already */
void work_drop(struct work *work);

/* Takes a place, from within work.begin. When `done` ran, the place is given back with server_release, at once or later. */
void server_ask(struct server *server, const struct api_ask *ask, api_done *done, void *data);
void server_heard(struct server *server, const struct api_answer *answer); /* first thing in `done` */
void server_release(struct server *server);

/* How long a server is left alone after its nth failure in a row, and what it asked for (seconds, 0: nothing). `random`: 0 to 1. Pure. */
uint64_t server_back_off_ms(unsigned failures, int64_t retry_after_s, double random);

#endif
