/* GetObject and HeadObject. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bucketd/s3.h"
#include "bucketd/xml.h"

bool s3_run_get(struct s3_call *call)
{
	return store_get(call->server->store, call->target.bucket, call->target.key, &call->object, &call->fd, &call->err);
}

static void put_time(struct s3_call *call)
{
	time_t seconds = (time_t)(call->object.modified_ns / 1000000000);
	char text[64];
	struct tm tm;

	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&seconds, &tm));
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

static bool is_expected(const char *if_match, const char *etag)
{
	char quoted[ETAG_SIZE + 2];

	if (!if_match || strcmp(if_match, "*") == 0)
		return true;
	snprintf(quoted, sizeof(quoted), "\"%s\"", etag);
	return strstr(if_match, quoted) || strcmp(if_match, etag) == 0;
}

void s3_answer_get(struct s3_call *call)
{
	const char *type = s3_query(call, "response-content-type", call->object.content_type);
	struct buffer out = {0};
	int fd = call->fd;

	call->fd = -1;
	if (!is_expected(http_header(call->rq, "If-Match"), call->object.etag)) {
		s3_fail(&call->err, S3_PRECONDITION_FAILED, NULL);
		xml_error(&out, &call->err, http_path(call->rq));
		close(fd);
		http_answer(call->rq, 412, "application/xml", out.data, out.len);
		buffer_finish(&out);
		return;
	}
	put_time(call);
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
