#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bucketd/s3_error.h"

static void every_code_has_a_name_a_status_and_a_text_of_its_own(void **state)
{
	for (enum s3_code code = S3_OK + 1; code <= S3_INTERNAL; code++) {
		struct s3_error err = {0};

		assert_non_null(s3_code_name(code));
		assert_in_range(s3_code_status(code), 400, 599);
		assert_false(s3_fail(&err, code, NULL));
		assert_int_equal(err.code, code);
		assert_true(strlen(err.text) > 0);
		assert_true(strlen(err.text) < sizeof(err.text) - 1); /* not cut */
	}
	assert_int_equal(s3_code_status(S3_OK), 200);
}

static void the_codes_that_clients_act_on_are_amazons(void **state)
{
	static const struct {
		enum s3_code code;
		const char *name;
		int status;
	} known[] = {
		{S3_ACCESS_DENIED, "AccessDenied", 403},
		{S3_EXPIRED, "AccessDenied", 403},
		{S3_INVALID_ACCESS_KEY, "InvalidAccessKeyId", 403},
		{S3_SIGNATURE_MISMATCH, "SignatureDoesNotMatch", 403},
		{S3_REQUEST_TIME_SKEWED, "RequestTimeTooSkewed", 403},
		{S3_NO_SUCH_BUCKET, "NoSuchBucket", 404},
		{S3_NO_SUCH_KEY, "NoSuchKey", 404},
		{S3_BUCKET_EXISTS, "BucketAlreadyOwnedByYou", 409},
		{S3_NO_SUCH_LOCK_CONFIGURATION, "ObjectLockConfigurationNotFoundError", 404},
		{S3_MISSING_LENGTH, "MissingContentLength", 411},
		{S3_PRECONDITION_FAILED, "PreconditionFailed", 412},
		{S3_NOT_IMPLEMENTED, "NotImplemented", 501},
		{S3_BUSY, "SlowDown", 503},
		{S3_FULL, "XMinioStorageFull", 507},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		assert_string_equal(s3_code_name(known[i].code), known[i].name);
		assert_int_equal(s3_code_status(known[i].code), known[i].status);
	}
}

static void a_text_of_its_own_replaces_the_codes_and_is_cut_where_it_is_too_long(void **state)
{
	struct s3_error err = {0};
	char text[400];

	assert_false(s3_fail(&err, S3_INVALID_ARGUMENT, "partNumber: '%s' is no number", "x"));
	assert_string_equal(err.text, "partNumber: 'x' is no number");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(s3_fail(&err, S3_INVALID_ARGUMENT, "%s", text));
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_name_a_status_and_a_text_of_its_own),
		cmocka_unit_test(the_codes_that_clients_act_on_are_amazons),
		cmocka_unit_test(a_text_of_its_own_replaces_the_codes_and_is_cut_where_it_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
