/* `executord --standalone`: which daemons it starts, that there is one of it, and SIGHUP. What it does when they die is in
 * tests/e2e. In a network namespace of its own. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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
	assert_true(
		proc_has_said(&p, "EXECUTOR_STANDALONE_DAEMONS: 'salad' is not a daemon; accepted: bootsd pdud saladd artifactd gitlabd"));
	start(&p, "unbuilt", "pdud bucketd");
	assert_int_equal(proc_wait(&p), 2);
	assert_true(proc_has_said(&p, "EXECUTOR_STANDALONE_DAEMONS: bucketd is not built yet"));
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
		cmocka_unit_test(a_hangup_reads_the_database_again_and_ends_nothing),
		cmocka_unit_test(a_second_one_with_the_same_folders_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
