#include "libgateway/http_site.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "libgateway/url.h"

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

static void add(struct http_names *names, const char *text, size_t len)
{
	names->v = gw_realloc(names->v, (names->n + 2) * sizeof(*names->v));
	names->v[names->n++] = gw_strndup(text, len);
	names->v[names->n] = NULL;
}

static bool add_host_of(struct http_names *names, const struct env *env, enum env_option option, struct gw_error *err)
{
	struct url_host at;

	if (!url_host_of(env_text(env, option), &at, err))
		return false; /* env_load has refused it */
	add(names, at.host, strlen(at.host));
	return true;
}

static bool add_listed(struct http_names *names, const char *text, struct gw_error *err)
{
	while (*(text += strspn(text, " "))) {
		size_t n = strcspn(text, " ");

		if (n > NAME_MAX_LEN || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") < n)
			return gw_fail(
				err, GW_BAD_INPUT,
				"EXECUTOR_HOST_NAMES: '%.*s' is not a host name; accepted: names of letters, digits, '.', '-' and '_' "
				"with spaces between",
				n > 100 ? 100 : (int)n, text);
		add(names, text, n);
		text += n;
	}
	return true;
}

bool http_names_load(struct http_names *names, const struct env *env, struct gw_error *err)
{
	const char *farm = env_text(env, OPT_FARM_NAME), *more = env_text(env, OPT_EXECUTOR_HOST_NAMES);
	char hostname[256] = "";

	add(names, "ci-gateway", strlen("ci-gateway"));
	gethostname(hostname, sizeof(hostname) - 1);
	if (*hostname)
		add(names, hostname, strlen(hostname));
	if (farm && *farm) {
		char *gateway = gw_sprintf("%s-gateway", farm);

		add(names, gateway, strlen(gateway));
		free(gateway);
	}
	return add_host_of(names, env, OPT_EXECUTOR_URL, err) && add_host_of(names, env, OPT_SALAD_URL, err) &&
	       add_listed(names, more ? more : "", err);
}

void http_names_finish(struct http_names *names)
{
	for (unsigned i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct http_names){0};
}
