#include "libgateway/http_names.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libgateway/url.h"

#define NAME_MAX_LEN 255

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
