#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executord/job_request.h"

#define CALLBACK "\"callback\": {\"port\": 5555}"

static const struct row {
	const char *json, *error; /* NULL: accepted */
} rows[] = {
	{"{\"version\": 1, " CALLBACK "}", NULL},
	{"{\"version\": 1, " CALLBACK ", \"target\": {\"id\": null, \"tags\": null}, \"minio\": null, \"environ\": null}", NULL},
	{"{\"version\": 1, " CALLBACK ", \"job_cookie\": {\"any\": []}, \"whatever\": 1}", NULL}, /* unknown keys are ignored */
	{"[]", "metadata: it is an array; accepted: a JSON object"},
	{"{" CALLBACK "}", "metadata: version: it is missing; accepted: 1"},
	{"{\"version\": 2, " CALLBACK "}", "metadata: version: 2 is not known; accepted: 1"},
	{"{\"version\": \"1\", " CALLBACK "}", "metadata: version: this is a text; accepted: 1"},
	{"{\"version\": 1}", "metadata: callback.port: it is missing; accepted: 1024 to 65535"},
	{"{\"version\": 1, \"callback\": []}", "metadata: callback: this is a list; accepted: an object, or null"},
	{"{\"version\": 1, \"callback\": {\"port\": 80}}", "metadata: callback.port: this is out of its bounds; accepted: 1024 to 65535"},
	{"{\"version\": 1, \"callback\": {\"port\": 1e300}}",
	 "metadata: callback.port: this is out of its bounds; accepted: 1024 to 65535"},
	{"{\"version\": 1, " CALLBACK ", \"job_id\": 7}",
	 "metadata: job_id: this is a number; accepted: a text of 1 to 256 bytes, or null"},
	{"{\"version\": 1, " CALLBACK ", \"target\": \"x\"}", "metadata: target: this is a text; accepted: an object, or null"},
	{"{\"version\": 1, " CALLBACK ", \"target\": {\"tags\": \"x\"}}",
	 "metadata: target.tags: this is a text; accepted: a list of at most 1024 texts, or null"},
	{"{\"version\": 1, " CALLBACK ", \"target\": {\"tags\": [\"a\", 1]}}",
	 "metadata: target.tags[1]: this is a number; accepted: a text of at most 256 bytes"},
	{"{\"version\": 1, " CALLBACK ", \"environ\": {\"A\": 1}}",
	 "metadata: environ.A: this is a number; accepted: a text of at most 32768 bytes"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"groups\": 1}}",
	 "metadata: minio.groups: this is a number; accepted: a list of at most 64 texts, or null"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"groups\": [\"a\", null]}}",
	 "metadata: minio.groups[1]: this is null; accepted: a text of 1 to 128 bytes"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"groups\": [\"\"]}}",
	 "metadata: minio.groups[0]: this is empty or too long; accepted: a text of 1 to 128 bytes"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"credentials\": \"a:b\"}}",
	 "metadata: minio.credentials: this is a text; accepted: an object, or null"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"credentials\": {\"access_key\": null, \"secret_key\": \"s3cr3t\"}}}",
	 "metadata: minio.credentials.access_key: it is missing; accepted: a text of 1 to 128 bytes"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"credentials\": {\"access_key\": \"a\", \"secret_key\": [\"s3cr3t\"]}}}",
	 "metadata: minio.credentials.secret_key: this is a list; accepted: a text of 1 to 128 bytes, or null"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"credentials\": {\"access_key\": \"a\", \"secret_key\": \"\"}}}",
	 "metadata: minio.credentials.secret_key: this is empty or too long; accepted: a text of 1 to 128 bytes, or null"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"credentials\": {\"access_key\": null, \"secret_key\": null}}}", NULL},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"credentials\": null, \"groups\": null, \"more\": 1}}", NULL},
	{"{\"version\": 1, " CALLBACK ", \"job_desc_url\": null}", NULL},
	{"{\"version\": 1, " CALLBACK ", \"job_desc_url\": \"http://x/\", \"target\": {\"tags\": []}}", NULL},
	{"{\"version\": 1, " CALLBACK ", \"job_desc_url\": \"http://x/\"}",
	 "metadata: target: it is missing; accepted with job_desc_url: a target with `id`, `tags` or both"},
	{"{\"version\": 1, " CALLBACK ", \"job_desc_url\": \"http://x/\", \"target\": {\"tags\": null}}",
	 "metadata: target: it is missing; accepted with job_desc_url: a target with `id`, `tags` or both"},
	{"{\"version\": 1, " CALLBACK ", \"job_desc_url\": 1}",
	 "metadata: job_desc_url: this is a number; accepted: a text of 1 to 4096 bytes, or null"},
};

static void groups_of_a_number_out_of_bounds_are_refused(void **state)
{
	char text[4096] = "{\"version\": 1, " CALLBACK ", \"minio\": {\"groups\": [";
	struct job_request rq;
	struct gw_error err = {0};

	for (int i = 0; i < 65; i++)
		strcat(text, i ? ",\"g\"" : "\"g\"");
	strcat(text, "]}}");
	assert_false(job_request_decode(&rq, text, strlen(text), &err));
	assert_string_equal(err.text, "metadata: minio.groups: this is too long; accepted: a list of at most 64 texts, or null");
}

static void metadata_is_decoded_or_its_field_is_named(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct job_request rq;
		struct gw_error err = {0};

		if (job_request_decode(&rq, rows[i].json, strlen(rows[i].json), &err) != (rows[i].error == NULL))
			fail_msg("%s: %s", rows[i].json, err.text);
		assert_string_equal(err.text, rows[i].error ? rows[i].error : "");
		job_request_finish(&rq);
	}
}

static void everything_that_is_given_is_kept(void **state)
{
	static const char json[] = "{\"version\": 1, \"job_id\": \"j\", \"target\": {\"id\": \"m\", \"tags\": [\"a\", \"b\"]},"
				   " \"callback\": {\"host\": \"10.0.0.9\", \"port\": 5555}, \"minio\": {\"credentials\": {\"access_key\": "
				   "\"alice\", \"secret_key\": \"s3cr3t\"}, \"groups\": [\"g\", \"h\"]}, "
				   "\"job_desc_url\": \"http://x/\","
				   " \"environ\": {\"A\": \"1\", \"B\": \"\"}}";
	struct job_request rq;
	struct gw_error err = {0};

	assert_true(job_request_decode(&rq, json, strlen(json), &err));
	assert_string_equal(rq.job_id, "j");
	assert_true(rq.has_target);
	assert_string_equal(rq.target_id, "m");
	assert_int_equal(rq.n_target_tags, 2);
	assert_string_equal(rq.target_tags[1], "b");
	assert_string_equal(rq.callback_host, "10.0.0.9");
	assert_int_equal(rq.callback_port, 5555);
	assert_string_equal(rq.access_key, "alice");
	assert_string_equal(rq.secret_key, "s3cr3t");
	assert_int_equal(rq.n_groups, 2);
	assert_string_equal(rq.groups[0], "g");
	assert_string_equal(rq.groups[1], "h");
	assert_string_equal(rq.desc_url, "http://x/");
	assert_int_equal(rq.n_environ, 2);
	assert_string_equal(rq.environ[0].name, "A");
	assert_string_equal(rq.environ[1].value, "");
	job_request_finish(&rq);
}

static void empty_tags_are_a_target_and_null_ones_are_none(void **state)
{
	static const char any[] = "{\"version\": 1, " CALLBACK ", \"target\": {\"tags\": []}}";
	static const char none[] = "{\"version\": 1, " CALLBACK ", \"target\": {\"tags\": null}}";
	struct job_request rq;
	struct gw_error err = {0};

	assert_true(job_request_decode(&rq, any, strlen(any), &err));
	assert_true(rq.has_target);
	job_request_finish(&rq);
	assert_true(job_request_decode(&rq, none, strlen(none), &err));
	assert_false(rq.has_target);
	job_request_finish(&rq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_of_a_number_out_of_bounds_are_refused),
		cmocka_unit_test(metadata_is_decoded_or_its_field_is_named),
		cmocka_unit_test(everything_that_is_given_is_kept),
		cmocka_unit_test(empty_tags_are_a_target_and_null_ones_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
