/* `executord --standalone`: which daemons it starts, that there is one of it, and SIGHUP. What it does when they die is in
 * tests/e2e. In a network namespace of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/files.h"
#include "tests/harness/farm.h"
#include "tests/harness/proc.h"

static void start(struct proc *p, const char *name, const char *daemons)
{
	static const char *const argv[] = {GW_BUILD_ROOT "/executord/executord", "--standalone", NULL};
	char list[128], file[600], states[600], runtime[600];
	const char *const env[] = {
		"FARM_NAME=alone", "SERGENT_HARTMAN_BOOT_COUNT=-1", "EXECUTOR_PORT=8123", list, file, states, runtime, NULL};

	snprintf(list, sizeof(list), "EXECUTOR_STANDALONE_DAEMONS=%s", daemons);
	snprintf(file, sizeof(file), "MARS_DB_FILE=%s", tmp_path("mars_db.yaml"));
	snprintf(states, sizeof(states), "EXECUTOR_STATE_DIR=%s", tmp_path("%s-state", name));
	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", tmp_path("%s-run", name));
	file_put(tmp_path("mars_db.yaml"), "pdus:\n  DUMMY: {driver: dummy, config: {ports: [one]}}\n");
	proc_start(p, name, argv, env);
}

static void a_word_that_is_no_daemon_is_refused(void **state)
{
	struct proc p;

	start(&p, "misspelt", "pdud salad");
	assert_int_equal(proc_wait(&p), 2);
	assert_true(proc_has_said(
		&p, "EXECUTOR_STANDALONE_DAEMONS: 'salad' is not a daemon; accepted: bootsd pdud saladd artifactd gitlabd bucketd"));
}

static void only_the_daemons_named_are_started(void **state)
{
	char line[256];
	size_t from = 0;
	struct proc p;

	start(&p, "few", "pdud saladd");
	assert_true(proc_await_file(p.log_path, &from, "bus: saladd*is there", line, sizeof(line)));
	proc_await(&p, "PDU 'DUMMY': OK");
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	assert_true(proc_has_said(&p, "pdud: exit code 0"));
	assert_true(proc_has_said(&p, "saladd: exit code 0"));
	assert_false(proc_has_said(&p, "bootsd: exit code"));
	assert_false(proc_has_said(&p, "artifactd: exit code"));
	assert_int_not_equal(access(tmp_path("few-run/bootsd.bus"), F_OK), 0);
}

/* The harness waited for all that there are, once. */
static void a_farm_without_some_daemons_serves_rest(void **state)
{
	static const char *const env[] = {"EXECUTOR_STANDALONE_DAEMONS= saladd  pdud", NULL};
	const struct farm_options options = {.env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm = farm_start(&options);

	farm_await(farm, "/full-state", "daemons/pdud/state", "up");
	farm_await(farm, "/full-state", "daemons/saladd/state", "up");
	assert_string_equal(farm_get("/full-state", "daemons/gitlabd/state"), "down");
	assert_int_not_equal(access(tmp_path("run/gitlabd.bus"), F_OK), 0);
	farm_stop(farm);
}

static void a_second_one_with_the_same_folders_is_refused(void **state)
{
	struct proc first, second;

	start(&first, "same", "pdud");
	proc_await(&first, "PDU 'DUMMY': OK");
	start(&second, "same", "pdud"); /* appends to the same log */
	proc_await(&second, "supervisor.lock: process * already runs");
	assert_int_equal(proc_wait(&second), 1);
	assert_int_equal(proc_end(&first, SIGTERM), 0);
}

static bool has_in_its_environment(const char *name, const char *daemon, const char *text)
{
	char path[64], environment[65536];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)file_lock_holder(tmp_path("%s-run/%s.lock", name, daemon)));
	file = fopen(path, "re");
	assert_non_null(file);
	n = fread(environment, 1, sizeof(environment), file);
	fclose(file);
	return memmem(environment, n, text, strlen(text)) != NULL;
}

/* This test is no pdud: it is not taken over, and so not ended with the farm. */
static void another_program_at_a_daemons_lock_is_left_alone(void **state)
{
	struct file_lock lock = {0};
	char held[64];
	struct proc p;

	assert_int_equal(mkdir(tmp_path("held-run"), 0755), 0);
	assert_true(file_lock_take(&lock, tmp_path("held-run/pdud.lock"), &(struct gw_error){0}));
	snprintf(held, sizeof(held), "pdud.lock: process %d already runs", (int)getpid());
	start(&p, "held", "pdud");
	proc_await(&p, held);
	proc_await(&p, "pdud: exit code 1; it is started again");
	file_lock_finish(&lock);
	proc_await(&p, "PDU 'DUMMY': OK");
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	assert_false(proc_has_said(&p, "pdud.lock: process * is taken over"));
}

static void promise_38_the_password_of_the_buckets_is_for_bucketd_alone(void **state)
{
	static const char *const others[] = {"executord", "pdud", "saladd"};
	struct proc p;

	setenv("MINIO_ROOT_USER", "the-admin", 1);
	setenv("MINIO_ROOT_PASSWORD", "c4n4ry-of-buckets", 1);
	setenv("BUCKETD_CONFIG", tmp_path("no-bucketd.yml"), 1);
	start(&p, "secret", "pdud saladd bucketd");
	proc_await(&p, "job buckets are on port 9000");
	for (size_t i = 0; i < 3; i++)
		await_socket(tmp_path("secret-run/%s.bus", others[i]));
	assert_true(has_in_its_environment("secret", "bucketd", "c4n4ry-of-buckets"));
	for (size_t i = 0; i < 3; i++) {
		assert_false(has_in_its_environment("secret", others[i], "c4n4ry"));
		assert_false(has_in_its_environment("secret", others[i], "the-admin"));
	}
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	assert_false(proc_has_said(&p, "c4n4ry"));
	unsetenv("MINIO_ROOT_USER");
	unsetenv("MINIO_ROOT_PASSWORD");
}

static void buckets_of_another_host_leave_bucketd_alone(void **state)
{
	struct proc p;

	setenv("MINIO_URL", "http://192.0.2.1:9000", 1);
	start(&p, "abroad", "pdud bucketd");
	proc_await(&p, "bucketd: exit code 0: it has nothing to do here");
	assert_int_equal(proc_end(&p, SIGTERM), 0);
	assert_false(proc_has_said(&p, "bucketd: exit code 0; it is started again"));
	unsetenv("MINIO_URL");
}

/* An edit by another name of the file, in another folder, is seen by nobody otherwise. */
static void a_hangup_reads_the_database_again_and_ends_nothing(void **state)
{
	static const char more[] = "  BAD: {driver: apc}\n";
	struct proc p;
	int fd;

	start(&p, "hangup", "pdud");
	proc_await(&p, "PDU 'DUMMY': OK");
	mkdir(tmp_path("elsewhere"), 0700);
	assert_int_equal(link(tmp_path("mars_db.yaml"), tmp_path("elsewhere/link.yaml")), 0);
	fd = open(tmp_path("elsewhere/link.yaml"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_int_equal(write(fd, more, sizeof(more) - 1), sizeof(more) - 1);
	close(fd);
	proc_signal(&p, SIGHUP);
	kill(file_lock_holder(tmp_path("hangup-run/executord.lock")), SIGHUP);
	proc_await(&p, "mars_db.yaml:3:17: pdus.BAD.driver: 'apc' is not a PDU driver*The database read at * stays in use.");
	assert_int_equal(proc_end(&p, SIGTERM), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_that_is_no_daemon_is_refused),
		cmocka_unit_test(only_the_daemons_named_are_started),
		cmocka_unit_test(a_farm_without_some_daemons_serves_rest),
		cmocka_unit_test(another_program_at_a_daemons_lock_is_left_alone),
		cmocka_unit_test(promise_38_the_password_of_the_buckets_is_for_bucketd_alone),
		cmocka_unit_test(buckets_of_another_host_leave_bucketd_alone),
		cmocka_unit_test(a_hangup_reads_the_database_again_and_ends_nothing),
		cmocka_unit_test(a_second_one_with_the_same_folders_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
