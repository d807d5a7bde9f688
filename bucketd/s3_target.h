/* What a request is about: the operation of S3 that method, path and query stand for, its bucket and its key. Pure. Path style alone
 * (`/BUCKET/KEY`); a key is what stands behind the bucket's slash, unescaped, with all its slashes. */
#ifndef BUCKETD_S3_TARGET_H
#define BUCKETD_S3_TARGET_H

#include <stdint.h>

#include "bucketd/s3_error.h"

enum { S3_BUCKET_MAX = 63, S3_KEY_MAX = 1024, S3_QUERY_MAX = 64 };

enum s3_op {
	S3_OP_NONE, /* what is not built: target.name says what it is */
	S3_OP_LIST_BUCKETS,
	S3_OP_CREATE_BUCKET,
	S3_OP_HEAD_BUCKET,
	S3_OP_DELETE_BUCKET,
	S3_OP_LOCATION,
	S3_OP_VERSIONING,
	S3_OP_OBJECT_LOCK,
	S3_OP_ACL,
	S3_OP_LIST,
	S3_OP_LIST_V2,
	S3_OP_LIST_UPLOADS,
	S3_OP_DELETE_SEVERAL,
	S3_OP_GET,
	S3_OP_HEAD,
	S3_OP_TAGGING,
	S3_OP_PUT,
	S3_OP_COPY,
	S3_OP_DELETE,
	S3_OP_MULTIPART_CREATE,
	S3_OP_PART,
	S3_OP_PART_COPY,
	S3_OP_MULTIPART_COMPLETE,
	S3_OP_MULTIPART_ABORT,
	S3_OP_PARTS,
	S3_OPS
};

struct s3_pair {
	char *name, *value; /* owned */
};
struct s3_target {
	enum s3_op op;
	const char *name;               /* S3's for the operation: "PutObject" */
	char bucket[S3_BUCKET_MAX + 1]; /* "": none */
	char key[S3_KEY_MAX + 1];       /* "": none */
	struct s3_pair query[S3_QUERY_MAX];
	size_t n_query;
};

/* `uri` as it came. `copies`: there is a header x-amz-copy-source. Errors: S3_INVALID_URI, S3_INVALID_BUCKET_NAME, S3_KEY_TOO_LONG,
 * S3_METHOD_NOT_ALLOWED. To be finished in any case. */
bool s3_target_decode(struct s3_target *target, const char *method, const char *uri, bool copies, struct s3_error *err);
void s3_target_finish(struct s3_target *target);                               /* accepts zeroed memory */
const char *s3_target_query(const struct s3_target *target, const char *name); /* NULL: absent; "": without a value */

/* `/BUCKET/KEY` or `BUCKET/KEY`, escaped, perhaps with `?versionId=null`: of x-amz-copy-source. */
bool s3_source_decode(const char *text, char bucket[S3_BUCKET_MAX + 1], char key[S3_KEY_MAX + 1], struct s3_error *err);
/* `bytes=FIRST-LAST` of x-amz-copy-source-range: `n` bytes, one at least. */
bool s3_source_range_decode(const char *text, uint64_t *first, uint64_t *n, struct s3_error *err);

#endif
