#include "bucketd/s3_error.h"

#include <stdarg.h>
#include <stdio.h>

static const struct {
	const char *name;
	int status;
	const char *text;
} codes[] = {
	[S3_OK] = {"OK", 200, ""},
	[S3_ACCESS_DENIED] = {"AccessDenied", 403, "Access Denied."},
	[S3_INVALID_ACCESS_KEY] = {"InvalidAccessKeyId", 403, "The Access Key Id you provided does not exist in our records."},
	[S3_SIGNATURE_MISMATCH] =
		{"SignatureDoesNotMatch", 403,
		 "The request signature we calculated does not match the signature you provided. Check your key and signing "
		 "method."},
	[S3_AUTHORIZATION_MALFORMED] = {"AuthorizationHeaderMalformed", 400, "The authorization that you provided is malformed."},
	[S3_REQUEST_TIME_SKEWED] = {"RequestTimeTooSkewed", 403,
				    "The difference between the request time and the server's time is too large."},
	[S3_EXPIRED] = {"AccessDenied", 403, "Request has expired"},
	[S3_CONTENT_HASH_MISMATCH] = {"XAmzContentSHA256Mismatch", 400,
				      "The provided 'x-amz-content-sha256' header does not match what was computed."},
	[S3_BAD_DIGEST] = {"BadDigest", 400, "The Content-MD5 or checksum you specified did not match what we received."},
	[S3_INCOMPLETE_BODY] = {"IncompleteBody", 400, "The body ended before the number of bytes that its head specified."},
	[S3_NO_SUCH_BUCKET] = {"NoSuchBucket", 404, "The specified bucket does not exist"},
	[S3_NO_SUCH_KEY] = {"NoSuchKey", 404, "The specified key does not exist."},
	[S3_NO_SUCH_UPLOAD] =
		{"NoSuchUpload", 404,
		 "The specified multipart upload does not exist. The upload ID may be invalid, or the upload may have been aborted "
		 "or completed."},
	[S3_BUCKET_EXISTS] = {"BucketAlreadyOwnedByYou", 409,
			      "Your previous request to create the named bucket succeeded and you already own it."},
	[S3_BUCKET_NOT_EMPTY] = {"BucketNotEmpty", 409, "The bucket you tried to delete is not empty"},
	[S3_INVALID_BUCKET_NAME] = {"InvalidBucketName", 400, "The specified bucket is not valid."},
	[S3_INVALID_ARGUMENT] = {"InvalidArgument", 400, "Invalid Argument"},
	[S3_INVALID_REQUEST] = {"InvalidRequest", 400, "Invalid Request"},
	[S3_INVALID_URI] = {"InvalidURI", 400, "Couldn't parse the specified URI."},
	[S3_KEY_TOO_LONG] = {"KeyTooLongError", 400, "Your key is too long"},
	[S3_INVALID_PART] =
		{"InvalidPart", 400,
		 "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified entity "
		 "tag may not match the part's entity tag."},
	[S3_INVALID_PART_ORDER] =
		{"InvalidPartOrder", 400,
		 "The list of parts was not in ascending order. The parts list must be specified in order by part number."},
	[S3_ENTITY_TOO_SMALL] = {"EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed object size."},
	[S3_ENTITY_TOO_LARGE] = {"EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed object size."},
	[S3_MALFORMED_XML] = {"MalformedXML", 400,
			      "The XML you provided was not well-formed or did not validate against our published schema."},
	[S3_MISSING_LENGTH] = {"MissingContentLength", 411, "You must provide the Content-Length HTTP header."},
	[S3_METHOD_NOT_ALLOWED] = {"MethodNotAllowed", 405, "The specified method is not allowed against this resource."},
	[S3_NOT_IMPLEMENTED] = {"NotImplemented", 501, "A header or query you provided implies functionality that is not implemented."},
	[S3_NO_SUCH_LOCK_CONFIGURATION] = {"ObjectLockConfigurationNotFoundError", 404,
					   "Object Lock configuration does not exist for this bucket"},
	[S3_PRECONDITION_FAILED] = {"PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold"},
	[S3_FULL] = {"XMinioStorageFull", 507, "There is no room left: the disk is full, or the bucket holds all that it may."},
	[S3_BUSY] = {"SlowDown", 503, "Please reduce your request rate."},
	[S3_INTERNAL] = {"InternalError", 500, "We encountered an internal error, please try again."},
};
_Static_assert(sizeof(codes) / sizeof(codes[0]) == S3_INTERNAL + 1, "each code has a row");

const char *s3_code_name(enum s3_code code)
{
	return codes[code].name;
}

int s3_code_status(enum s3_code code)
{
	return codes[code].status;
}

bool s3_fail(struct s3_error *err, enum s3_code code, const char *fmt, ...)
{
	va_list args;

	gw_assert(code > S3_OK && code <= S3_INTERNAL);
	err->code = code;
	if (!fmt) {
		snprintf(err->text, sizeof(err->text), "%s", codes[code].text);
		return false;
	}
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return false;
}
