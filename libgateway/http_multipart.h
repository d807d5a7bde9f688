/* multipart/form-data (RFC 7578), a body read whole. Pure. Private to libgateway. */
#ifndef LIBGATEWAY_HTTP_MULTIPART_H
#define LIBGATEWAY_HTTP_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"
#include "libgateway/http_server.h"

#define HTTP_PARTS_MAX 16

struct http_parts {
	size_t n;
	struct {
		struct http_part part;                /* data borrowed from the body */
		char *name, *filename, *content_type; /* owned */
	} v[HTTP_PARTS_MAX];
};

bool http_multipart_is(const char *content_type); /* NULL is not */
/* Takes `body` apart in place: each part's data gets a NUL behind it, over the delimiter. Finish `parts` in any case. `mapped`: it is a
 * private mapping of a file, of which no more stays in memory than a window that is looked at. */
bool http_multipart_decode(struct http_parts *parts, const char *content_type, char *body, size_t len, bool mapped, struct gw_error *err);
void http_multipart_finish(struct http_parts *parts); /* accepts zeroed memory */

#endif
