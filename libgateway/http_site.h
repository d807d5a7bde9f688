/* Whom a request is for, and whose page sent it: against DNS rebinding (a stranger's name that leads to this gateway) and against pages of
 * other sites, which make an admin's browser send requests. Pure. */
#ifndef LIBGATEWAY_HTTP_SITE_H
#define LIBGATEWAY_HTTP_SITE_H

#include <stdbool.h>

/* `authority`: a Host header, "10.42.0.1", "[::1]:8000", "ci-gateway:80". True if it is an IP address, "localhost" or one of `names` (NULL
 * ends them), in any case; a port is not looked at but must be one. */
bool http_site_is_ours(const char *authority, const char *const *names);

/* Whether a page of another site than `host` sent it: by Origin, or by Sec-Fetch-Site where the browser sends that. Each may be NULL. */
bool http_site_is_another(const char *host, const char *origin, const char *fetch_site);

#endif
