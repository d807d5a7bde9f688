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

static void answer_empty(struct http_request *rq, int status, int fd, const char *etag)
{
	close(fd);
	answer_from(rq, status, MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT), etag);
}

static void add_content_range(struct MHD_Response *response, uint64_t from, uint64_t len, uint64_t size)
{
	char *text = gw_sprintf("bytes %llu-%llu/%llu", (unsigned long long)from, (unsigned long long)(from + len - 1),
				(unsigned long long)size);

	MHD_add_response_header(response, "Content-Range", text);
	free(text);
}

static void answer_unsatisfiable(struct http_request *rq, int fd, uint64_t size, const char *etag)
{
	char *text = gw_sprintf("bytes */%llu", (unsigned long long)size);

	http_answer_header(rq, "Content-Range", text);
	free(text);
	answer_empty(rq, 416, fd, etag);
}

void http_answer_file(struct http_request *rq, int fd, uint64_t size, const char *etag, const char *content_type)
{
	const char *known = http_header(rq, "If-None-Match");
	enum http_range range = HTTP_RANGE_NONE;
	struct MHD_Response *response;
	uint64_t from = 0, len = size;

	if (known && etag && http_etag_listed(known, etag)) {
		answer_empty(rq, 304, fd, etag);
		return;
	}
	if (strcmp(rq->method, "GET") == 0 && range_is_of_this(rq, etag))
		range = http_range_decode(http_header(rq, "Range"), size, &from, &len);
	if (range == HTTP_RANGE_UNSATISFIABLE) {
		answer_unsatisfiable(rq, fd, size, etag);
		return;
	}
	response = MHD_create_response_from_fd_at_offset64(len, fd, from); /* closes it */
	gw_assert(response);                                               /* out of memory */
	MHD_add_response_header(response, "Accept-Ranges", "bytes");
	if (content_type)
		MHD_add_response_header(response, "Content-Type", content_type);
	if (range == HTTP_RANGE_ONE)
		add_content_range(response, from, len, size);
	answer_from(rq, range == HTTP_RANGE_ONE ? 206 : 200, response, etag);
}
