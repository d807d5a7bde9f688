#include "libgateway/http_multipart.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	BOUNDARY_MAX = 70 /* RFC 2046 section 5.1.1 */,
	PART_HEADERS_MAX = 4096,
	PART_HEADER_LINES_MAX = 32,
	WINDOW = 4 << 20, /* bytes of a mapped body that are in memory at a time */
};

struct search {
	const char *delimiter; /* "\r\n--BOUNDARY" */
	size_t n;              /* its bytes */
	bool mapped;
};

static const char type[] = "multipart/form-data";

bool http_multipart_is(const char *content_type)
{
	size_t n = sizeof(type) - 1;

	return content_type && strncasecmp(content_type, type, n) == 0 && (!content_type[n] || strchr("; \t", content_type[n]));
}

/* A token or a quoted string at `p`, up to the end of the parameter. The caller frees. */
static char *value_at(const char *p)
{
	char *value, *out;

	if (*p != '"')
		return gw_strndup(p, strcspn(p, "; \t\r\n"));
	out = value = gw_calloc(strlen(p) + 1, 1);
	for (p++; *p && *p != '"'; p++) {
		if (*p == '\\' && (p[1] == '"' || p[1] == '\\')) /* browsers send a lone backslash as it is */
			p++;
		*out++ = *p;
	}
	return value;
}

/* Steps over "; attribute=value" at `p`, which may be quoted. */
static const char *past_parameter(const char *p)
{
	bool quoted = false;

	for (; *p && (quoted || *p != ';'); p++) {
		if (*p == '\\' && quoted && p[1])
			p++;
		else if (*p == '"')
			quoted = !quoted;
	}
	return p;
}

/* The value of `name` in "form-data; name="x"; filename="y"". NULL: it has none. The caller frees. */
static char *parameter(const char *header, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = past_parameter(header); *p == ';'; p = past_parameter(p)) {
		p++;
		p += strspn(p, " \t");
		if (strncasecmp(p, name, n) == 0 && p[n] == '=')
			return value_at(p + n + 1);
	}
	return NULL;
}

/* "\r\n--BOUNDARY" into `delimiter`. */
static bool delimiter_of(const char *content_type, char *delimiter, size_t size, struct gw_error *err)
{
	char *boundary = parameter(content_type, "boundary");
	bool ok = boundary && *boundary && strlen(boundary) <= BOUNDARY_MAX;

	if (ok)
		snprintf(delimiter, size, "\r\n--%s", boundary);
	free(boundary);
	return ok || gw_fail(err, GW_BAD_INPUT, "multipart: the Content-Type has no boundary of 1 to %d characters", BOUNDARY_MAX);
}

static char *header_value(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) != 0 || line[n] != ':')
		return NULL;
	line += n + 1;
	return gw_strdup(line + strspn(line, " \t"));
}

static bool part_header(struct http_parts *parts, const char *line)
{
	char *disposition = header_value(line, "Content-Disposition"), *content_type = header_value(line, "Content-Type");
	size_t i = parts->n - 1;

	if (disposition && !parts->v[i].name && !parts->v[i].filename) {
		parts->v[i].name = parameter(disposition, "name");
		parts->v[i].filename = parameter(disposition, "filename");
	}
	free(disposition);
	if (content_type && !parts->v[i].content_type)
		parts->v[i].content_type = content_type;
	else
		free(content_type);
	return true;
}

/* The header lines at `p`, up to and with the empty one. Returns where the data begins; NULL: they do not end. */
static char *part_headers(struct http_parts *parts, char *p, char *end)
{
	if (end - p > PART_HEADERS_MAX)
		end = p + PART_HEADERS_MAX;
	for (int n = 0; n < PART_HEADER_LINES_MAX; n++) {
		char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);

		if (!eol)
			return NULL;
		if (eol == p)
			return p + 2;
		*eol = '\0';
		part_header(parts, p);
		p = eol + 2;
	}
	return NULL;
}

/* Whole pages between the two go out of memory; they were only read, so the file has them. */
static void let_go(char *from, char *to)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	char *first = from + (page - (uintptr_t)from % page) % page, *last = to - (uintptr_t)to % page;

	if (first < last)
		madvise(first, (size_t)(last - first), MADV_DONTNEED);
}

/* The next delimiter. What was changed lies before `p`, in a page that is not let go. */
static char *find_delimiter(const struct search *search, char *p, char *end)
{
	while ((size_t)(end - p) >= search->n) {
		size_t left = (size_t)(end - p), n = search->mapped && left > WINDOW ? WINDOW : left;
		char *found = memmem(p, n, search->delimiter, search->n);

		if (found || n == left)
			return found;
		let_go(p, p + n - search->n);
		p += n - search->n + 1;
	}
	return NULL;
}

/* One part, from behind its delimiter's line. Returns where the next delimiter is (its CRLF). */
static char *part(struct http_parts *parts, char *p, char *end, const struct search *search, struct gw_error *err)
{
	char *data, *next;
	size_t i = parts->n;

	if (i == HTTP_PARTS_MAX) {
		gw_fail(err, GW_BAD_INPUT, "multipart: too many parts; accepted: %d", HTTP_PARTS_MAX);
		return NULL;
	}
	parts->n++;
	data = part_headers(parts, p, end);
	/* an empty part's delimiter may share the CRLF of the empty line */
	next = data ? find_delimiter(search, data - 2, end) : NULL;
	if (!data)
		gw_fail(err, GW_BAD_INPUT, "multipart: the headers of part %zu do not end within %d bytes", i + 1, PART_HEADERS_MAX);
	else if (!next)
		gw_fail(err, GW_BAD_INPUT, "multipart: part %zu does not end", i + 1);
	else if (!parts->v[i].name)
		gw_fail(err, GW_BAD_INPUT, "multipart: part %zu has no name", i + 1);
	else {
		parts->v[i].part = (struct http_part){.name = parts->v[i].name,
						      .filename = parts->v[i].filename,
						      .content_type = parts->v[i].content_type,
						      .data = next < data ? "" : data,
						      .len = next < data ? 0 : (size_t)(next - data)};
		return next;
	}
	return NULL;
}

/* What follows a delimiter at `p`: "--" ends (returns `end`), a line's end leads to the next part. NULL: neither. */
static char *past_delimiter_line(char *p, char *end)
{
	if (end - p >= 2 && p[0] == '-' && p[1] == '-')
		return end;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return end - p >= 2 && p[0] == '\r' && p[1] == '\n' ? p + 2 : NULL;
}

static char *first_delimiter(const struct search *search, char *body, size_t len)
{
	char *found;

	if (len >= search->n - 2 && memcmp(body, search->delimiter + 2, search->n - 2) == 0)
		return body + search->n - 2;
	found = find_delimiter(search, body, body + len);
	return found ? found + search->n : NULL;
}

bool http_multipart_decode(struct http_parts *parts, const char *content_type, char *body, size_t len, bool mapped, struct gw_error *err)
{
	char delimiter[BOUNDARY_MAX + 8], *end = body + len, *p, *next;
	struct search search = {.delimiter = delimiter, .mapped = mapped};

	*parts = (struct http_parts){0};
	if (!delimiter_of(content_type, delimiter, sizeof(delimiter), err))
		return false;
	search.n = strlen(delimiter);
	p = len ? first_delimiter(&search, body, len) : NULL;
	if (!p)
		return gw_fail(err, GW_BAD_INPUT, "multipart: the body does not hold its boundary");
	for (;;) {
		p = past_delimiter_line(p, end);
		if (!p)
			return gw_fail(err, GW_BAD_INPUT, "multipart: a boundary is not followed by a line's end");
		if (p == end)
			return true;
		next = part(parts, p, end, &search, err);
		if (!next)
			return false;
		p = next + search.n;
		*next = '\0';
	}
}

void http_multipart_finish(struct http_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		free(parts->v[i].name);
		free(parts->v[i].filename);
		free(parts->v[i].content_type);
	}
	*parts = (struct http_parts){0};
}
