/* Job buckets on a farm of the real daemons: executorctl shares a directory, a machine that really netboots (tinydut in qemu) is told of
 * the bucket by its command line. tinydut has no network of its own: what it would ask of the bucket, curl asks from its address. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/dutnet.h"
#include "tests/harness/farm.h"

#define MAC_1 "52:54:00:11:22:01" /* of the virtual PDU's port 1 */

static struct machine {
	const char *mac;
	char ip[20]; /* "10.42.250.1/16" */
} machines[2] = {{FARM_MAC, ""}, {MAC_1, ""}};
static char bucketd_yml[512]; /* users and groups */

static int setup(void **state)
{
	static char config[600];
	static const char *const env[] = {config, NULL};
	const struct farm_options options = {.env = env};
	struct farm *farm;

	snprintf(bucketd_yml, sizeof(bucketd_yml), "%s", tmp_path("bucketd.yml"));
	snprintf(config, sizeof(config), "BUCKETD_CONFIG=%s", bucketd_yml);
	file_put(bucketd_yml, "users:\n  alice: {secret: alices-secret}\n  bob: {secret: bobs-secret}\n"
			      "groups:\n  mesa: {users: [alice], buckets: {mesa-traces: read, mesa-results: write}}\n");
	farm = farm_start(&options);
	await_socket(tmp_path("run/bucketd.bus"));
	farm_enroll(farm);
	farm_do("POST", "/dut/discover", "{\"pdu\": \"VPDU\", \"port_id\": \"1\"}");
	farm_await(farm, "/duts", "duts/" MAC_1 "/state", "IDLE");
	for (size_t i = 0; i < 2; i++)
		snprintf(machines[i].ip, sizeof(machines[i].ip), "%.15s/16", farm_get(i ? "/dut/" MAC_1 : "/dut/" FARM_MAC, "ip_address"));
	*state = farm;
	return 0;
}

static int teardown(void **state)
{
	farm_stop(*state);
	return 0;
}

/* ---- a job ---- */

/* One that waits for a line of input before it passes, and what its machine knows of its bucket. */
struct running {
	struct proc client;
	int keyboard;
	char url[64], bucket[64], key[129], secret[65];
};

#define BUCKET "{{ job.bucket.url }} {{ job.bucket.name }} {{ job.bucket.access_key }} {{ job.bucket.secret_key }}"

static const char *job_for(const char *mac)
{
	static char job[2048];

	snprintf(job, sizeof(job),
		 "version: 1\ntarget: {id: '%s'}\n"
		 "console_patterns:\n  session_end: {regex: 'reboot: Power down'}\n  job_success: {regex: 'it works'}\n"
		 "deployment:\n  start:\n    kernel:\n      url: http://10.42.0.1:8999/tinydut.bin\n"
		 "      cmdline: 'SALAD.machine_id={{ machine_id }} console=ttyS0 bucket: " BUCKET "'\n"
		 "    initramfs: {data: \"go on?\\n@read\\nit works\\n@poweroff\\n\"}\n",
		 mac);
	return job;
}

static void start_job(struct running *job, const char *name, const char *mac, const char *const *arguments)
{
	int terminal = terminal_open(&job->keyboard);
	char *log, *told;

	farm_run_job(&job->client, name, job_for(mac), arguments, terminal);
	close(terminal);
	farm_await_console(&job->client, "go on?");
	log = proc_log(&job->client);
	told = strstr(log, "Command line: ");
	told = told ? strstr(told, "bucket: ") : NULL;
	assert_non_null(told);
	assert_int_equal(sscanf(told, "bucket: %63s %63s %128s %64s", job->url, job->bucket, job->key, job->secret), 4);
	free(log);
}

static int finish_job(struct running *job)
{
	int code;

	assert_int_equal(write(job->keyboard, "yes\n", 4), 4);
	code = proc_wait(&job->client);
	close(job->keyboard);
	if (code != 0)
		proc_show(&job->client);
	return code;
}

/* ---- the machine's S3 ---- */

/* With a job's credentials. The machine's network is there for this request alone: at other times it is qemu's. */
static int s3(const struct running *job, const struct machine *from, const char *method, const char *path, const char *body, char **answer)
{
	char *given = body ? gw_sprintf("--data-binary '%s'", body) : gw_strdup("");
	int status;

	dutnet_start(from->mac, from->ip);
	status = dutnet_curl(answer,
			     "-X %s --aws-sigv4 aws:amz:us-east-1:s3 --user '%s:%s' -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "
			     "--retry 60 --retry-delay 1 --retry-connrefused %s '%s/%s'",
			     method, job->key, job->secret, given, job->url, path);
	dutnet_end();
	free(given);
	return status;
}

/* Of the job's own bucket. */
static void assert_s3(const struct running *job, const struct machine *from, const char *method, const char *key, const char *body,
		      int status, const char *expected)
{
	char *path = gw_sprintf("%s/%s", job->bucket, key), *answer;
	int got = s3(job, from, method, path, body, &answer);

	if (got != status || (expected && strcmp(answer, expected) != 0))
		fail_msg("%s %s: %d %s", method, path, got, answer);
	free(answer);
	free(path);
}

/* Its end reaches bucketd at about the time that its machine is free again. */
static void await_end_of_access(const struct running *job, const struct machine *from, const char *path)
{
	int status = 200;

	for (int tries = 0; status != 403 && tries < 50; tries++) {
		char *answer;

		status = s3(job, from, "GET", path, NULL, &answer);
		free(answer);
	}
	assert_int_equal(status, 403);
}

static void assert_directory(const char *directory, const char *file, const char *content)
{
	char *got = file_get(tmp_path("%s/%s", directory, file));

	assert_string_equal(got, content);
	free(got);
}

/* ---- tests ---- */

static void a_directory_is_shared_with_the_machine(void **state)
{
	const char *arguments[] = {"-s", tmp_path("one"), "-j", "job 1", NULL};
	struct running job;
	char *log;

	shell("mkdir -p %s/in && printf hello >'%s/in/a b' && printf x >%s/gone", tmp_path("one"), tmp_path("one"), tmp_path("one"));
	shell("head -c 5000000 /dev/urandom >%s && cp %s %s", tmp_path("large"), tmp_path("large"), tmp_path("one/large"));
	start_job(&job, "shares", FARM_MAC, arguments);
	assert_string_equal(job.url, "http://10.42.0.1:9000");
	assert_s3(&job, &machines[0], "GET", "in/a%20b", NULL, 200, "hello");
	assert_s3(&job, &machines[0], "PUT", "out/result%2B1", "it worked", 200, "");
	assert_s3(&job, &machines[0], "DELETE", "gone", NULL, 204, "");
	assert_int_equal(finish_job(&job), 0);
	assert_directory("one", "out/result+1", "it worked");
	assert_directory("one", "in/a b", "hello");
	assert_int_equal(access(tmp_path("one/gone"), F_OK), -1);
	assert_true(proc_has_said(&job.client, "is as the job's bucket: 3 fetched, 1 removed"));
	shell("cmp %s %s", tmp_path("large"), tmp_path("one/large"));
	log = proc_log(&job.client);
	assert_non_null(strstr(log, "[MASKED]"));
	assert_null(strstr(strstr(log, job.secret) + 1, job.secret)); /* the machine's own words alone have it */
	free(log);
	farm_await(*state, "/dut/" FARM_MAC, "state", "IDLE");
}

static void promise_33_credentials_open_their_jobs_bucket_alone_and_end_with_it(void **state)
{
	const char *arguments[][3] = {{"-s", tmp_path("first"), NULL}, {"-s", tmp_path("second"), NULL}};
	struct running one, two;
	char *answer;

	start_job(&one, "job-one", FARM_MAC, arguments[0]);
	start_job(&two, "job-two", MAC_1, arguments[1]);
	assert_string_not_equal(one.bucket, two.bucket);
	assert_s3(&one, &machines[0], "PUT", "mine", "1", 200, "");
	assert_s3(&two, &machines[1], "PUT", "mine", "2", 200, "");
	assert_s3(&one, &machines[1], "GET", "mine", NULL, 403, NULL); /* from another machine */
	assert_int_equal(s3(&two, &machines[1], "GET", one.bucket, NULL, &answer), 403);
	free(answer);
	assert_int_equal(s3(&two, &machines[1], "PUT", one.bucket, "3", &answer), 403);
	free(answer);
	assert_s3(&one, &machines[0], "GET", "mine", NULL, 200, "1");
	assert_int_equal(finish_job(&one), 0);
	farm_await(*state, "/dut/" FARM_MAC, "state", "IDLE");
	await_end_of_access(&one, &machines[0], one.bucket);
	assert_s3(&two, &machines[1], "GET", "mine", NULL, 200, "2"); /* the other goes on */
	assert_int_equal(finish_job(&two), 0);
	farm_await(*state, "/dut/" MAC_1, "state", "IDLE");
}

static void promise_9_a_killed_bucketd_loses_nothing(void **state)
{
	const char *arguments[] = {"-s", tmp_path("kept"), NULL};
	struct running job;

	shell("mkdir %s && printf first >%s/first", tmp_path("kept"), tmp_path("kept"));
	start_job(&job, "kills-bucketd", FARM_MAC, arguments);
	assert_s3(&job, &machines[0], "PUT", "before", "b", 200, "");
	farm_kill(*state, "bucketd");
	assert_s3(&job, &machines[0], "PUT", "after", "a", 200, "");
	assert_s3(&job, &machines[0], "GET", "before", NULL, 200, "b");
	assert_int_equal(finish_job(&job), 0);
	assert_directory("kept", "first", "first");
	assert_directory("kept", "before", "b");
	assert_directory("kept", "after", "a");
	farm_await(*state, "/dut/" FARM_MAC, "state", "IDLE");
}

static void a_killed_executord_costs_no_job_its_bucket(void **state)
{
	const char *arguments[] = {"-s", tmp_path("adopted"), NULL};
	struct running job;

	start_job(&job, "kills-executord", FARM_MAC, arguments);
	assert_s3(&job, &machines[0], "PUT", "before", "b", 200, "");
	farm_kill(*state, "executord");
	farm_await(*state, "/dut/" FARM_MAC, "state", "RUNNING");
	assert_s3(&job, &machines[0], "GET", "before", NULL, 200, "b");
	assert_int_equal(finish_job(&job), 0);
	assert_directory("adopted", "before", "b");
	farm_await(*state, "/dut/" FARM_MAC, "state", "IDLE");
	await_end_of_access(&job, &machines[0], job.bucket);
}

static void a_groups_buckets_are_reached_by_its_users_jobs(void **state)
{
	const char *arguments[] = {"-g", "mesa", "-a", "alice:alices-secret", NULL};
	const char *wrong[] = {"-g", "mesa", "-a", "bob:bobs-secret", NULL};
	struct running job;
	struct proc client;
	char *answer;

	farm_run_job(&client, "refused", job_for(FARM_MAC), wrong, -1);
	assert_int_equal(proc_wait(&client), 6);
	assert_true(proc_has_said(&client, "mesa"));
	assert_false(proc_has_said(&client, "bobs-secret"));
	start_job(&job, "grouped", FARM_MAC, arguments);
	assert_int_equal(s3(&job, &machines[0], "PUT", "mesa-results/x", "from the job", &answer), 200);
	free(answer);
	assert_int_equal(s3(&job, &machines[0], "GET", "mesa-results/x", NULL, &answer), 200);
	assert_string_equal(answer, "from the job");
	free(answer);
	assert_int_equal(s3(&job, &machines[0], "PUT", "mesa-traces/x", "no", &answer), 403);
	free(answer);
	assert_int_equal(finish_job(&job), 0);
	farm_await(*state, "/dut/" FARM_MAC, "state", "IDLE");
	await_end_of_access(&job, &machines[0], "mesa-results/x");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_directory_is_shared_with_the_machine),
		cmocka_unit_test(promise_33_credentials_open_their_jobs_bucket_alone_and_end_with_it),
		cmocka_unit_test(promise_9_a_killed_bucketd_loses_nothing),
		cmocka_unit_test(a_killed_executord_costs_no_job_its_bucket),
		cmocka_unit_test(a_groups_buckets_are_reached_by_its_users_jobs),
	};

	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, setup, teardown);
}
