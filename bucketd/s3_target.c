#include "bucketd/s3_target.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "libgateway/percent.h"
#include "libgateway/utf8.h"

enum scope { OF_SERVICE, OF_BUCKET, OF_OBJECT };

/* The first row that fits counts. Those without `marker`, a name in the query, come last of their method and scope. */
static const struct {
	const char *method;
	enum scope scope;
	const char *marker;
	enum s3_op op;
	const char *name;
} operations[] = {
	{"GET", OF_SERVICE, NULL, S3_OP_LIST_BUCKETS, "ListBuckets"},

	{"GET", OF_BUCKET, "location", S3_OP_LOCATION, "GetBucketLocation"},
	{"GET", OF_BUCKET, "versioning", S3_OP_VERSIONING, "GetBucketVersioning"},
	{"GET", OF_BUCKET, "object-lock", S3_OP_OBJECT_LOCK, "GetObjectLockConfiguration"},
	{"GET", OF_BUCKET, "acl", S3_OP_ACL, "GetBucketAcl"},
	{"GET", OF_BUCKET, "uploads", S3_OP_LIST_UPLOADS, "ListMultipartUploads"},
	{"GET", OF_BUCKET, "versions", S3_OP_NONE, "ListObjectVersions"},
	{"GET", OF_BUCKET, "policy", S3_OP_NONE, "GetBucketPolicy"},
	{"GET", OF_BUCKET, "policyStatus", S3_OP_NONE, "GetBucketPolicyStatus"},
	{"GET", OF_BUCKET, "tagging", S3_OP_NONE, "GetBucketTagging"},
	{"GET", OF_BUCKET, "lifecycle", S3_OP_NONE, "GetBucketLifecycleConfiguration"},
	{"GET", OF_BUCKET, "cors", S3_OP_NONE, "GetBucketCors"},
	{"GET", OF_BUCKET, "website", S3_OP_NONE, "GetBucketWebsite"},
	{"GET", OF_BUCKET, "encryption", S3_OP_NONE, "GetBucketEncryption"},
	{"GET", OF_BUCKET, "replication", S3_OP_NONE, "GetBucketReplication"},
	{"GET", OF_BUCKET, "notification", S3_OP_NONE, "GetBucketNotificationConfiguration"},
	{"GET", OF_BUCKET, "logging", S3_OP_NONE, "GetBucketLogging"},
	{"GET", OF_BUCKET, "requestPayment", S3_OP_NONE, "GetBucketRequestPayment"},
	{"GET", OF_BUCKET, "accelerate", S3_OP_NONE, "GetBucketAccelerateConfiguration"},
	{"GET", OF_BUCKET, "publicAccessBlock", S3_OP_NONE, "GetPublicAccessBlock"},
	{"GET", OF_BUCKET, "ownershipControls", S3_OP_NONE, "GetBucketOwnershipControls"},
	{"GET", OF_BUCKET, "events", S3_OP_NONE, "ListenBucketNotification"},
	{"GET", OF_BUCKET, "list-type", S3_OP_LIST_V2, "ListObjectsV2"},
	{"GET", OF_BUCKET, NULL, S3_OP_LIST, "ListObjects"},
	{"HEAD", OF_BUCKET, NULL, S3_OP_HEAD_BUCKET, "HeadBucket"},
	{"PUT", OF_BUCKET, "acl", S3_OP_NONE, "PutBucketAcl"},
	{"PUT", OF_BUCKET, "policy", S3_OP_NONE, "PutBucketPolicy"},
	{"PUT", OF_BUCKET, "tagging", S3_OP_NONE, "PutBucketTagging"},
	{"PUT", OF_BUCKET, "versioning", S3_OP_NONE, "PutBucketVersioning"},
	{"PUT", OF_BUCKET, "lifecycle", S3_OP_NONE, "PutBucketLifecycleConfiguration"},
	{"PUT", OF_BUCKET, "cors", S3_OP_NONE, "PutBucketCors"},
	{"PUT", OF_BUCKET, "website", S3_OP_NONE, "PutBucketWebsite"},
	{"PUT", OF_BUCKET, "encryption", S3_OP_NONE, "PutBucketEncryption"},
	{"PUT", OF_BUCKET, "replication", S3_OP_NONE, "PutBucketReplication"},
	{"PUT", OF_BUCKET, "notification", S3_OP_NONE, "PutBucketNotificationConfiguration"},
	{"PUT", OF_BUCKET, "logging", S3_OP_NONE, "PutBucketLogging"},
	{"PUT", OF_BUCKET, "requestPayment", S3_OP_NONE, "PutBucketRequestPayment"},
	{"PUT", OF_BUCKET, "accelerate", S3_OP_NONE, "PutBucketAccelerateConfiguration"},
	{"PUT", OF_BUCKET, "publicAccessBlock", S3_OP_NONE, "PutPublicAccessBlock"},
	{"PUT", OF_BUCKET, "ownershipControls", S3_OP_NONE, "PutBucketOwnershipControls"},
	{"PUT", OF_BUCKET, "object-lock", S3_OP_NONE, "PutObjectLockConfiguration"},
	{"PUT", OF_BUCKET, NULL, S3_OP_CREATE_BUCKET, "CreateBucket"},
	{"POST", OF_BUCKET, "delete", S3_OP_DELETE_SEVERAL, "DeleteObjects"},
	{"POST", OF_BUCKET, NULL, S3_OP_NONE, "PostObject"},
	{"DELETE", OF_BUCKET, "policy", S3_OP_NONE, "DeleteBucketPolicy"},
	{"DELETE", OF_BUCKET, "tagging", S3_OP_NONE, "DeleteBucketTagging"},
	{"DELETE", OF_BUCKET, "lifecycle", S3_OP_NONE, "DeleteBucketLifecycle"},
	{"DELETE", OF_BUCKET, "cors", S3_OP_NONE, "DeleteBucketCors"},
	{"DELETE", OF_BUCKET, "website", S3_OP_NONE, "DeleteBucketWebsite"},
	{"DELETE", OF_BUCKET, "encryption", S3_OP_NONE, "DeleteBucketEncryption"},
	{"DELETE", OF_BUCKET, "replication", S3_OP_NONE, "DeleteBucketReplication"},
	{"DELETE", OF_BUCKET, "publicAccessBlock", S3_OP_NONE, "DeletePublicAccessBlock"},
	{"DELETE", OF_BUCKET, "ownershipControls", S3_OP_NONE, "DeleteBucketOwnershipControls"},
	{"DELETE", OF_BUCKET, NULL, S3_OP_DELETE_BUCKET, "DeleteBucket"},

	{"GET", OF_OBJECT, "uploadId", S3_OP_PARTS, "ListParts"},
	{"GET", OF_OBJECT, "acl", S3_OP_ACL, "GetObjectAcl"},
	{"GET", OF_OBJECT, "tagging", S3_OP_TAGGING, "GetObjectTagging"},
	{"GET", OF_OBJECT, "attributes", S3_OP_NONE, "GetObjectAttributes"},
	{"GET", OF_OBJECT, "legal-hold", S3_OP_NONE, "GetObjectLegalHold"},
	{"GET", OF_OBJECT, "retention", S3_OP_NONE, "GetObjectRetention"},
	{"GET", OF_OBJECT, "torrent", S3_OP_NONE, "GetObjectTorrent"},
	{"GET", OF_OBJECT, NULL, S3_OP_GET, "GetObject"},
	{"HEAD", OF_OBJECT, NULL, S3_OP_HEAD, "HeadObject"},
	{"PUT", OF_OBJECT, "partNumber", S3_OP_PART, "UploadPart"},
	{"PUT", OF_OBJECT, "uploadId", S3_OP_PART, "UploadPart"},
	{"PUT", OF_OBJECT, "acl", S3_OP_NONE, "PutObjectAcl"},
	{"PUT", OF_OBJECT, "tagging", S3_OP_NONE, "PutObjectTagging"},
	{"PUT", OF_OBJECT, "legal-hold", S3_OP_NONE, "PutObjectLegalHold"},
	{"PUT", OF_OBJECT, "retention", S3_OP_NONE, "PutObjectRetention"},
	{"PUT", OF_OBJECT, NULL, S3_OP_PUT, "PutObject"},
	{"POST", OF_OBJECT, "uploads", S3_OP_MULTIPART_CREATE, "CreateMultipartUpload"},
	{"POST", OF_OBJECT, "uploadId", S3_OP_MULTIPART_COMPLETE, "CompleteMultipartUpload"},
	{"POST", OF_OBJECT, "restore", S3_OP_NONE, "RestoreObject"},
	{"POST", OF_OBJECT, "select", S3_OP_NONE, "SelectObjectContent"},
	{"DELETE", OF_OBJECT, "uploadId", S3_OP_MULTIPART_ABORT, "AbortMultipartUpload"},
	{"DELETE", OF_OBJECT, "tagging", S3_OP_NONE, "DeleteObjectTagging"},
	{"DELETE", OF_OBJECT, NULL, S3_OP_DELETE, "DeleteObject"},
};

/* %XX of `n` bytes into `out`, which has room for n + 1. In a query `+` is a space; in a path it is itself. */
static bool unescape(char *out, const char *in, size_t n, bool plus, struct s3_error *err)
{
	size_t len = url_unescape(out, in, n, plus);

	if (len == SIZE_MAX)
		return s3_fail(err, S3_INVALID_URI, "a '%%' is not followed by two hexadecimal digits");
	if (strlen(out) != len)
		return s3_fail(err, S3_INVALID_URI, "a character 0 is not accepted");
	return utf8_prefix(out, len) == len || s3_fail(err, S3_INVALID_URI, "it is not UTF-8");
}

static bool add_pair(struct s3_target *target, const char *raw, size_t n, struct s3_error *err)
{
	const char *equals = memchr(raw, '=', n);
	size_t name_len = equals ? (size_t)(equals - raw) : n, value_len = equals ? n - name_len - 1 : 0;
	struct s3_pair *pair;

	if (!n)
		return true;
	if (target->n_query == S3_QUERY_MAX)
		return s3_fail(err, S3_INVALID_URI, "the query has too many parts; accepted: %d", S3_QUERY_MAX);
	pair = &target->query[target->n_query++];
	pair->name = gw_calloc(name_len + 1, 1);
	pair->value = gw_calloc(value_len + 1, 1);
	return unescape(pair->name, raw, name_len, true, err) && unescape(pair->value, raw + n - value_len, value_len, true, err);
}

static bool read_query(struct s3_target *target, const char *raw, struct s3_error *err)
{
	while (*raw) {
		size_t n = strcspn(raw, "&#");

		if (!add_pair(target, raw, n, err))
			return false;
		if (raw[n] != '&')
			return true;
		raw += n + 1;
	}
	return true;
}

/* `n` bytes, `BUCKET`, `BUCKET/` or `BUCKET/KEY`. */
static bool read_path(const char *path, size_t n, char *bucket, char *key, struct s3_error *err)
{
	const char *slash = memchr(path, '/', n);
	size_t bucket_n = slash ? (size_t)(slash - path) : n, key_n = slash ? n - bucket_n - 1 : 0;
	char raw[3 * S3_KEY_MAX + 1]; /* what is longer is too long, however it is escaped */

	if (!bucket_n || bucket_n > S3_BUCKET_MAX)
		return s3_fail(err, S3_INVALID_BUCKET_NAME, NULL);
	if (key_n > 3 * S3_KEY_MAX)
		return s3_fail(err, S3_KEY_TOO_LONG, NULL);
	if (!unescape(bucket, path, bucket_n, false, err) || !unescape(raw, path + n - key_n, key_n, false, err))
		return false;
	if (strlen(raw) > S3_KEY_MAX)
		return s3_fail(err, S3_KEY_TOO_LONG, NULL);
	strcpy(key, raw);
	return true;
}

static enum scope scope_of(const struct s3_target *target)
{
	return target->key[0] ? OF_OBJECT : target->bucket[0] ? OF_BUCKET : OF_SERVICE;
}

static bool find_operation(struct s3_target *target, const char *method, bool copies, struct s3_error *err)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		if (strcmp(method, operations[i].method) != 0 || operations[i].scope != scope_of(target) ||
		    (operations[i].marker && !s3_target_query(target, operations[i].marker)))
			continue;
		target->op = operations[i].op;
		target->name = operations[i].name;
		if (copies && target->op == S3_OP_PUT) {
			target->op = S3_OP_COPY;
			target->name = "CopyObject";
		} else if (copies && target->op == S3_OP_PART) {
			target->op = S3_OP_PART_COPY;
			target->name = "UploadPartCopy";
		}
		return true;
	}
	return s3_fail(err, S3_METHOD_NOT_ALLOWED, NULL);
}

/* RFC 9112 section 3.2.2: a server must accept the absolute form. */
static const char *skip_authority(const char *uri)
{
	return strncasecmp(uri, "http://", 7) == 0 ? uri + 7 + strcspn(uri + 7, "/?#") : uri;
}

bool s3_target_decode(struct s3_target *target, const char *method, const char *uri, bool copies, struct s3_error *err)
{
	size_t n;

	*target = (struct s3_target){0};
	uri = skip_authority(uri);
	n = strcspn(uri, "?#");
	if (n && *uri != '/')
		return s3_fail(err, S3_INVALID_URI, "the path does not begin with '/'");
	return (n <= 1 || read_path(uri + 1, n - 1, target->bucket, target->key, err)) &&
	       (uri[n] != '?' || read_query(target, uri + n + 1, err)) && find_operation(target, method, copies, err);
}

void s3_target_finish(struct s3_target *target)
{
	for (size_t i = 0; i < target->n_query; i++) {
		free(target->query[i].name);
		free(target->query[i].value);
	}
	target->n_query = 0;
}

const char *s3_target_query(const struct s3_target *target, const char *name)
{
	for (size_t i = 0; i < target->n_query; i++)
		if (strcmp(target->query[i].name, name) == 0)
			return target->query[i].value;
	return NULL;
}

bool s3_source_decode(const char *text, char bucket[S3_BUCKET_MAX + 1], char key[S3_KEY_MAX + 1], struct s3_error *err)
{
	const char *version = strstr(text, "?versionId=");

	if (version && strcmp(version, "?versionId=null") != 0)
		return s3_fail(err, S3_NOT_IMPLEMENTED, "x-amz-copy-source: there are no versions here");
	text += *text == '/';
	if (!read_path(text, version ? (size_t)(version - text) : strlen(text), bucket, key, err))
		return false;
	return *key || s3_fail(err, S3_INVALID_ARGUMENT, "x-amz-copy-source: accepted: BUCKET/KEY, escaped");
}

/* Of at most 18 digits, which ends at `end`. */
static bool read_offset(const char **text, char end, uint64_t *n)
{
	size_t digits = strspn(*text, "0123456789");

	*n = strtoull(*text, NULL, 10);
	*text += digits;
	return digits >= 1 && digits <= 18 && **text == end;
}

bool s3_source_range_decode(const char *text, uint64_t *first, uint64_t *n, struct s3_error *err)
{
	const char *at = text + strlen("bytes=");
	uint64_t last = 0;

	if (strncmp(text, "bytes=", strlen("bytes=")) != 0 || !read_offset(&at, '-', first) || (at++, !read_offset(&at, '\0', &last)) ||
	    last < *first)
		return s3_fail(err, S3_INVALID_ARGUMENT, "x-amz-copy-source-range: '%.60s'; accepted: bytes=FIRST-LAST", text);
	*n = last - *first + 1;
	return true;
}
