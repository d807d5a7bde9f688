/* What changes objects: PutObject, CopyObject, DeleteObject, DeleteObjects. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bucketd/s3.h"
#include "bucketd/xml.h"

/* ---- what the head says of the object ---- */

static const char *const kept[] = {"cache-control", "content-disposition", "content-language", "expires", NULL};

static bool is_kept(const char *name)
{
	if (strncasecmp(name, "x-amz-meta-", 11) == 0)
		return true;
	for (size_t i = 0; kept[i]; i++)
		if (strcasecmp(name, kept[i]) == 0)
			return true;
	return false;
}

static bool add_meta(struct s3_call *call, const char *name, const char *value)
{
	char *meta = call->object.meta;
	size_t len = strlen(meta), n = strlen(name);

	if (len + n + strlen(value) + 3 > STORE_META_MAX)
		return s3_fail(&call->err, S3_INVALID_ARGUMENT, "x-amz-meta-*: too much; accepted: %d bytes in all", STORE_META_MAX);
	for (size_t i = 0; i < n; i++)
		meta[len + i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] | 32) : name[i];
	sprintf(meta + len + n, ": %s\n", value);
	return true;
}

/* `aws-chunked` is how the body came, and no part of what it is. */
static bool add_encoding(struct s3_call *call)
{
	const char *encoding = http_header(call->rq, "Content-Encoding");

	if (!encoding || strcasecmp(encoding, "aws-chunked") == 0)
		return true;
	if (strncasecmp(encoding, "aws-chunked,", 12) == 0)
		encoding += 12 + strspn(encoding + 12, " ");
	return add_meta(call, "content-encoding", encoding);
}

/* What an object would not be, though its client asked for it, is refused by name. */
static bool is_served(struct s3_call *call, const char *name, const char *value)
{
	static const char *const refused[] = {"x-amz-server-side-encryption",
					      "x-amz-object-lock-",
					      "x-amz-tagging",
					      "x-amz-website-redirect-location",
					      "x-amz-copy-source-if-",
					      "x-amz-copy-source-server-side-encryption-",
					      NULL};

	if (strcasecmp(name, "x-amz-acl") == 0 && strcmp(value, "private") != 0)
		return s3_fail(&call->err, S3_NOT_IMPLEMENTED, "x-amz-acl: '%.40s'; accepted: private: bucketd.yml says what is public",
			       value);
	for (size_t i = 0; refused[i]; i++)
		if (strncasecmp(name, refused[i], strlen(refused[i])) == 0)
			return s3_fail(&call->err, S3_NOT_IMPLEMENTED, "%.80s is not implemented here", name);
	return true;
}

bool s3_headers_served(struct s3_call *call)
{
	const char *name, *value;

	for (size_t i = 0; http_header_at(call->rq, i, &name, &value); i++)
		if (!is_served(call, name, value))
			return false;
	return true;
}

bool s3_object_read(struct s3_call *call)
{
	const char *type = http_header(call->rq, "Content-Type"), *name, *value;

	if (!s3_headers_served(call))
		return false;
	if (type && strlen(type) >= sizeof(call->object.content_type))
		return s3_fail(&call->err, S3_INVALID_ARGUMENT, "Content-Type: too long; accepted: %zu characters",
			       sizeof(call->object.content_type) - 1);
	strcpy(call->object.content_type, type && *type ? type : "binary/octet-stream");
	for (size_t i = 0; http_header_at(call->rq, i, &name, &value); i++)
		if (is_kept(name) && !add_meta(call, name, value))
			return false;
	return add_encoding(call);
}

bool s3_condition_read(struct s3_call *call)
{
	const char *none = http_header(call->rq, "If-None-Match");

	call->object.only_if_none = none && strcmp(none, "*") == 0;
	return (!http_header(call->rq, "If-Match") && (!none || call->object.only_if_none)) ||
	       s3_fail(&call->err, S3_NOT_IMPLEMENTED, "If-None-Match: accepted: *; If-Match of %s is not implemented here",
		       call->target.name);
}

/* ---- PutObject ---- */

bool s3_read_put(struct s3_call *call)
{
	return s3_object_read(call) && s3_condition_read(call);
}

bool s3_run_put(struct s3_call *call)
{
	return store_put(call->server->store, call->target.bucket, call->target.key, &call->upload, &call->object, &call->err);
}

void s3_answer_put(struct s3_call *call)
{
	char etag[ETAG_SIZE + 2];

	snprintf(etag, sizeof(etag), "\"%s\"", call->object.etag);
	http_answer_header(call->rq, "ETag", etag);
	http_answer(call->rq, 200, NULL, NULL, 0);
}

/* ---- CopyObject ---- */

bool s3_read_copy(struct s3_call *call)
{
	const char *directive = http_header(call->rq, "x-amz-metadata-directive");

	if (!s3_object_read(call))
		return false;
	if (directive && strcmp(directive, "REPLACE") == 0)
		return s3_condition_read(call);
	call->object = (struct store_object){0}; /* the source's */
	if (directive && strcmp(directive, "COPY") != 0)
		return s3_fail(&call->err, S3_INVALID_ARGUMENT, "x-amz-metadata-directive: accepted: COPY, REPLACE");
	if (strcmp(call->source_bucket, call->target.bucket) == 0 && strcmp(call->source_key, call->target.key) == 0)
		return s3_fail(&call->err, S3_INVALID_REQUEST,
			       "An object is copied to itself only to change its metadata: x-amz-metadata-directive: REPLACE");
	return s3_condition_read(call);
}

static void put_result(struct s3_call *call)
{
	char etag[ETAG_SIZE + 2];

	snprintf(etag, sizeof(etag), "\"%s\"", call->object.etag);
	xml_begin(&call->xml, "CopyObjectResult");
	xml_time(&call->xml, "LastModified", call->object.modified_ns);
	xml_text(&call->xml, "ETag", etag);
	xml_close(&call->xml, "CopyObjectResult");
}

bool s3_run_copy(struct s3_call *call)
{
	if (!store_copy(call->server->store, call->source_bucket, call->source_key, call->target.bucket, call->target.key, &call->object,
			&call->err))
		return false;
	put_result(call);
	return true;
}

/* ---- deletions ---- */

bool s3_run_delete(struct s3_call *call)
{
	return store_delete(call->server->store, call->target.bucket, call->target.key, &call->err);
}

static void put_deleted(struct s3_call *call, const char *key, const struct s3_error *err, bool quiet)
{
	const char *element = err->code == S3_OK ? "Deleted" : "Error";

	if (err->code == S3_OK && quiet)
		return;
	xml_open(&call->xml, element);
	xml_text(&call->xml, "Key", key);
	if (err->code != S3_OK) {
		xml_text(&call->xml, "Code", s3_code_name(err->code));
		xml_text(&call->xml, "Message", err->text);
	}
	xml_close(&call->xml, element);
}

bool s3_run_delete_several(struct s3_call *call)
{
	struct xml_keys keys = {0};

	if (!store_bucket_exists(call->server->store, call->target.bucket, &call->err) ||
	    !xml_read_delete(&keys, call->text, call->text_len, &call->err))
		return false;
	xml_begin(&call->xml, "DeleteResult");
	for (size_t i = 0; i < keys.n; i++) {
		struct s3_error err = {0};

		store_delete(call->server->store, call->target.bucket, keys.v[i], &err);
		put_deleted(call, keys.v[i], &err, keys.quiet);
	}
	xml_close(&call->xml, "DeleteResult");
	xml_keys_finish(&keys);
	return true;
}
