#include "libgateway/url.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uriparser/Uri.h>

static size_t length(const UriTextRangeA *range)
{
	return range->first ? (size_t)(range->afterLast - range->first) : 0;
}

static bool is(const UriTextRangeA *range, const char *word)
{
	return length(range) == strlen(word) && strncasecmp(range->first, word, length(range)) == 0;
}

/* Of a URI's names, those that a resolver may be asked for. */
static bool is_host_name(const char *name)
{
	return *name && !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")];
}

static bool take_host(const UriUriA *uri, struct url_host *host)
{
	size_t n = length(&uri->hostText);

	if (uri->hostData.ip6)
		return inet_ntop(AF_INET6, uri->hostData.ip6->data, host->host, sizeof(host->host)) != NULL;
	if (n >= sizeof(host->host) || uri->hostData.ipFuture.first)
		return false;
	snprintf(host->host, sizeof(host->host), "%.*s", (int)n, n ? uri->hostText.first : "");
	return is_host_name(host->host);
}

/* Of the grammar's digits, of which there may be any number, also none. */
static bool take_port(const UriTextRangeA *digits, struct url_host *host)
{
	unsigned port = host->tls ? 443 : 80;

	host->has_port = length(digits) > 0;
	if (host->has_port)
		port = 0;
	for (size_t i = 0; i < length(digits) && port <= UINT16_MAX; i++)
		port = port * 10 + (unsigned)(digits->first[i] - '0');
	host->port = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

static bool read_parts(const UriUriA *uri, struct url_host *host)
{
	host->tls = is(&uri->scheme, "https");
	return (host->tls || is(&uri->scheme, "http")) && take_host(uri, host) && take_port(&uri->portText, host);
}

bool url_refuse(const char *url, struct gw_error *err)
{
	char *shown = url_shown(url);

	gw_fail(err, GW_BAD_INPUT, "'%.200s' is not a URL that is understood; accepted: http://HOST... or https://HOST...", shown);
	free(shown);
	return false;
}

bool url_host_of(const char *url, struct url_host *host, struct gw_error *err)
{
	const char *at;
	UriUriA uri;
	bool ok;

	*host = (struct url_host){0};
	if (uriParseSingleUriA(&uri, url, &at) != URI_SUCCESS) /* which has freed it */
		return url_refuse(url, err);
	ok = read_parts(&uri, host);
	uriFreeUriMembersA(&uri);
	return ok || url_refuse(url, err);
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
