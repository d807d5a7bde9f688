/* GetObject and HeadObject. */
#include <stdio.h>
#include <string.h>

#include "bucketd/s3.h"
#include "bucketd/xml.h"
#include "libgateway/http_date.h"

bool s3_run_get(struct s3_call *call)
{
	return store_get(call->server->store, call->target.bucket, call->target.key, &call->object, &call->fd, &call->err);
}

static int64_t modified(const struct s3_call *call)
{
	return call->object.modified_ns / 1000000000;
}

static void put_time(struct s3_call *call)
{
	char text[HTTP_DATE_SIZE];

	http_date_encode(text, modified(call));
	http_answer_header(call->rq, "Last-Modified", text);
}

/* `name: value\n` each. */
static void put_meta(struct s3_call *call)
{
	char *at = call->object.meta, *end;

	for (; (end = strchr(at, '\n')); at = end + 1) {
		char *colon = strstr(at, ": ");

		*end = '\0';
		if (!colon)
			continue;
		*colon = '\0';
		http_answer_header(call->rq, at, colon + 2);
	}
}

/* What a presigned URL may say of the answer's headers. */
static void put_overrides(struct s3_call *call)
{
	static const struct {
		const char *query, *header;
	} rows[] = {{"response-cache-control", "Cache-Control"},
		    {"response-content-disposition", "Content-Disposition"},
		    {"response-content-encoding", "Content-Encoding"},
		    {"response-content-language", "Content-Language"},
		    {"response-expires", "Expires"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *value = s3_query(call, rows[i].query, NULL);

		if (value)
			http_answer_header(call->rq, rows[i].header, value);
	}
}

/* ---- conditions: RFC 9110 section 13.2.2 ---- */

static bool is_expected(const char *if_match, const char *etag)
{
	char quoted[ETAG_SIZE + 2];

	if (strcmp(if_match, "*") == 0)
		return true;
	snprintf(quoted, sizeof(quoted), "\"%s\"", etag);
	return strstr(if_match, quoted) || strcmp(if_match, etag) == 0;
}

/* A date that is none counts as not said. */
static bool read_date(const struct s3_call *call, const char *name, int64_t *seconds)
{
	const char *text = http_header(call->rq, name);

	return text && http_date_decode(text, seconds);
}

/* In that section's order: each date stands behind the ETags that say the same, and counts only without them. If-None-Match itself is
 * http_answer_file's. */
static int refused_with(const struct s3_call *call)
{
	const char *match = http_header(call->rq, "If-Match");
	int64_t date;

	if (match ? !is_expected(match, call->object.etag) : read_date(call, "If-Unmodified-Since", &date) && modified(call) > date)
		return 412;
	if (!http_header(call->rq, "If-None-Match") && read_date(call, "If-Modified-Since", &date) && modified(call) <= date)
		return 304;
	return 0;
}

static void answer_refused(struct s3_call *call, int status)
{
	struct buffer out = {0};
	char etag[ETAG_SIZE + 2];

	if (status == 304) {
		snprintf(etag, sizeof(etag), "\"%s\"", call->object.etag);
		http_answer_header(call->rq, "ETag", etag);
		http_answer(call->rq, 304, NULL, NULL, 0);
		return;
	}
	s3_fail(&call->err, S3_PRECONDITION_FAILED, NULL);
	xml_error(&out, &call->err, http_path(call->rq));
	http_answer(call->rq, status, "application/xml", out.data, out.len);
	buffer_finish(&out);
}

/* ---- the answer ---- */

void s3_answer_get(struct s3_call *call)
{
	const char *type = s3_query(call, "response-content-type", call->object.content_type);
	int status = refused_with(call), fd = call->fd;

	if (status != 412)
		put_time(call);
	if (status) {
		answer_refused(call, status);
		return;
	}
	call->fd = -1;
	put_meta(call);
	put_overrides(call);
	http_answer_file(call->rq, fd, call->object.size, call->object.etag, *type ? type : "binary/octet-stream");
}

/* None were ever set. */
bool s3_run_tagging(struct s3_call *call)
{
	xml_begin(&call->xml, "Tagging");
	xml_open(&call->xml, "TagSet");
	xml_close(&call->xml, "TagSet");
	xml_close(&call->xml, "Tagging");
	return store_get(call->server->store, call->target.bucket, call->target.key, &call->object, NULL, &call->err);
}
