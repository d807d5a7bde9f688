/* POST /api/v1/jobs, part by part and code by code: 200, 400, 403, 404, 406, 409, 413, 415, 420, with a real executord. In a network
 * namespace of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"
#include "tests/harness/form.h"

#define A "52:54:00:00:00:01" /* idle */
#define C "52:54:00:00:00:03" /* without a port */

static const char db[] =
	"pdus:\n"
	"  DUMMY: {driver: dummy, config: {ports: [one, two]}}\n"
	"duts:\n"
	"  '" A "': {base_name: box, tags: [x86_64], manual_tags: [mine], pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0}\n"
	"  bench: {mac_address: '52:54:00:00:00:02', base_name: box, tags: [old], pdu: DUMMY, pdu_port_id: 1, is_retired: true}\n"
	"  '" C "': {base_name: shelf, tags: [shelved]}\n";

static const char job[] = "version: 1\n"
			  "target: {id: " A "}\n"
			  "console_patterns: {session_end: {regex: '^good bye'}}\n"
			  "deployment: {start: {kernel: {data: a kernel}}}\n";

#define WITHOUT_BUCKETD "EXECUTOR_STANDALONE_DAEMONS=bootsd pdud saladd artifactd gitlabd"

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", "BUCKETD_BUCKET_SIZE=1", WITHOUT_BUCKETD, NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm = farm_start(&options);

	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(farm, "/dut/" A, "state", "IDLE");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	return 0;
}

/* ---- a form, as bytes ---- */

#define METADATA(text)                                                                                                                     \
	{                                                                                                                                  \
		"metadata", "metadata.json", "application/json", text                                                                      \
	}
#define V1(more) METADATA("{\"version\": 1, \"callback\": {\"port\": 5555}" more "}")
#define JOB(text)                                                                                                                          \
	{                                                                                                                                  \
		"job", "job.yml", "application/x-yaml", text                                                                               \
	}
#define GOOD   JOB(job)
#define BUCKET "job_bucket_initial_state_tarball_file"
#define TAR(bytes, n)                                                                                                                      \
	{                                                                                                                                  \
		BUCKET, "bucket.tar", "application/octet-stream", bytes, n                                                                 \
	}
static const char zeros[10240]; /* an empty tar */

static const struct row {
	struct form_part parts[FORM_PARTS_MAX];
	int status;
	const char *error; /* `*` stands for anything */
} rows[] = {
	/* 400: the parts */
	{{GOOD}, 400, "the part 'metadata' is missing; accepted: multipart/form-data with `metadata` (JSON) and `job` (YAML)"},
	{{V1("")}, 400, "the part 'job' is missing; accepted: multipart/form-data with `metadata` (JSON) and `job` (YAML)"},
	{{V1(""), V1(""), GOOD}, 400, "the part 'metadata' is given twice"},
	{{V1(""), GOOD, GOOD}, 400, "the part 'job' is given twice"},
	{{V1(""), GOOD, {"job_bucket", "x", NULL, "x"}}, 400, "the part 'job_bucket' is not known; accepted: metadata, job, " BUCKET},
	{{V1(""), {NULL, "job.yml", NULL, "x"}}, 400, "multipart: part 2 has no name"},
	/* 400: the metadata */
	{{METADATA(""), GOOD}, 400, "metadata: it is empty; accepted: a JSON object"},
	{{METADATA("{\"version\": 1, "), GOOD}, 400, "metadata: not JSON: line 1, column *: it ends too early"},
	{{METADATA("{\"version\": 1, \"version\": 1, \"callback\": {\"port\": 5555}}"), GOOD},
	 400,
	 "metadata: the key 'version' is given twice"},
	{{V1(", \"target\": {\"id\": \"a\", \"id\": \"b\"}"), GOOD}, 400, "metadata: the key 'id' is given twice"},
	{{V1(", \"job_cookie\": {\"a\": 1, \"a\": 2}"), GOOD}, 400, "metadata: the key 'a' is given twice"},
	{{METADATA("{\"version\": null, \"callback\": {\"port\": 5555}}"), GOOD}, 400, "metadata: version: it is missing; accepted: 1"},
	{{METADATA("{\"version\": 2, \"callback\": {\"port\": 5555}}"), GOOD}, 400, "metadata: version: 2 is not known; accepted: 1"},
	{{METADATA("{\"version\": 1}"), GOOD}, 400, "metadata: callback.port: it is missing; accepted: 1024 to 65535"},
	{{METADATA("{\"version\": 1, \"callback\": null}"), GOOD}, 400, "metadata: callback.port: it is missing; accepted: 1024 to 65535"},
	{{METADATA("{\"version\": 1, \"callback\": {\"port\": null}}"), GOOD},
	 400,
	 "metadata: callback.port: it is missing; accepted: 1024 to 65535"},
	{{METADATA("{\"version\": 1, \"callback\": {\"port\": 22}}"), GOOD},
	 400,
	 "metadata: callback.port: this is out of its bounds; accepted: 1024 to 65535"},
	{{V1(", \"target\": []"), GOOD}, 400, "metadata: target: this is a list; accepted: an object, or null"},
	{{V1(", \"environ\": {\"A\": 1}"), GOOD}, 400, "metadata: environ.A: this is a number; accepted: a text of at most 32768 bytes"},
	{{V1(", \"minio\": {\"groups\": [\"g\", \"\"]}"), GOOD},
	 400,
	 "metadata: minio.groups[1]: this is empty or too long; accepted: a text of 1 to 128 bytes"},
	{{V1(", \"minio\": {\"credentials\": {\"access_key\": \"alice\"}}"), GOOD},
	 400,
	 "metadata: minio.credentials.secret_key: it is missing; accepted: a text of 1 to 128 bytes"},
	{{V1(", \"minio\": {\"credentials\": [\"alice\"]}"), GOOD},
	 400,
	 "metadata: minio.credentials: this is a list; accepted: an object, or null"},
	/* 400: the job */
	{{V1(""), JOB("target: {id: [\n")}, 400, "job:2:1: *"},
	{{V1(""), JOB("target: {id: x}\nbogus: 1\n")}, 400, "job:2:1: 'bogus' is not a field of a job; accepted: *"},
	{{V1(""), JOB("{{ nothing")}, 400, "*job:1:*"},
	{{V1(""), {"job", "job.yml", "application/x-yaml", "version: 1\n\0x", 13}}, 400, "job: a NUL byte at offset 11"},
	{{V1(""), JOB("\xff")}, 400, "job: not UTF-8 at offset 0"},
	{{V1(", \"job_desc_url\": \"http://10.42.0.1/x\", \"target\": {\"id\": \"" A "\"}"), GOOD},
	 400,
	 "both the part 'job' and metadata.job_desc_url are given; accepted: one of them"},
	/* 403 */
	{{V1(", \"minio\": {\"groups\": [\"g\"]}"), GOOD},
	 403,
	 "metadata: minio.groups: no group is granted without credentials; accepted with minio.credentials{access_key,secret_key}"},
	/* 404, 406, 409: by the metadata's target, which overrides the job's */
	{{V1(", \"target\": {\"id\": \"nobody\"}"), GOOD}, 404, "there is no machine 'nobody'"},
	{{V1(", \"target\": {\"tags\": [\"arm\", \"mine\"]}"), GOOD}, 406, "no machine has the tags arm, mine"},
	{{V1(", \"target\": {\"tags\": [\"old\"]}"), GOOD}, 406, "no machine has the tags old"}, /* retired ones do not count */
	{{V1(", \"target\": {\"id\": \"test-box-2\"}"), GOOD}, 406, "the machine 'test-box-2' is retired"},
	{{V1(", \"target\": {\"id\": \"" A "\", \"tags\": [\"arm\"]}"), GOOD}, 406, "the machine '" A "' does not have the tag 'arm'"},
	{{V1(", \"target\": {\"id\": \"test-shelf-1\"}"), GOOD},
	 409,
	 "the machine 'test-shelf-1' cannot take a job now: the machine waits for its power port to be configured"},
	{{V1(", \"target\": {\"tags\": [\"shelved\", \"farm:test\"]}"), GOOD},
	 409,
	 "the only machine with the tags shelved, farm:test is busy, in training, waiting for configuration or not known to be OFF; try "
	 "again "
	 "later"},
	/* ... and by the job's own */
	{{V1(""), JOB("version: 1\ntarget: {id: nobody}\nconsole_patterns: {}\ndeployment: {start: {}}\n")},
	 404,
	 "there is no machine 'nobody'"},
	{{V1(", \"target\": {\"id\": null, \"tags\": null}"),
	  JOB("version: 1\ntarget: {tags: [arm]}\nconsole_patterns: {}\ndeployment: {start: {}}\n")},
	 406,
	 "no machine has the tags arm"},
	{{V1(", \"target\": null"), JOB("version: 1\ntarget: {id: '" C "'}\nconsole_patterns: {}\ndeployment: {start: {}}\n")},
	 409,
	 "the machine '" C "' cannot take a job now: the machine waits for its power port to be configured"},
	/* without bucketd; with it: job_buckets_test.c */
	{{V1(""), GOOD, TAR(zeros, sizeof(zeros))}, 503, "bucketd is not there, so the job can have no bucket now; try again later"},
	{{V1(", \"minio\": {\"groups\": [\"g\"], \"credentials\": {\"access_key\": \"a\", \"secret_key\": \"b\"}}"), GOOD},
	 503,
	 "bucketd is not there, so the job can have no bucket now; try again later"},
};

/* Two keys, in the field's order, and no third. */
static bool is_in_the_fields_form(const char *answer, const char *error)
{
	char *expected = gw_sprintf("{\"version\":1,\"error_msg\":\"%s\"}", error);
	bool same = glob_line(expected, answer, strlen(answer));

	free(expected);
	return same;
}

static void each_refusal_has_its_code_and_the_fields_form(void **state)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *answer, type[64];
		int status = form_submit(rows[i].parts, &answer, type);

		if (status != rows[i].status || !is_in_the_fields_form(answer, rows[i].error) || strcmp(type, "application/json") != 0) {
			print_error("row %zu: %s\n  answered: %d %s %s\n  expected: %d %s\n", i, rows[i].parts[0].data, status, type,
				    answer, rows[i].status, rows[i].error);
			wrong++;
		}
		free(answer);
	}
	assert_int_equal(wrong, 0);
	assert_string_equal(farm_get("/dut/" A, "state"), "IDLE");
}

static void a_bucket_that_is_no_tar_gets_420_in_plain_text(void **state)
{
	const struct form_part parts[FORM_PARTS_MAX] = {V1(""), GOOD, TAR("not a tar", 0)};
	char *answer, type[64];

	assert_int_equal(form_submit(parts, &answer, type), 420);
	assert_string_equal(type, "text/plain; charset=utf-8");
	assert_string_equal(answer, BUCKET ": this is not a tar archive; accepted: tar, plain or gzip");
	free(answer);
}

static void a_body_of_another_type_or_too_large_is_told_in_the_fields_form(void **state)
{
	static const struct {
		const char *type, *body, *error;
		size_t len;
		int status;
	} others[] = {
		{"application/json", "{}", "the body's Content-Type is 'application/json'; accepted: multipart/form-data", 2, 415},
		{"application/x-www-form-urlencoded", "metadata=1",
		 "the body's Content-Type is 'application/x-www-form-urlencoded'; accepted: multipart/form-data", 10, 415},
		{"multipart/form-data", "--x\r\n", "multipart: the Content-Type has no boundary of 1 to 70 characters", 5, 400},
		{"multipart/form-data; boundary=x", "--y\r\n", "multipart: the body does not hold its boundary", 5, 400},
		{"multipart/form-data; boundary=x", "", "multipart: the body does not hold its boundary", 0, 400},
	};
	char *answer, type[64], *large = gw_calloc((9U << 20) + 1, 1);

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		int status = form_post(others[i].type, others[i].body, others[i].len, &answer, type);

		if (status != others[i].status || !is_in_the_fields_form(answer, others[i].error))
			fail_msg("%s: %d %s", others[i].type, status, answer);
		free(answer);
	}
	assert_int_equal(form_post("multipart/form-data; boundary=x", large, (9U << 20) + 1, &answer, type), 413);
	assert_true(is_in_the_fields_form(answer, "the body is too large; accepted: 9437184 bytes"));
	free(answer);
	free(large);
}

/* In its file the archive may be as large as a bucket; what is held in memory is bounded as ever. */
static void each_part_has_its_bound(void **state)
{
	char *large = gw_calloc((8U << 20) + 2, 1), *answer, type[64];
	const struct form_part job_parts[FORM_PARTS_MAX] = {V1(""), {"job", "job.yml", NULL, large, (1U << 20) + 1}},
			       metadata_parts[FORM_PARTS_MAX] = {{"metadata", "m", NULL, large, (8U << 20) + 1}, GOOD},
			       archive_parts[FORM_PARTS_MAX] = {V1(""), GOOD, TAR(large, (1U << 20) + 1)};

	assert_int_equal(form_submit(job_parts, &answer, type), 413);
	assert_true(is_in_the_fields_form(answer, "job: it is too large; accepted: 1048576 bytes"));
	free(answer);
	assert_int_equal(form_submit(metadata_parts, &answer, type), 413);
	assert_true(is_in_the_fields_form(answer, "metadata: it is too large; accepted: 8388608 bytes"));
	free(answer);
	assert_int_equal(form_submit(archive_parts, &answer, type), 413);
	assert_true(is_in_the_fields_form(answer, BUCKET ": it is too large; accepted: 1048576 bytes"));
	free(answer);
	free(large);
}

/* Nobody listens at its callback, so its machine is free again soon. */
static void assert_accepted(struct farm *farm, const struct form_part parts[FORM_PARTS_MAX])
{
	char *answer, type[64];
	int status = form_submit(parts, &answer, type);

	if (status != 200 || strcmp(answer, "{\"version\":1,\"error_msg\":\"success\"}") != 0)
		fail_msg("%s: %d %s", parts[0].data, status, answer);
	free(answer);
	farm_await(farm, "/dut/" A, "state", "IDLE");
	farm_await(farm, "/pdu/DUMMY/port/0", "state", "OFF"); /* else no tags find it */
}

static void what_may_be_absent_null_or_unknown_is_accepted(void **state)
{
	static const struct form_part accepted[][FORM_PARTS_MAX] = {
		{V1(""), GOOD},
		{V1(", \"target\": {\"id\": \"test-box-1\", \"tags\": null}"), GOOD}, /* `-i` without `-t`; by full name */
		{V1(", \"target\": {\"id\": null, \"tags\": [\"x86_64\", \"mine\", \"farm:test\"]}, \"minio\": null, \"environ\": null"),
		 GOOD},
		{V1(", \"job_cookie\": {\"any\": [1]}, \"from_the_future\": true, \"job_desc_url\": null, \"job_id\": null"), GOOD},
		{V1(", \"minio\": {\"credentials\": {\"access_key\": \"a\", \"secret_key\": \"b\"}, \"groups\": []}"), GOOD},
		{V1(", \"minio\": {\"credentials\": null, \"groups\": null}, \"environ\": {}"), GOOD},
		{METADATA("{\"version\": 1, \"callback\": {\"host\": null, \"port\": 5555}}"), GOOD},
		{GOOD, V1("")}, /* in any order */
		{{"metadata", NULL, NULL, "{\"version\": 1, \"callback\": {\"port\": 5555}}"},
		 {"job", NULL, NULL, job}}, /* no file names */
		{{"metadata", "", "text/plain", "{\"version\": 1, \"callback\": {\"port\": 5555}}"}, {"job", "", "text/yaml", job}},
	};

	for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++)
		assert_accepted(*state, accepted[i]);
}

static void a_machine_that_runs_a_job_gets_no_second_one(void **state)
{
	static const struct form_part again[FORM_PARTS_MAX] = {V1(""), GOOD},
				      by_tag[FORM_PARTS_MAX] = {V1(", \"target\": {\"tags\": [\"x86_64\"]}"), GOOD};
	struct farm *farm = *state;
	struct proc client;
	char *answer, type[64];

	farm_run_job(&client, "first", job, NULL, -1);
	proc_await(&client, "the machine is powered");
	assert_int_equal(form_submit(again, &answer, type), 409);
	assert_true(is_in_the_fields_form(answer, "the machine '" A "' cannot take a job now: the machine is running a job"));
	free(answer);
	assert_int_equal(form_submit(by_tag, &answer, type), 409);
	assert_true(is_in_the_fields_form(answer, "the only machine with the tags x86_64 is busy, *"));
	free(answer);
	farm_do("POST", "/dut/" A "/cancel_job", NULL);
	proc_wait(&client);
	farm_await(farm, "/dut/" A, "state", "IDLE");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_refusal_has_its_code_and_the_fields_form),
		cmocka_unit_test(a_bucket_that_is_no_tar_gets_420_in_plain_text),
		cmocka_unit_test(a_body_of_another_type_or_too_large_is_told_in_the_fields_form),
		cmocka_unit_test(each_part_has_its_bound),
		cmocka_unit_test(what_may_be_absent_null_or_unknown_is_accepted),
		cmocka_unit_test(a_machine_that_runs_a_job_gets_no_second_one),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
