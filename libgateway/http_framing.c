/* Where a request ends, and what it is made of, has one reading only (request smuggling). libmicrohttpd is lenient, for old clients: it
 * takes a bare LF for a line's end, a NUL for a value's, `Name : value` for a header called "Name ", and what continues a folded line it
 * adds to the header's name. It parses in place, so that the lines stand where they stood on the wire with their ends replaced by NULs: a
 * header that does not begin two bytes behind the one before was not ended by CRLF alone. That is so in Debian 12's 0.9.75. */
#include <string.h>
#include <strings.h>

#include "libgateway/http_internal.h"

struct lines {
	const char *next; /* where the next line must begin; NULL: something was wrong */
};

static bool is_token(const char *text)
{
	static const char others[] = "!#$%&'*+-.^_`|~";
	const char *p = text;

	for (; *p; p++)
		if (!((*p >= '0' && *p <= '9') || ((*p | 32) >= 'a' && (*p | 32) <= 'z') || strchr(others, *p)))
			return false;
	return p > text;
}

static bool has_control(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return true;
	return false;
}

static enum MHD_Result on_line(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct lines *lines = data;

	if (name != lines->next || !value || value <= name || !is_token(name) || has_control(value)) {
		lines->next = NULL;
		return MHD_NO;
	}
	lines->next = value + strlen(value) + 2;
	return MHD_YES;
}

/* Each line ends with CRLF, is no continuation, and the empty line comes where libmicrohttpd found the end. */
static bool lines_are_plain(struct MHD_Connection *mhd, const char *method, const char *version)
{
	struct lines lines = {.next = version + strlen(version) + 2};
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	MHD_get_connection_values(mhd, MHD_HEADER_KIND, on_line, &lines);
	return lines.next && lines.next + 2 == method + info->header_size;
}

static unsigned header_count(const struct http_request *rq, const char *name)
{
	unsigned n = 0;

	for (size_t i = 0; i < rq->n_headers; i++)
		n += strcasecmp(rq->headers[i].name, name) == 0;
	return n;
}

static bool length_is_clear(const struct http_request *rq, bool is_old, struct gw_error *err)
{
	const char *encoding = http_header(rq, "Transfer-Encoding");

	if (header_count(rq, "Content-Length") + header_count(rq, "Transfer-Encoding") <= 1 &&
	    (!encoding || (!is_old && strcasecmp(encoding, "chunked") == 0)))
		return true;
	return gw_fail(err, GW_BAD_INPUT,
		       "the length of the body is not clear; accepted: one Content-Length, or in HTTP/1.1 Transfer-Encoding: chunked");
}

static bool version_is_known(const char *version, struct gw_error *err)
{
	return strcmp(version, "HTTP/1.1") == 0 || strcmp(version, "HTTP/1.0") == 0 ||
	       gw_fail(err, GW_BAD_INPUT, "'%.20s' is not known here; accepted: HTTP/1.1, HTTP/1.0", version);
}

bool http_framing_check(struct http_request *rq, const char *method, const char *version, struct gw_error *err)
{
	bool is_old = strcmp(version, "HTTP/1.0") == 0;

	if (!version_is_known(version, err))
		return false;
	if (!is_token(method) || has_control(rq->uri) || strchr(rq->uri, ' ') || !lines_are_plain(rq->connection->mhd, method, version))
		return gw_fail(err, GW_BAD_INPUT,
			       "the request's head is malformed; accepted: lines that end with CRLF, `Name: value`, no control characters, "
			       "no line that continues another");
	if (header_count(rq, "Host") > 1 || (!is_old && !http_header(rq, "Host")))
		return gw_fail(err, GW_BAD_INPUT, "Host: it is given %s; accepted: one",
			       http_header(rq, "Host") ? "more than once" : "nowhere");
	return length_is_clear(rq, is_old, err);
}
