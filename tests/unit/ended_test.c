/* What is kept of a daemon's ends, and how long its next start waits. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "libgateway/ended.h"
#include "libgateway/env.h"

static char dir[64];

static int setup(void **state)
{
	strcpy(dir, "/tmp/ended_test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct ended read_it(void)
{
	struct ended ended;

	assert_true(ended_read(dir, "pdud", &ended));
	return ended;
}

static void of_unit(const char *result, const char *code, const char *status)
{
	struct gw_error err = {0};

	setenv("SERVICE_RESULT", result, 1);
	setenv("EXIT_CODE", code, 1);
	setenv("EXIT_STATUS", status, 1);
	assert_true(ended_of_unit(dir, "pdud", &err));
}

static void one_that_never_ended_has_no_record(void **state)
{
	struct ended ended;

	assert_false(ended_read(dir, "pdud", &ended));
	assert_int_equal(ended.count, 0);
}

static void ends_are_counted_and_the_last_one_is_told(void **state)
{
	struct gw_error err = {0};

	assert_true(ended_note(dir, "pdud", "exit code 1", 0, &err));
	assert_true(ended_note(dir, "pdud", "signal 9 (Killed)", 200, &err));
	assert_int_equal(read_it().count, 2);
	assert_int_equal(read_it().back_off_ms, 200);
	assert_string_equal(read_it().how, "signal 9 (Killed)");
	assert_true(time(NULL) - read_it().at < 60);
}

static void a_record_that_is_none_counts_from_the_start(void **state)
{
	char path[96];
	struct gw_error err = {0};
	FILE *file;

	snprintf(path, sizeof(path), "%s/pdud.ended", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("7 x\n", file);
	fclose(file);
	assert_true(ended_note(dir, "pdud", "exit code 1", 0, &err));
	assert_int_equal(read_it().count, 1);
}

static void the_wait_doubles_with_each_early_end_up_to_5_s(void **state)
{
	const unsigned expected[] = {100, 200, 400, 800, 1600, 3200, 5000, 5000};
	unsigned wait = 0;

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		wait = ended_next_back_off(wait, true);
		assert_int_equal(wait, expected[i]);
	}
	assert_int_equal(ended_next_back_off(wait, false), 0);
}

static void what_systemd_says_is_told_as_the_supervisor_does(void **state)
{
	static const struct {
		const char *result, *code, *status, *how;
	} cases[] = {
		{"exit-code", "exited", "1", "exit code 1"},
		{"signal", "killed", "KILL", "signal 9 (Killed)"},
		{"core-dump", "dumped", "ABRT", "signal 6 (Aborted)"},
		{"watchdog", "killed", "KILL", "watchdog: it was silent for too long"},
		{"resources", "", "", "not started: resources"},
		{"success", "exited", "0", "exit code 0"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(NULL);
		of_unit(cases[i].result, cases[i].code, cases[i].status);
		assert_string_equal(read_it().how, cases[i].how);
		assert_int_equal(read_it().back_off_ms, 0); /* the first is started again at once */
		teardown(NULL);
	}
}

/* The record says that it ended so many seconds later: what follows does so as much earlier. However long the test takes. */
static void put_off(int seconds)
{
	struct ended last = read_it();
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/pdud.ended", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file, "%u %u %" PRId64 " %" PRId64 " %s\n", last.count, last.back_off_ms, last.at, last.at_boot_ms + seconds * 1000,
		last.how);
	fclose(file);
}

static void a_unit_that_fails_again_at_once_waits_and_a_stop_does_not(void **state)
{
	of_unit("exit-code", "exited", "1");
	put_off(3600);
	of_unit("exit-code", "exited", "1");
	assert_int_equal(read_it().back_off_ms, 100);
	put_off(3600);
	of_unit("exit-code", "exited", "1");
	assert_int_equal(read_it().back_off_ms, 200);
	put_off(3600);
	of_unit("success", "exited", "0");
	assert_int_equal(read_it().back_off_ms, 0);
	assert_int_equal(read_it().count, 4);
}

static void a_unit_that_fails_after_a_while_does_not_wait(void **state)
{
	of_unit("exit-code", "exited", "1");
	put_off(3600);
	of_unit("exit-code", "exited", "1");
	assert_int_equal(read_it().back_off_ms, 100);
	put_off(-4); /* 3 s, and what it waited */
	of_unit("exit-code", "exited", "1");
	assert_int_equal(read_it().back_off_ms, 0);
}

static void the_flag_of_the_units_notes_the_end_whatever_the_configuration_is_like(void **state)
{
	static const struct env_program program = {"pdud", "Switches power.", ENV_PDUD, NULL};
	char name[] = "pdud", flag[] = "--ended", *argv[] = {name, flag, NULL};
	struct env env = {0};
	struct gw_error err = {0};

	setenv("EXECUTOR_RUNTIME_DIR", dir, 1);
	setenv("PDUD_LEASE_GRACE", "soon", 1);
	setenv("SERVICE_RESULT", "exit-code", 1);
	setenv("EXIT_CODE", "exited", 1);
	setenv("EXIT_STATUS", "2", 1);
	assert_false(env_load(&env, &program, 2, argv, &err));
	assert_int_equal(err.kind, GW_OK);
	assert_string_equal(read_it().how, "exit code 2");
	env_finish(&env);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_that_never_ended_has_no_record, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_are_counted_and_the_last_one_is_told, setup, teardown),
		cmocka_unit_test_setup_teardown(a_record_that_is_none_counts_from_the_start, setup, teardown),
		cmocka_unit_test(the_wait_doubles_with_each_early_end_up_to_5_s),
		cmocka_unit_test(what_systemd_says_is_told_as_the_supervisor_does),
		cmocka_unit_test_setup_teardown(a_unit_that_fails_again_at_once_waits_and_a_stop_does_not, setup, teardown),
		cmocka_unit_test_setup_teardown(a_unit_that_fails_after_a_while_does_not_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(the_flag_of_the_units_notes_the_end_whatever_the_configuration_is_like, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
