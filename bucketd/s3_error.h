/* The S3 errors that bucketd answers: code, status and text as Amazon S3 (API Reference, "Error responses") and MinIO give them, so that
 * their clients know what to do. Pure. */
#ifndef BUCKETD_S3_ERROR_H
#define BUCKETD_S3_ERROR_H

#include <stdbool.h>

#include "libgateway/error.h"

enum s3_code {
	S3_OK,
	S3_ACCESS_DENIED,
	S3_INVALID_ACCESS_KEY,
	S3_SIGNATURE_MISMATCH,
	S3_AUTHORIZATION_MALFORMED,
	S3_REQUEST_TIME_SKEWED,
	S3_EXPIRED, /* a presigned URL: AccessDenied, "Request has expired" */
	S3_CONTENT_HASH_MISMATCH,
	S3_BAD_DIGEST,
	S3_INCOMPLETE_BODY,
	S3_NO_SUCH_BUCKET,
	S3_NO_SUCH_KEY,
	S3_NO_SUCH_UPLOAD,
	S3_BUCKET_EXISTS,
	S3_BUCKET_NOT_EMPTY,
	S3_INVALID_BUCKET_NAME,
	S3_INVALID_ARGUMENT,
	S3_INVALID_REQUEST,
	S3_INVALID_URI,
	S3_KEY_TOO_LONG,
	S3_INVALID_PART,
	S3_INVALID_PART_ORDER,
	S3_ENTITY_TOO_SMALL,
	S3_ENTITY_TOO_LARGE,
	S3_MALFORMED_XML,
	S3_MISSING_LENGTH,
	S3_METHOD_NOT_ALLOWED,
	S3_NOT_IMPLEMENTED,
	S3_NO_SUCH_LOCK_CONFIGURATION, /* ObjectLockConfigurationNotFoundError */
	S3_PRECONDITION_FAILED,
	S3_FULL,     /* 507 XMinioStorageFull: no room on the disk, or the bucket's limit is reached */
	S3_BUSY,     /* 503 SlowDown */
	S3_INTERNAL, /* 500 InternalError; the cause goes to the log alone */
};

struct s3_error {
	enum s3_code code; /* S3_OK: none */
	char text[256];    /* for the client */
};

const char *s3_code_name(enum s3_code code); /* "NoSuchKey" */
int s3_code_status(enum s3_code code);       /* 404 */
/* Sets code and text (fmt; NULL: the code's own). Always false. */
bool s3_fail(struct s3_error *err, enum s3_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
