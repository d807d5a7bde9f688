/* The path and the query as they are signed. */
#include <stdlib.h>
#include <string.h>

#include "bucketd/sigv4_internal.h"
#include "libgateway/percent.h"

/* Where the path begins: behind "http://host", if that is there. */
static const char *path_of(const char *uri)
{
	const char *slashes = *uri == '/' ? NULL : strstr(uri, "://");

	return slashes ? slashes + 3 + strcspn(slashes + 3, "/?") : uri;
}

static const char *query_of(const char *uri)
{
	const char *mark = strchr(uri, '?');

	return mark ? mark + 1 : "";
}

/* The `n` bytes at `in` with their %XX decoded. The caller frees; NULL: err is set. */
static char *decode(const char *in, size_t n, bool plus_is_space, struct s3_error *err)
{
	char *out = gw_calloc(n + 1, 1);
	size_t len = url_unescape(out, in, n, plus_is_space);

	if (len == strlen(out))
		return out;
	free(out);
	s3_fail(err, S3_INVALID_URI, "a '%%' is not followed by two hexadecimal digits, or by 00");
	return NULL;
}

static bool pair_read(struct sigv4_query *query, const char *text, size_t n, struct s3_error *err)
{
	const char *equals = memchr(text, '=', n);
	size_t name_len = equals ? (size_t)(equals - text) : n;
	struct sigv4_pair *pair = &query->v[query->n];

	if (query->n == SIGV4_QUERY_MAX)
		return s3_fail(err, S3_INVALID_URI, "the query has too many parameters; accepted: %d", SIGV4_QUERY_MAX);
	query->n++;
	pair->name = decode(text, name_len, true, err);
	pair->value = pair->name ? decode(equals ? equals + 1 : "", equals ? n - name_len - 1 : 0, true, err) : NULL;
	return pair->value;
}

bool sigv4_query_read(struct sigv4_query *query, const char *uri, struct s3_error *err)
{
	const char *at = query_of(uri);

	*query = (struct sigv4_query){0};
	for (size_t n; *at; at += n + (at[n] == '&')) {
		n = strcspn(at, "&");
		if (n && !pair_read(query, at, n, err))
			return false;
	}
	return true;
}

void sigv4_query_finish(struct sigv4_query *query)
{
	for (size_t i = 0; i < query->n; i++) {
		free(query->v[i].name);
		free(query->v[i].value);
	}
	query->n = 0;
}

const char *sigv4_query_value(const struct sigv4_query *query, const char *name)
{
	for (size_t i = 0; i < query->n; i++)
		if (strcmp(query->v[i].name, name) == 0)
			return query->v[i].value;
	return NULL;
}

/* Replaced by its escaped form. */
static void escape(char **text)
{
	struct buffer out = {0};

	url_escape(&out, *text, "");
	free(*text);
	*text = buffer_take(&out);
}

static int by_name_then_value(const void *a, const void *b)
{
	const struct sigv4_pair *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : strcmp(left->value, right->value);
}

static bool add_sorted_query(struct buffer *out, const char *uri, struct s3_error *err)
{
	struct sigv4_query query;
	bool read = sigv4_query_read(&query, uri, err);
	const char *between = "";

	for (size_t i = 0; read && i < query.n; i++) {
		escape(&query.v[i].name);
		escape(&query.v[i].value);
	}
	qsort(query.v, read ? query.n : 0, sizeof(query.v[0]), by_name_then_value);
	for (size_t i = 0; read && i < query.n; i++) {
		if (strcmp(query.v[i].name, "X-Amz-Signature") == 0)
			continue;
		buffer_printf(out, "%s%s=%s", between, query.v[i].name, query.v[i].value);
		between = "&";
	}
	sigv4_query_finish(&query);
	return read;
}

static void add_query_as_sent(struct buffer *out, const char *uri)
{
	static const char signature[] = "X-Amz-Signature=";
	const char *between = "", *at = query_of(uri);

	for (size_t n; *at; at += n + (at[n] == '&')) {
		n = strcspn(at, "&");
		if (strncmp(at, signature, sizeof(signature) - 1) == 0)
			continue;
		buffer_printf(out, "%s%.*s", between, (int)n, at);
		between = "&";
	}
}

bool sigv4_add_query(struct buffer *out, const char *uri, enum sigv4_spelling spelling, struct s3_error *err)
{
	if (spelling == SIGV4_CANONICAL)
		return add_sorted_query(out, uri, err);
	add_query_as_sent(out, uri);
	return true;
}

bool sigv4_add_path(struct buffer *out, const char *uri, enum sigv4_spelling spelling, struct s3_error *err)
{
	const char *path = path_of(uri);
	size_t n = strcspn(path, "?");
	char *decoded;

	if (n == 0)
		return buffer_add(out, "/", 1);
	if (spelling == SIGV4_AS_SENT)
		return buffer_add(out, path, n);
	decoded = decode(path, n, false, err);
	if (decoded)
		url_escape(out, decoded, "/");
	free(decoded);
	return decoded;
}
