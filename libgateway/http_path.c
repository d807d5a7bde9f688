#include "libgateway/http_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libgateway/buffer.h"
#include "libgateway/percent.h"
#include "libgateway/utf8.h"

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* %XX of the `n` bytes at `in` into `out`, which has room for n + 1; '+' becomes a space in queries. */
static bool unescape(char *out, const char *in, size_t n, bool plus, struct gw_error *err)
{
	size_t len = url_unescape(out, in, n, plus);

	if (len == SIZE_MAX)
		return gw_fail(err, GW_BAD_INPUT, "the URL has a '%%' that is not followed by two hex digits");
	if (strlen(out) != len)
		return gw_fail(err, GW_BAD_INPUT, "the URL has a %%00");
	if (utf8_prefix(out, len) != len)
		return gw_fail(err, GW_BAD_INPUT, "the URL is not UTF-8");
	return true;
}

/* "a/../b" may come as one segment, with its slashes as %2F. */
static bool has_dots(const char *segment)
{
	for (const char *p = segment;; p++) {
		size_t n = strcspn(p, "/");

		if ((n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return true;
		p += n;
		if (!*p)
			return false;
	}
}

static bool add_segment(struct http_target *target, struct buffer *path, const char *raw, size_t n, struct gw_error *err)
{
	char *text;

	if (target->n == HTTP_SEGMENTS_MAX)
		return gw_fail(err, GW_BAD_INPUT, "the URL has too many segments; accepted: %d", HTTP_SEGMENTS_MAX);
	text = gw_calloc(n + 1, 1);
	target->segments[target->n].text = text;
	target->segments[target->n++].at = path->len + 1;
	if (!unescape(text, raw, n, false, err))
		return false;
	for (const char *p = text; *p; p++)
		if (is_control(*p))
			return gw_fail(err, GW_BAD_INPUT, "the URL has a control character in its path");
	if (has_dots(text))
		return gw_fail(err, GW_BAD_INPUT, "the URL has '.' or '..' in its path");
	buffer_add(path, "/", 1);
	buffer_add(path, text, strlen(text));
	return true;
}

static bool decode_path(struct http_target *target, const char *raw, size_t n, struct gw_error *err)
{
	struct buffer path = {0};
	bool ok = true;

	for (size_t i = 0; ok && i < n;) {
		const char *slash = memchr(raw + i, '/', n - i);
		size_t len = slash ? (size_t)(slash - raw) - i : n - i;

		if (len)
			ok = add_segment(target, &path, raw + i, len, err);
		i += len + 1;
	}
	if (!path.len)
		buffer_add(&path, "/", 1);
	target->path = buffer_take(&path);
	return ok;
}

static bool add_query(struct http_target *target, const char *raw, size_t n, struct gw_error *err)
{
	const char *equals = memchr(raw, '=', n);
	size_t name_len = equals ? (size_t)(equals - raw) : n, value_len = equals ? n - name_len - 1 : 0;
	struct http_pair *pair;

	if (!n)
		return true;
	if (target->n_query == HTTP_QUERY_MAX)
		return gw_fail(err, GW_BAD_INPUT, "the URL's query has too many parts; accepted: %d", HTTP_QUERY_MAX);
	pair = &target->query[target->n_query++];
	pair->name = gw_calloc(name_len + 1, 1);
	pair->value = gw_calloc(value_len + 1, 1);
	return unescape(pair->name, raw, name_len, true, err) && (!equals || unescape(pair->value, equals + 1, value_len, true, err));
}

static bool decode_query(struct http_target *target, const char *raw, struct gw_error *err)
{
	while (*raw) {
		size_t n = strcspn(raw, "&");

		if (!add_query(target, raw, n, err))
			return false;
		raw += n + (raw[n] == '&');
	}
	return true;
}

/* RFC 9112 section 3.2.2: a server must accept the absolute form. */
static const char *skip_authority(const char *uri)
{
	if (strncasecmp(uri, "http://", 7) != 0)
		return uri;
	return uri + 7 + strcspn(uri + 7, "/?");
}

bool http_target_decode(struct http_target *target, const char *uri, struct gw_error *err)
{
	size_t n;

	*target = (struct http_target){0};
	for (const char *p = uri; *p; p++)
		if (is_control(*p) || *p == ' ')
			return gw_fail(err, GW_BAD_INPUT, "the URL has a space or control character");
	uri = skip_authority(uri);
	n = strcspn(uri, "?#");
	if (n && uri[0] != '/')
		return gw_fail(err, GW_BAD_INPUT, "the URL's path does not start with '/'");
	return decode_path(target, uri, n, err) && (uri[n] != '?' || decode_query(target, uri + n + 1, err));
}

void http_target_finish(struct http_target *target)
{
	free(target->path);
	for (size_t i = 0; i < target->n; i++)
		free(target->segments[i].text);
	for (size_t i = 0; i < target->n_query; i++) {
		free(target->query[i].name);
		free(target->query[i].value);
	}
	*target = (struct http_target){0};
}

static void add_arg(struct http_args *args, const char *name, size_t name_len, const char *value)
{
	gw_assert(args->n < HTTP_ARGS_MAX); /* our own table of routes */
	args->v[args->n].name = name;
	args->v[args->n].name_len = name_len;
	args->v[args->n++].value = value;
}

static bool path_matches(const char *pattern, const struct http_target *target, struct http_args *args)
{
	size_t i = 0;

	args->n = 0;
	for (pattern += strspn(pattern, "/"); *pattern; pattern += strspn(pattern, "/")) {
		size_t n = strcspn(pattern, "/");

		if (pattern[0] == '{' && n >= 3 && pattern[n - 2] == '*') {
			add_arg(args, pattern + 1, n - 3, i < target->n ? target->path + target->segments[i].at : "");
			return true;
		}
		if (i == target->n)
			return false;
		if (pattern[0] == '{')
			add_arg(args, pattern + 1, n - 2, target->segments[i].text);
		else if (strlen(target->segments[i].text) != n || memcmp(target->segments[i].text, pattern, n) != 0)
			return false;
		pattern += n;
		i++;
	}
	return i == target->n;
}

static bool method_serves(const char *route, const char *asked)
{
	return strcmp(route, asked) == 0 || (strcmp(route, "GET") == 0 && strcmp(asked, "HEAD") == 0);
}

static void allow_add(char *allow, size_t size, const char *method)
{
	size_t len = strlen(allow);

	if (!strstr(allow, method)) /* no method's name is part of another's */
		snprintf(allow + len, size - len, "%s%s%s", len ? ", " : "", method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

const struct http_route *http_route_find(const struct http_route *routes, const char *method, const struct http_target *target,
					 struct http_args *args, char *allow, size_t allow_size)
{
	allow[0] = '\0';
	for (const struct http_route *route = routes; route->method; route++) {
		if (!path_matches(route->path, target, args))
			continue;
		if (method_serves(route->method, method))
			return route;
		allow_add(allow, allow_size, route->method);
	}
	return NULL;
}
