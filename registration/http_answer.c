#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "registration/http.h"

#define HEADERS_MAX (64 * 1024)

struct headers {
	bool has_length, chunked;
	size_t length;
};

/* A whole number in `base` that ends at `stop`; false if there is none, or one that no answer may have. */
static bool number(const char *text, int base, const char *stops, size_t *value)
{
	char *end;
	unsigned long long n;

	if (!((*text >= '0' && *text <= '9') || (base == 16 && strchr("abcdefABCDEF", *text) && *text)))
		return false;
	n = strtoull(text, &end, base);
	*value = (size_t)n;
	return n <= HTTP_ANSWER_MAX && (!*end || strchr(stops, *end));
}

static bool read_header(const char *line, struct headers *h)
{
	static const char length[] = "Content-Length:", encoding[] = "Transfer-Encoding:";

	if (strncasecmp(line, length, sizeof(length) - 1) == 0) {
		h->has_length = true;
		return number(line + sizeof(length) - 1 + strspn(line + sizeof(length) - 1, " \t"), 10, " \t\r\n", &h->length);
	}
	if (strncasecmp(line, encoding, sizeof(encoding) - 1) == 0) {
		const char *value = line + sizeof(encoding) - 1 + strspn(line + sizeof(encoding) - 1, " \t");
		h->chunked = true;
		return strncasecmp(value, "chunked", 7) == 0 && strchr(" \t\r\n", value[7]);
	}
	return true;
}

/* The headers are bytes up to `end`, an empty line, and have no NUL. */
static bool read_headers(const char *bytes, const char *end, struct headers *h)
{
	for (const char *line = strstr(bytes, "\r\n"); line && line < end; line = strstr(line, "\r\n"))
		if (!read_header(line += 2, h))
			return false;
	return true;
}

/* Where the chunk's data begins; NULL: the line is not whole yet, or *bad. */
static char *chunk_begin(char *at, size_t *size, bool *bad)
{
	char *line_end = strstr(at, "\r\n");

	if (line_end ? !number(at, 16, ";\r \t", size) : strlen(at) > 1024)
		*bad = true;
	return line_end && !*bad ? line_end + 2 : NULL;
}

/* Finds the last chunk; with `out`, moves the data together there. */
static enum http_progress chunks(char *at, const char *end, char *out, size_t *len)
{
	bool bad = false;
	size_t size;
	char *data;

	*len = 0;
	while ((data = chunk_begin(at, &size, &bad))) {
		if (size == 0)
			return strstr(data - 2, "\r\n\r\n") ? HTTP_DONE : HTTP_MORE; /* trailers, if any, are of no interest */
		if ((size_t)(end - data) < size + 2)
			return HTTP_MORE;
		if (memcmp(data + size, "\r\n", 2) != 0)
			return HTTP_BAD;
		at = data + size + 2;
		if (out)
			memmove(out + *len, data, size);
		*len += size;
	}
	return bad ? HTTP_BAD : HTTP_MORE;
}

static enum http_progress chunked_body(char *begin, char *end, struct http_answer *answer)
{
	size_t len;
	enum http_progress progress = chunks(begin, end, NULL, &len);

	if (progress != HTTP_DONE)
		return progress;
	chunks(begin, end, begin, &answer->len);
	answer->body = begin;
	begin[answer->len] = '\0';
	return HTTP_DONE;
}

static enum http_progress plain_body(char *begin, size_t have, const struct headers *h, bool ended, struct http_answer *answer)
{
	if (h->has_length ? have < h->length : !ended)
		return HTTP_MORE;
	answer->body = begin;
	answer->len = h->has_length ? h->length : have;
	begin[answer->len] = '\0';
	return HTTP_DONE;
}

static bool read_status(const char *bytes, int *status)
{
	size_t value;

	if (strncmp(bytes, "HTTP/1.", 7) != 0 || !bytes[7] || bytes[8] != ' ' || !number(bytes + 9, 10, " \r", &value))
		return false;
	*status = (int)value;
	return value >= 100 && value <= 599;
}

enum http_progress http_answer_decode(char *bytes, size_t n, bool ended, struct http_answer *answer)
{
	struct headers h = {0};
	enum http_progress progress = HTTP_MORE;
	char *end, *body;

	bytes[n] = '\0';
	end = strstr(bytes, "\r\n\r\n");
	if (!end)
		return ended || n > HEADERS_MAX || strlen(bytes) < n ? HTTP_BAD : HTTP_MORE;
	body = end + 4;
	if (!read_status(bytes, &answer->status) || !read_headers(bytes, end, &h))
		return HTTP_BAD;
	if (h.chunked)
		progress = chunked_body(body, bytes + n, answer);
	else
		progress = plain_body(body, n - (size_t)(body - bytes), &h, ended, answer);
	return progress == HTTP_MORE && ended ? HTTP_BAD : progress;
}
