#include "libgateway/fetch_url.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A part of the URL, freed by curl_free; NULL if it has none. */
static char *part_of(CURLU *u, CURLUPart part, unsigned flags)
{
	char *text = NULL;

	return curl_url_get(u, part, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool read_parts(CURLU *u, struct url_host *host)
{
	char *scheme = part_of(u, CURLUPART_SCHEME, 0), *name = part_of(u, CURLUPART_HOST, 0);
	char *port = part_of(u, CURLUPART_PORT, CURLU_DEFAULT_PORT), *own_port = part_of(u, CURLUPART_PORT, 0);
	size_t n = name ? strlen(name) : 0;
	bool ok = scheme && port && n && (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);

	if (ok && name[0] == '[' && name[n - 1] == ']') { /* IPv6 */
		memmove(name, name + 1, n);
		name[n -= 2] = '\0';
	}
	ok = ok && n < sizeof(host->host);
	if (ok) {
		memcpy(host->host, name, n + 1);
		host->port = (uint16_t)atoi(port); /* libcurl has checked it */
		host->has_port = own_port != NULL;
		host->tls = strcasecmp(scheme, "https") == 0;
	}
	curl_free(scheme);
	curl_free(name);
	curl_free(port);
	curl_free(own_port);
	return ok;
}

bool fetch_url_host_of(const char *url, struct url_host *host, struct gw_error *err)
{
	CURLU *u = curl_url();
	bool ok;

	*host = (struct url_host){0};
	ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && read_parts(u, host);
	curl_url_cleanup(u);
	return ok || url_refuse(url, err);
}
