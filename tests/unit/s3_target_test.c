/* What a request is about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bucketd/s3_target.h"

struct row {
	const char *method, *uri, *name, *bucket, *key;
};

static void every_operation_is_told_by_method_path_and_query(void **state)
{
	static const struct row rows[] = {
		{"GET", "/", "ListBuckets", "", ""},
		{"GET", "", "ListBuckets", "", ""},
		{"GET", "/?x-id=ListBuckets", "ListBuckets", "", ""},
		{"GET", "/b", "ListObjects", "b", ""},
		{"GET", "/b/", "ListObjects", "b", ""},
		{"GET", "/b?list-type=2&prefix=a", "ListObjectsV2", "b", ""},
		{"GET", "/b/?location", "GetBucketLocation", "b", ""},
		{"GET", "/b?location=", "GetBucketLocation", "b", ""},
		{"GET", "/b?uploads", "ListMultipartUploads", "b", ""},
		{"HEAD", "/b", "HeadBucket", "b", ""},
		{"PUT", "/b", "CreateBucket", "b", ""},
		{"DELETE", "/b", "DeleteBucket", "b", ""},
		{"POST", "/b?delete", "DeleteObjects", "b", ""},
		{"GET", "/b/k", "GetObject", "b", "k"},
		{"HEAD", "/b/k?versionId=null", "HeadObject", "b", "k"},
		{"PUT", "/b/k?x-id=PutObject", "PutObject", "b", "k"},
		{"PUT", "/b/k?partNumber=1&uploadId=2", "UploadPart", "b", "k"},
		{"POST", "/b/k?uploads", "CreateMultipartUpload", "b", "k"},
		{"POST", "/b/k?uploadId=2", "CompleteMultipartUpload", "b", "k"},
		{"DELETE", "/b/k?uploadId=2", "AbortMultipartUpload", "b", "k"},
		{"DELETE", "/b/k", "DeleteObject", "b", "k"},
		{"PUT", "/b?policy", "PutBucketPolicy", "b", ""},
		{"POST", "/b", "PostObject", "b", ""},
		{"GET", "http://host:9000/b/k?uploadId=2", "ListParts", "b", "k"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct s3_target target;
		struct s3_error err = {0};

		assert_true(s3_target_decode(&target, rows[i].method, rows[i].uri, false, &err));
		assert_string_equal(target.name, rows[i].name);
		assert_string_equal(target.bucket, rows[i].bucket);
		assert_string_equal(target.key, rows[i].key);
		s3_target_finish(&target);
	}
}

static void a_key_is_what_stands_behind_the_buckets_slash(void **state)
{
	static const struct {
		const char *uri, *key;
	} rows[] = {
		{"/b//", "/"},           {"/b/a//b", "a//b"},   {"/b/a/", "a/"},
		{"/b/a%2Fb", "a/b"},     {"/b/%2F", "/"},       {"/b/a+b", "a+b"},
		{"/b/a%20b", "a b"},     {"/b/100%25", "100%"}, {"/b/%C3%A9", "\xc3\xa9"},
		{"/b/a%3Fb?acl", "a?b"}, {"/b/a=b&c", "a=b&c"}, {"/b/%e2%82%ac", "\xe2\x82\xac"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct s3_target target;
		struct s3_error err = {0};

		assert_true(s3_target_decode(&target, "GET", rows[i].uri, false, &err));
		assert_string_equal(target.bucket, "b");
		assert_string_equal(target.key, rows[i].key);
		s3_target_finish(&target);
	}
}

static void what_is_no_target_is_refused(void **state)
{
	static const struct {
		const char *method, *uri;
		enum s3_code code;
		const char *text;
	} rows[] = {
		{"GET", "/b/%", S3_INVALID_URI, "a '%' is not followed by two hexadecimal digits"},
		{"GET", "/b/%2", S3_INVALID_URI, "a '%' is not followed by two hexadecimal digits"},
		{"GET", "/b?prefix=%zz", S3_INVALID_URI, "a '%' is not followed by two hexadecimal digits"},
		{"GET", "/b/%00", S3_INVALID_URI, "a character 0 is not accepted"},
		{"GET", "/b/%ff", S3_INVALID_URI, "it is not UTF-8"},
		{"GET", "b", S3_INVALID_URI, "the path does not begin with '/'"},
		{"GET", "//k", S3_INVALID_BUCKET_NAME, "The specified bucket is not valid."},
		{"PATCH", "/b/k", S3_METHOD_NOT_ALLOWED, "The specified method is not allowed against this resource."},
		{"DELETE", "/", S3_METHOD_NOT_ALLOWED, "The specified method is not allowed against this resource."},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct s3_target target;
		struct s3_error err = {0};

		assert_false(s3_target_decode(&target, rows[i].method, rows[i].uri, false, &err));
		assert_int_equal(err.code, rows[i].code);
		assert_string_equal(err.text, rows[i].text);
		s3_target_finish(&target);
	}
}

static void names_are_bounded_whatever_their_spelling(void **state)
{
	char uri[8192] = "/b/";
	struct s3_target target;
	struct s3_error err = {0};

	for (int i = 0; i < 1024; i++)
		strcat(uri, "%61");
	assert_true(s3_target_decode(&target, "GET", uri, false, &err));
	assert_int_equal(strlen(target.key), 1024);
	s3_target_finish(&target);
	strcpy(uri, "/b/");
	for (int i = 0; i < 1025; i++)
		strcat(uri, "a");
	assert_false(s3_target_decode(&target, "GET", uri, false, &err));
	assert_int_equal(err.code, S3_KEY_TOO_LONG);
	s3_target_finish(&target);
	memset(uri + 1, 'b', 64);
	assert_false(s3_target_decode(&target, "GET", uri, false, &err));
	assert_int_equal(err.code, S3_INVALID_BUCKET_NAME);
	s3_target_finish(&target);
}

static void a_copy_is_told_by_its_header(void **state)
{
	struct s3_target target;
	struct s3_error err = {0};

	assert_true(s3_target_decode(&target, "PUT", "/b/k", true, &err));
	assert_int_equal(target.op, S3_OP_COPY);
	s3_target_finish(&target);
	assert_true(s3_target_decode(&target, "PUT", "/b/k?partNumber=1&uploadId=2", true, &err));
	assert_int_equal(target.op, S3_OP_PART_COPY);
	assert_string_equal(target.name, "UploadPartCopy");
	s3_target_finish(&target);
}

static void a_sources_range_has_both_its_ends(void **state)
{
	static const char *const bad[] = {"",          "bytes=",        "bytes=-5",   "bytes=5-",
					  "bytes=5-4", "bytes=0-1,3-4", "bytes= 0-1", "bytes=0-1 ",
					  "items=0-1", "bytes=0x0-0x1", "bytes=+0-1", "bytes=0-1000000000000000000"};
	struct s3_error err = {0};
	uint64_t first, n;

	assert_true(s3_source_range_decode("bytes=0-0", &first, &n, &err));
	assert_int_equal(first, 0);
	assert_int_equal(n, 1);
	assert_true(s3_source_range_decode("bytes=5242880-10485759", &first, &n, &err));
	assert_int_equal(first, 5242880);
	assert_int_equal(n, 5242880);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(s3_source_range_decode(bad[i], &first, &n, &err));
		assert_int_equal(err.code, S3_INVALID_ARGUMENT);
	}
	assert_string_equal(err.text, "x-amz-copy-source-range: 'bytes=0-1000000000000000000'; accepted: bytes=FIRST-LAST");
}

static void a_source_is_a_bucket_and_a_key(void **state)
{
	char bucket[S3_BUCKET_MAX + 1], key[S3_KEY_MAX + 1];
	struct s3_error err = {0};

	assert_true(s3_source_decode("/from/a%20b/c?versionId=null", bucket, key, &err));
	assert_string_equal(bucket, "from");
	assert_string_equal(key, "a b/c");
	assert_true(s3_source_decode("from/a+b", bucket, key, &err));
	assert_string_equal(key, "a+b");
	assert_false(s3_source_decode("from", bucket, key, &err));
	assert_string_equal(err.text, "x-amz-copy-source: accepted: BUCKET/KEY, escaped");
	assert_false(s3_source_decode("from/a?versionId=7", bucket, key, &err));
	assert_int_equal(err.code, S3_NOT_IMPLEMENTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_operation_is_told_by_method_path_and_query),
		cmocka_unit_test(a_key_is_what_stands_behind_the_buckets_slash),
		cmocka_unit_test(what_is_no_target_is_refused),
		cmocka_unit_test(names_are_bounded_whatever_their_spelling),
		cmocka_unit_test(a_copy_is_told_by_its_header),
		cmocka_unit_test(a_sources_range_has_both_its_ends),
		cmocka_unit_test(a_source_is_a_bucket_and_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
