/* Promise 15 without systemd: `executord --standalone` kills what is stuck and starts it again, holds back what ends again and again, and
 * REST tells of both. In a network namespace of its own. */
#include <poll.h>
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

#include "tests/harness/farm.h"

#define STATE "/full-state"

static const char *const daemons[] = {"bootsd", "pdud", "saladd", "artifactd", "gitlabd", "executord"};
#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

static int setup(void **state)
{
	static const char *const env[] = {"EXECUTOR_WATCHDOG=4", NULL};
	const struct farm_options options = {
		.db = "pdus:\n  DUMMY: {driver: dummy, config: {ports: [one]}}\n", .env = env, .no_vpdu = true, .no_files = true};

	*state = farm_start(&options);
	return 0;
}

static int teardown(void **state)
{
	farm_stop(*state);
	return 0;
}

static const char *key(const char *daemon, const char *field)
{
	static char keys[4][64];
	static unsigned next;
	char *text = keys[next++ % 4];

	snprintf(text, sizeof(keys[0]), "daemons/%s/%s", daemon, field);
	return text;
}

static void at_first_all_are_up_and_none_has_ended(void **state)
{
	struct farm *farm = *state;

	for (size_t i = 0; i < DAEMONS; i++) {
		char pid[16];

		farm_await(farm, STATE, key(daemons[i], "state"), "up");
		snprintf(pid, sizeof(pid), "%d", (int)farm_pid(farm, daemons[i]));
		assert_string_equal(farm_get(STATE, key(daemons[i], "pid")), pid);
		assert_string_equal(farm_get(STATE, key(daemons[i], "restarts")), "0");
		assert_string_equal(farm_get(STATE, key(daemons[i], "last_exit")), "null");
		assert_string_equal(farm_get(STATE, key(daemons[i], "back_off")), "0");
	}
}

static void promise_15_a_stuck_jobd_is_killed_and_the_next_job_has_another(void **state)
{
	struct farm *farm = *state;
	pid_t spare = farm_spare_jobd(farm);
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "executord info: bus: jobd-%d (process %d) is there", (int)spare, (int)spare);
	proc_await(&farm->supervisor, pattern);
	kill(spare, SIGSTOP);
	snprintf(pattern, sizeof(pattern), "jobd: process %d is stuck", (int)spare);
	proc_await(&farm->supervisor, pattern);
	proc_await(&farm->supervisor, "a spare jobd died");
	assert_int_not_equal(farm_spare_jobd(farm), spare);
}

static void promise_15_a_stuck_daemon_is_killed_and_started_again(void **state)
{
	struct farm *farm = *state;
	pid_t stuck[DAEMONS];
	char pattern[128];

	for (size_t i = 0; i < DAEMONS; i++) {
		stuck[i] = farm_pid(farm, daemons[i]);
		assert_int_equal(kill(stuck[i], SIGSTOP), 0);
	}
	for (size_t i = 0; i < DAEMONS; i++) {
		farm_await(farm, STATE, key(daemons[i], "last_exit"), "watchdog: it was silent for too long");
		farm_await(farm, STATE, key(daemons[i], "state"), "up");
		assert_int_not_equal(farm_pid(farm, daemons[i]), stuck[i]);
		assert_string_equal(farm_get(STATE, key(daemons[i], "restarts")), "1");
		snprintf(pattern, sizeof(pattern), "%s: process %d is stuck: it has not said for * s that it is alive; it is killed",
			 daemons[i], (int)stuck[i]);
		assert_true(proc_has_said(&farm->supervisor, pattern));
	}
}

/* 0.1 s, doubled each time, at most 5 s. */
static bool is_a_back_off(unsigned ms)
{
	unsigned doubled = 100;

	while (doubled < ms)
		doubled *= 2;
	return ms == doubled || ms == 5000;
}

/* A folder where its socket belongs lets no saladd start. */
static void promise_15_a_crash_loop_backs_off_and_shows_in_rest(void **state)
{
	struct farm *farm = *state;
	char *socket_path = strdup(tmp_path("run/saladd.bus"));
	unsigned back_off_ms = 0;

	unlink(socket_path);
	assert_int_equal(mkdir(socket_path, 0755), 0);
	kill(farm_pid(farm, "saladd"), SIGKILL);
	proc_await(&farm->supervisor, "saladd: signal 9 (Killed)");
	farm_await(farm, STATE, key("saladd", "state"), "failing");
	while (back_off_ms < 800) { /* each value is there for so long only: not every one is seen */
		unsigned before = back_off_ms;

		proc_await(&farm->supervisor, "saladd: exit code 1; it is started again soon");
		back_off_ms = (unsigned)(atof(farm_get(STATE, key("saladd", "back_off"))) * 1000 + 0.5);
		assert_true(back_off_ms >= before && is_a_back_off(back_off_ms));
	}
	assert_string_equal(farm_get(STATE, key("saladd", "last_exit")), "exit code 1");
	assert_true(atoi(farm_get(STATE, key("saladd", "restarts"))) >= 4);
	assert_int_equal(rmdir(socket_path), 0);
	farm_await(farm, STATE, key("saladd", "state"), "up");
	assert_string_equal(farm_get(STATE, key("saladd", "back_off")), "0");
	free(socket_path);
}

/* What the daemons said meanwhile is heard first. */
static void a_supervisor_that_was_stopped_itself_kills_nobody(void **state)
{
	struct farm *farm = *state;
	pid_t before[DAEMONS];

	for (size_t i = 0; i < DAEMONS; i++)
		before[i] = farm_pid(farm, daemons[i]);
	proc_signal(&farm->supervisor, SIGSTOP);
	poll(NULL, 0, 5000); /* longer than the watchdog: nothing tells that time has passed */
	proc_signal(&farm->supervisor, SIGCONT);
	kill(before[0], SIGKILL); /* its restart shows that the supervisor goes on */
	farm_await(farm, STATE, key(daemons[0], "last_exit"), "signal 9 (Killed)");
	farm_await(farm, STATE, key(daemons[0], "state"), "up");
	for (size_t i = 1; i < DAEMONS; i++)
		assert_int_equal(farm_pid(farm, daemons[i]), before[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_first_all_are_up_and_none_has_ended),
		cmocka_unit_test(promise_15_a_stuck_jobd_is_killed_and_the_next_job_has_another),
		cmocka_unit_test(promise_15_a_stuck_daemon_is_killed_and_started_again),
		cmocka_unit_test(promise_15_a_crash_loop_backs_off_and_shows_in_rest),
		cmocka_unit_test(a_supervisor_that_was_stopped_itself_kills_nobody),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
