/* URLs that are given to libcurl, as libcurl reads them: what is asked of a URL's host must hold for the host that is then called. A
 * program that fetches nothing has no need of this, nor of libcurl, which has a dozen libraries of its own (url.h). */
#ifndef LIBGATEWAY_FETCH_URL_H
#define LIBGATEWAY_FETCH_URL_H

#include "libgateway/url.h"

bool fetch_url_host_of(const char *url, struct url_host *host, struct gw_error *err); /* as url_host_of */

#endif
