#include "libgateway/url.h"

#include <curl/curl.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

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

bool url_host_of(const char *url, struct url_host *host, struct gw_error *err)
{
	CURLU *u = curl_url();
	bool ok;
	char *shown;

	*host = (struct url_host){0};
	ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && read_parts(u, host);
	curl_url_cleanup(u);
	if (ok)
		return true;
	shown = url_shown(url);
	gw_fail(err, GW_BAD_INPUT, "'%.200s' is not a URL that is understood; accepted: http://HOST... or https://HOST...", shown);
	free(shown);
	return false;
}

char *url_shown(const char *url)
{
	size_t n = strcspn(url, "?#"); /* a query may hold a token */
	const char *host = strstr(url, "://");
	const char *end, *at = NULL;

	host = host && host < url + n ? host + 3 : url;
	end = host + strcspn(host, "/?#");
	for (const char *p = host; p < end; p++)
		if (*p == '@')
			at = p;
	if (!at)
		return gw_strndup(url, n);
	return gw_sprintf("%.*s%.*s", (int)(host - url), url, (int)(url + n - at - 1), at + 1);
}

static bool same_address(const struct sockaddr *a, const struct sockaddr *b)
{
	if (a->sa_family != b->sa_family)
		return false;
	if (a->sa_family == AF_INET)
		return ((const struct sockaddr_in *)a)->sin_addr.s_addr == ((const struct sockaddr_in *)b)->sin_addr.s_addr;
	return a->sa_family == AF_INET6 && memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
						  &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static bool is_loopback_or_any(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET) {
		uint32_t ip = ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);

		return ip >> 24 == 127 || ip == 0;
	}
	return address->sa_family == AF_INET6 && (IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr) ||
						  IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr));
}

static bool is_of_this_machine(const struct addrinfo *found, const struct ifaddrs *own)
{
	for (; found; found = found->ai_next) {
		if (is_loopback_or_any(found->ai_addr))
			return true;
		for (const struct ifaddrs *i = own; i; i = i->ifa_next)
			if (i->ifa_addr && same_address(i->ifa_addr, found->ai_addr))
				return true;
	}
	return false;
}

void url_escape(struct buffer *out, const char *text, const char *also)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;
		char escaped[] = {'%', digits[byte >> 4], digits[byte & 15]};

		if (strchr(plain, *text) || strchr(also, *text))
			buffer_add(out, text, 1);
		else
			buffer_add(out, escaped, sizeof(escaped));
	}
}

bool url_host_is_here(const char *host)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	struct ifaddrs *own = NULL;
	char name[256] = "";
	bool here;

	gethostname(name, sizeof(name) - 1);
	if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, name) == 0)
		return true;
	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		return true; /* `ci-gateway`, before anybody has told the resolver about it */
	getifaddrs(&own);
	here = is_of_this_machine(found, own);
	freeifaddrs(own);
	freeaddrinfo(found);
	return here;
}
