/* The few things the gateway needs of URLs and host names. */
#ifndef LIBGATEWAY_URL_H
#define LIBGATEWAY_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "libgateway/error.h"

struct url_host {
	char host[256]; /* without brackets */
	uint16_t port;  /* the scheme's when the URL has none */
	bool has_port;
	bool tls; /* https */
};
/* http and https only, as RFC 3986 has them; the host is a name, or an address in its shortest form. For a URL that is then fetched:
 * fetch_url.h. */
bool url_host_of(const char *url, struct url_host *host, struct gw_error *err);
bool url_refuse(const char *url, struct gw_error *err); /* always false: it is not understood */
/* `url` for logs and error texts: without user, password and query, which may be secrets. The caller frees. */
char *url_shown(const char *url);
/* Whether a service named so runs here: loopback, "localhost", an address of this machine, its host name, or a name that does not resolve.
 * BLOCKS on the resolver: at start only, never on a running loop. */
bool url_host_is_here(const char *host);

#endif
