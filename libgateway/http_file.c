/* A file as an answer: the validators and the one range of RFC 9110. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "libgateway/http_internal.h"

/* Digits at *p. False: none, or too many. */
static bool number(const char **p, uint64_t *value)
{
	const char *begin = *p;

	*value = 0;
	while (isdigit((unsigned char)**p) && *p - begin < 19)
		*value = *value * 10 + (uint64_t)(*(*p)++ - '0');
	return *p > begin && !isdigit((unsigned char)**p);
}

/* "bytes=5-": none that we take is not an error but serves the whole file, as do several ranges. */
enum http_range http_range_decode(const char *header, uint64_t size, uint64_t *from, uint64_t *len)
{
	uint64_t first = 0, last = UINT64_MAX, suffix = 0;
	bool open_start;

	if (!header || strncasecmp(header, "bytes=", 6) != 0)
		return HTTP_RANGE_NONE;
	header += 6;
	open_start = *header == '-';
	if (!open_start && !number(&header, &first))
		return HTTP_RANGE_NONE;
	if (*header++ != '-')
		return HTTP_RANGE_NONE;
	if ((open_start || *header) && !number(&header, open_start ? &suffix : &last))
		return HTTP_RANGE_NONE;
	if (*header || last < first)
		return HTTP_RANGE_NONE;
	if (open_start)
		first = suffix < size ? size - suffix : 0;
	if (first >= size || (open_start && !suffix))
		return HTTP_RANGE_UNSATISFIABLE;
	if (last >= size)
		last = size - 1;
	*from = first;
	*len = last - first + 1;
	return HTTP_RANGE_ONE;
}

bool http_etag_listed(const char *list, const char *etag)
{
	size_t n = strlen(etag);

	for (list += strspn(list, " \t,"); *list; list += strspn(list, " \t,")) {
		const char *end;

		if (*list == '*')
			return true;
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		if (*list != '"')
			return false;
		end = strchr(++list, '"');
		if (!end)
			return false;
		if ((size_t)(end - list) == n && memcmp(list, etag, n) == 0)
			return true;
		list = end + 1;
	}
	return false;
}

/* RFC 9110 section 13.1.5: a range of another version than the client holds would not fit. A date never compares equal. */
static bool range_is_of_this(const struct http_request *rq, const char *etag)
{
	const char *expected = http_header(rq, "If-Range");

	return !expected || (etag && strncmp(expected, "W/", 2) != 0 && http_etag_listed(expected, etag) && *expected != '*');
}

static void answer_from(struct http_request *rq, int status, struct MHD_Response *response, const char *etag)
{
	gw_assert(response); /* out of memory */
	if (etag) {
		char *quoted = gw_sprintf("\"%s\"", etag);

		MHD_add_response_header(response, "ETag", quoted);
		free(quoted);
	}
	http_answer_response(rq, status, response);
}

/* What the range and the validators lead to, for any kind of body. */
struct answer {
	struct http_request *rq;
	uint64_t size, from, len;
	const char *etag, *content_type;
};

static void answer_empty(const struct answer *a, int status)
{
	answer_from(a->rq, status, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), a->etag);
}

static void add_content_range(struct MHD_Response *response, const struct answer *a)
{
	char *text = gw_sprintf("bytes %llu-%llu/%llu", (unsigned long long)a->from, (unsigned long long)(a->from + a->len - 1),
				(unsigned long long)a->size);

	MHD_add_response_header(response, "Content-Range", text);
	free(text);
}

static void answer_unsatisfiable(const struct answer *a)
{
	char *text = gw_sprintf("bytes */%llu", (unsigned long long)a->size);

	http_answer_header(a->rq, "Content-Range", text);
	free(text);
	answer_empty(a, 416);
}

/* True: it was answered without a body. Else from and len are what to send. */
static bool answered_without_body(struct answer *a, enum http_range *range)
{
	const char *known = http_header(a->rq, "If-None-Match");

	*range = HTTP_RANGE_NONE;
	a->len = a->size;
	if (known && a->etag && http_etag_listed(known, a->etag)) {
		answer_empty(a, 304);
		return true;
	}
	if (strcmp(a->rq->method, "GET") == 0 && range_is_of_this(a->rq, a->etag))
		*range = http_range_decode(http_header(a->rq, "Range"), a->size, &a->from, &a->len);
	if (*range == HTTP_RANGE_UNSATISFIABLE)
		answer_unsatisfiable(a);
	return *range == HTTP_RANGE_UNSATISFIABLE;
}

static void answer_body(const struct answer *a, enum http_range range, struct MHD_Response *response)
{
	gw_assert(response); /* out of memory */
	MHD_add_response_header(response, "Accept-Ranges", "bytes");
	if (a->content_type)
		MHD_add_response_header(response, "Content-Type", a->content_type);
	if (range == HTTP_RANGE_ONE)
		add_content_range(response, a);
	answer_from(a->rq, range == HTTP_RANGE_ONE ? 206 : 200, response, a->etag);
}

void http_answer_file(struct http_request *rq, int fd, uint64_t size, const char *etag, const char *content_type)
{
	struct answer a = {.rq = rq, .size = size, .etag = etag, .content_type = content_type};
	enum http_range range;

	if (answered_without_body(&a, &range))
		close(fd);
	else
		answer_body(&a, range, MHD_create_response_from_fd_at_offset64(a.len, fd, a.from)); /* closes it */
}

#define SOURCE_BLOCK (256 * 1024)

struct open_source {
	struct http_source source;
	uint64_t from, len;
};

static ssize_t read_source(void *data, uint64_t at, char *out, size_t max)
{
	struct open_source *open = data;
	ssize_t n;

	if (at >= open->len)
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = open->source.read(open->source.data, out, max < open->len - at ? max : open->len - at, open->from + at);
	return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void close_source(void *data)
{
	struct open_source *open = data;

	open->source.done(open->source.data);
	free(open);
}

void http_answer_source(struct http_request *rq, const struct http_source *source, const char *etag, const char *content_type)
{
	struct answer a = {.rq = rq, .size = source->size, .etag = etag, .content_type = content_type};
	struct open_source *open;
	enum http_range range;

	if (answered_without_body(&a, &range)) {
		source->done(source->data);
		return;
	}
	open = gw_calloc(1, sizeof(*open));
	*open = (struct open_source){.source = *source, .from = a.from, .len = a.len};
	answer_body(&a, range, MHD_create_response_from_callback(a.len, SOURCE_BLOCK, read_source, open, close_source));
}
