#include "libgateway/http_site.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define NAME_MAX_LEN 255

/* The host of "HOST[:PORT]" without brackets; false: it is none. */
static bool split(const char *authority, char host[NAME_MAX_LEN + 1], bool *bracketed)
{
	const char *end;
	size_t n;

	*bracketed = *authority == '[';
	authority += *bracketed;
	end = *bracketed ? strchr(authority, ']') : authority + strcspn(authority, ":");
	n = end ? (size_t)(end - authority) : 0;
	if (!n || n > NAME_MAX_LEN)
		return false;
	memcpy(host, authority, n);
	host[n] = '\0';
	end += *bracketed;
	if (*end != ':')
		return !*end;
	n = strspn(end + 1, "0123456789");
	return n <= 5 && !end[1 + n];
}

static bool is_address(const char *host, bool bracketed)
{
	struct in6_addr ip;

	return inet_pton(bracketed ? AF_INET6 : AF_INET, host, &ip) == 1;
}

bool http_site_is_ours(const char *authority, const char *const *names)
{
	char host[NAME_MAX_LEN + 1];
	bool bracketed;
	size_t n;

	if (!split(authority, host, &bracketed))
		return false;
	if (is_address(host, bracketed))
		return true;
	n = strlen(host);
	if (n > 1 && host[n - 1] == '.') /* "ci-gateway.", the rooted form */
		host[n - 1] = '\0';
	if (strcasecmp(host, "localhost") == 0)
		return true;
	for (; *names; names++)
		if (strcasecmp(host, *names) == 0)
			return true;
	return false;
}

/* Without the port that is implied. */
static size_t site_len(const char *authority)
{
	size_t n = strlen(authority);

	return n > 3 && strcmp(authority + n - 3, ":80") == 0 ? n - 3 : n;
}

bool http_site_is_another(const char *host, const char *origin, const char *fetch_site)
{
	const char *slashes = origin ? strstr(origin, "://") : NULL;

	if (fetch_site && strcmp(fetch_site, "same-origin") != 0 && strcmp(fetch_site, "none") != 0) /* "none": typed by the user */
		return true;
	if (!origin)
		return false;
	if (!slashes || !host)
		return true;
	slashes += 3;
	return site_len(slashes) != site_len(host) || strncasecmp(slashes, host, site_len(host)) != 0;
}
