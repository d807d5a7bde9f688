/* Objects in parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/s3.h"
#include "bucketd/xml.h"

enum { PARTS_MAX = 10000 };

static const char *upload_id(const struct s3_call *call)
{
	return s3_query(call, "uploadId", "");
}

static void put_etag(struct buffer *out, const char *etag)
{
	char quoted[ETAG_SIZE + 2];

	snprintf(quoted, sizeof(quoted), "\"%s\"", etag);
	xml_text(out, "ETag", quoted);
}

bool s3_run_multipart_create(struct s3_call *call)
{
	char id[33];

	if (!store_multipart_begin(call->server->store, call->target.bucket, call->target.key, &call->object, id, &call->err))
		return false;
	xml_begin(&call->xml, "InitiateMultipartUploadResult");
	xml_text(&call->xml, "Bucket", call->target.bucket);
	xml_text(&call->xml, "Key", call->target.key);
	xml_text(&call->xml, "UploadId", id);
	xml_close(&call->xml, "InitiateMultipartUploadResult");
	return true;
}

bool s3_read_part(struct s3_call *call)
{
	long n;

	if (!*upload_id(call))
		return s3_fail(&call->err, S3_INVALID_ARGUMENT, "uploadId: it is missing");
	if (!s3_headers_served(call) || !s3_query_number(call, "partNumber", 1, PARTS_MAX, &n))
		return false;
	call->part = (int)n;
	return true;
}

bool s3_run_part(struct s3_call *call)
{
	return store_part(call->server->store, call->target.bucket, call->target.key, upload_id(call), call->part, &call->upload,
			  call->object.etag, &call->err);
}

bool s3_read_part_copy(struct s3_call *call)
{
	const char *range = http_header(call->rq, "x-amz-copy-source-range");

	return s3_read_part(call) && (!range || s3_source_range_decode(range, &call->range.first, &call->range.n, &call->err));
}

bool s3_run_part_copy(struct s3_call *call)
{
	struct store_part_info part = {.number = call->part};

	if (!store_part_copy(call->server->store, call->source_bucket, call->source_key, call->range, call->target.bucket, call->target.key,
			     upload_id(call), &part, &call->err))
		return false;
	xml_begin(&call->xml, "CopyPartResult");
	xml_time(&call->xml, "LastModified", part.modified_ns);
	put_etag(&call->xml, part.etag);
	xml_close(&call->xml, "CopyPartResult");
	return true;
}

static bool complete(struct s3_call *call, const struct xml_parts *parts)
{
	struct store_part_ref *refs = gw_calloc(parts->n ? parts->n : 1, sizeof(*refs));
	bool ok;

	for (size_t i = 0; i < parts->n; i++)
		refs[i] = (struct store_part_ref){parts->v[i].number, parts->v[i].etag};
	ok = store_multipart_complete(call->server->store, call->target.bucket, call->target.key, upload_id(call), refs, parts->n,
				      &call->object, &call->err);
	free(refs);
	return ok;
}

bool s3_run_multipart_complete(struct s3_call *call)
{
	struct xml_parts parts = {0};
	char location[S3_BUCKET_MAX + S3_KEY_MAX + 3];
	bool ok;

	if (!xml_read_parts(&parts, call->text, call->text_len, &call->err))
		return false;
	ok = complete(call, &parts);
	xml_parts_finish(&parts);
	if (!ok)
		return false;
	snprintf(location, sizeof(location), "/%s/%s", call->target.bucket, call->target.key);
	xml_begin(&call->xml, "CompleteMultipartUploadResult");
	xml_text(&call->xml, "Location", location);
	xml_text(&call->xml, "Bucket", call->target.bucket);
	xml_text(&call->xml, "Key", call->target.key);
	put_etag(&call->xml, call->object.etag);
	xml_close(&call->xml, "CompleteMultipartUploadResult");
	return true;
}

bool s3_run_multipart_abort(struct s3_call *call)
{
	return store_multipart_abort(call->server->store, call->target.bucket, call->target.key, upload_id(call), &call->err);
}

/* ---- what is under way ---- */

static void put_part(struct s3_call *call, const struct store_part_info *part)
{
	xml_open(&call->xml, "Part");
	xml_number(&call->xml, "PartNumber", part->number);
	xml_time(&call->xml, "LastModified", part->modified_ns);
	put_etag(&call->xml, part->etag);
	xml_number(&call->xml, "Size", (long long)part->size);
	xml_close(&call->xml, "Part");
}

/* A number of the query, or what holds without it. */
static bool read_bound(struct s3_call *call, const char *name, long max, long otherwise, long *n)
{
	*n = otherwise;
	return !s3_query(call, name, "")[0] || s3_query_number(call, name, 0, max, n);
}

static void put_parts(struct s3_call *call, const struct store_parts *parts, long after, long max)
{
	long n = 0, last = after;
	bool truncated = false;
	struct buffer list = {0}, xml = call->xml;

	call->xml = list;
	for (size_t i = 0; i < parts->n; i++) {
		if (parts->v[i].number <= after)
			continue;
		truncated = n == max;
		if (truncated)
			break;
		put_part(call, &parts->v[i]);
		last = parts->v[i].number;
		n++;
	}
	list = call->xml;
	call->xml = xml;
	xml_number(&call->xml, "PartNumberMarker", after);
	xml_number(&call->xml, "NextPartNumberMarker", last);
	xml_number(&call->xml, "MaxParts", max);
	xml_text(&call->xml, "IsTruncated", truncated ? "true" : "false");
	buffer_add(&call->xml, list.data ? list.data : "", list.len);
	buffer_finish(&list);
}

bool s3_run_parts(struct s3_call *call)
{
	struct store_parts parts = {0};
	long after, max;

	if (!read_bound(call, "part-number-marker", PARTS_MAX, 0, &after) || !read_bound(call, "max-parts", INT32_MAX, 1000, &max) ||
	    !store_parts_list(call->server->store, call->target.bucket, call->target.key, upload_id(call), &parts, &call->err))
		return false;
	xml_begin(&call->xml, "ListPartsResult");
	xml_text(&call->xml, "Bucket", call->target.bucket);
	s3_name(call, &call->xml, "Key", call->target.key);
	xml_text(&call->xml, "UploadId", upload_id(call));
	xml_text(&call->xml, "StorageClass", "STANDARD");
	put_parts(call, &parts, after, max > 1000 ? 1000 : max);
	xml_close(&call->xml, "ListPartsResult");
	store_parts_finish(&parts);
	return true;
}

/* By key, then by id; all behind the two markers. */
static bool is_behind(const struct store_multipart *upload, const char *key, const char *id)
{
	int order = strcmp(upload->key, key);

	return order > 0 || (order == 0 && *id && strcmp(upload->id, id) > 0);
}

static void put_uploads(struct s3_call *call, const struct store_multiparts *list, size_t max)
{
	const char *key = s3_query(call, "key-marker", ""), *id = s3_query(call, "upload-id-marker", "");
	const struct store_multipart *last = NULL;
	size_t n = 0, i = 0;

	for (; i < list->n && n < max; i++) {
		if (*key && !is_behind(&list->v[i], key, id))
			continue;
		last = &list->v[i];
		n++;
		xml_open(&call->xml, "Upload");
		s3_name(call, &call->xml, "Key", last->key);
		xml_text(&call->xml, "UploadId", last->id);
		xml_time(&call->xml, "Initiated", last->begun_ns);
		xml_text(&call->xml, "StorageClass", "STANDARD");
		xml_close(&call->xml, "Upload");
	}
	xml_text(&call->xml, "IsTruncated", last && i < list->n ? "true" : "false");
	if (last && i < list->n) {
		s3_name(call, &call->xml, "NextKeyMarker", last->key);
		xml_text(&call->xml, "NextUploadIdMarker", last->id);
	}
}

bool s3_run_uploads(struct s3_call *call)
{
	struct store_multiparts list = {0};
	long max;

	if (!read_bound(call, "max-uploads", INT32_MAX, 1000, &max) ||
	    !store_multiparts_list(call->server->store, call->target.bucket, s3_query(call, "prefix", ""), &list, &call->err))
		return false;
	xml_begin(&call->xml, "ListMultipartUploadsResult");
	xml_text(&call->xml, "Bucket", call->target.bucket);
	s3_name(call, &call->xml, "Prefix", s3_query(call, "prefix", ""));
	s3_name(call, &call->xml, "KeyMarker", s3_query(call, "key-marker", ""));
	xml_text(&call->xml, "UploadIdMarker", s3_query(call, "upload-id-marker", ""));
	xml_number(&call->xml, "MaxUploads", max > 1000 ? 1000 : max);
	put_uploads(call, &list, max > 1000 ? 1000 : (size_t)max);
	xml_close(&call->xml, "ListMultipartUploadsResult");
	store_multiparts_finish(&list);
	return true;
}
