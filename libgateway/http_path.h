/* The target of a request, taken apart, and the table of routes. Pure: no sockets, no libmicrohttpd. Private to libgateway. */
#ifndef LIBGATEWAY_HTTP_PATH_H
#define LIBGATEWAY_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"
#include "libgateway/http_server.h"

#define HTTP_SEGMENTS_MAX 64
#define HTTP_QUERY_MAX    64
#define HTTP_ARGS_MAX     8

struct http_pair {
	char *name, *value;
};

struct http_target {
	char *path; /* owned: "/" and the decoded segments with '/' between */
	size_t n;
	struct {
		char *text; /* owned; may hold a '/' that came as %2F */
		size_t at;  /* where it starts in path */
	} segments[HTTP_SEGMENTS_MAX];
	struct http_pair query[HTTP_QUERY_MAX]; /* owned */
	size_t n_query;
};

/* `uri` as it came: "/a//b%20c/?x=1", or with "http://host" in front. GW_BAD_INPUT for what no handler should see: control characters, %00,
 * bad escapes, not UTF-8, segments "." and "..". Finish it in any case. */
bool http_target_decode(struct http_target *target, const char *uri, struct gw_error *err);
void http_target_finish(struct http_target *target); /* accepts zeroed memory */

struct http_args {
	size_t n;
	struct {
		const char *name; /* borrowed from the route's path, not terminated */
		size_t name_len;
		const char *value; /* borrowed from the target */
	} v[HTTP_ARGS_MAX];
};

/* The first row that has this path and method (HEAD is served by GET). NULL: none; then `allow` holds the methods of the rows with this
 * path, with ", " between, or "" if no row has it. */
const struct http_route *http_route_find(const struct http_route *routes, const char *method, const struct http_target *target,
					 struct http_args *args, char *allow, size_t allow_size);

#endif
