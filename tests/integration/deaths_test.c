/* Promises 8 to 11: kill -9 of the daemons at random moments of a job, one by one, jobd, and all at once; leftovers, and second instances.
 * Real daemons with a dummy PDU; the test is the machine at its serial line. In a network namespace of its own.
 *
 * DEATHS_ROUNDS (2): kills of each daemon; DEATHS_SEED. What is random is said, so that a failure can be had again. */
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"
#include "tests/harness/serial.h"

#define DUT     SERIAL_DUT
#define PORT    "/pdu/DUMMY/port/0"
#define LINES   40
#define LINE_MS 15

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one, two]}}\n"
			 "duts:\n"
			 "  '" SERIAL_MAC "': {base_name: box, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0, ready_for_service: true}\n";
static const char *const daemons[] = {"executord", "pdud", "bootsd", "artifactd", "saladd"};
#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

static unsigned rounds = 2, seed = 20251125;
static int serial;

static unsigned roll(unsigned n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", "PDUD_LEASE_GRACE=10", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	*state = farm_start(&options);
	serial = serial_open(SERIAL_MAC);
	farm_await(*state, DUT, "state", "IDLE");
	return 0;
}

static int stop(void **state)
{
	close(serial);
	farm_stop(*state);
	return 0;
}

static void await_idle_and_off(struct farm *farm)
{
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, PORT, "state", "OFF");
}

static void start_job(struct farm *farm, struct proc *client, const char *name)
{
	static const char *const of_ours[] = {"-i", SERIAL_MAC, NULL};

	farm_run_job(client, name, serial_job, of_ours, -1);
	proc_await(&farm->supervisor, "jobd*job=user-*the machine is powered");
}

/* In a process of its own: kill -9 after a while, so that it meets whatever the job is doing. */
static pid_t kill_later(pid_t victim, unsigned in_ms)
{
	pid_t pid;

	assert_true(victim > 0);
	pid = fork();
	if (pid == 0) {
		poll(NULL, 0, (int)in_ms);
		kill(victim, SIGKILL);
		_exit(0);
	}
	return pid;
}

/* The machine's console, line by line; a serial line whose SALAD is gone is connected again, and says all once more. */
static void talk(void)
{
	char line[64];
	int i = 0;

	while (i < LINES) {
		snprintf(line, sizeof(line), "line %d of the machine\n", i);
		if (write(serial, line, strlen(line)) != (ssize_t)strlen(line)) {
			close(serial);
			serial = serial_open(SERIAL_MAC);
			i = 0;
			continue;
		}
		poll(NULL, 0, LINE_MS);
		i++;
	}
}

static bool salad_is_gone(void)
{
	struct pollfd p = {.fd = serial, .events = POLLIN};
	char bytes[256];

	return poll(&p, 1, 0) == 1 && read(serial, bytes, sizeof(bytes)) <= 0;
}

/* Says the end until the job has heard it: what a machine says while it is not powered does not count. */
static int end_job(struct proc *client)
{
	static const char words[] = "it works\ngood bye\n";
	siginfo_t info = {0};

	while (waitid(P_PID, (id_t)client->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0) {
		if (salad_is_gone()) {
			close(serial);
			serial = serial_open(SERIAL_MAC);
			talk();
		}
		(void)!write(serial, words, sizeof(words) - 1); /* SALAD may go at any moment: it is looked at again */
		poll(NULL, 0, 200);
	}
	return proc_wait(client);
}

static void assert_console_is_complete(const struct proc *client, const char *what)
{
	char *log = proc_log(client), line[64];
	const char *at = log;

	for (int i = 0; i < LINES; i++) {
		const char *found;

		snprintf(line, sizeof(line), "line %d of the machine", i);
		found = strstr(at, line);
		if (!found)
			fail_msg("%s: '%s' is missing, or out of its order", what, line);
		at = found;
	}
	free(log);
}

/* From the moment that its submitter sees it: before, nobody was told yes. */
static void kill_one(struct farm *farm, const char *daemon)
{
	static const char *const of_ours[] = {"-i", SERIAL_MAC, NULL};
	unsigned in_ms = roll(LINES * LINE_MS + 400);
	char what[64];
	struct proc client;
	pid_t killer;
	int code;

	snprintf(what, sizeof(what), "kill-%s-%u", daemon, in_ms);
	print_message("kill -9 of %s after %u ms of a job\n", daemon, in_ms);
	farm_run_job(&client, what, serial_job, of_ours, -1);
	proc_await(&client, "version: 1");
	killer = kill_later(farm_pid(farm, daemon), in_ms);
	proc_await(&client, "the machine is powered");
	talk();
	waitpid(killer, NULL, 0);
	code = end_job(&client);
	if (code != 0) {
		proc_show(&client);
		proc_show(&farm->supervisor);
		fail_msg("%s: the job ended with %d", what, code);
	}
	assert_console_is_complete(&client, what);
	await_idle_and_off(farm);
}

static void promise_9_a_job_outlives_the_death_of_any_daemon_at_any_moment(void **state)
{
	for (unsigned round = 0; round < rounds; round++)
		for (size_t i = 0; i < DAEMONS; i++)
			kill_one(*state, daemons[i]);
}

static void assert_machine_serves(struct farm *farm, const char *name)
{
	struct proc client;

	start_job(farm, &client, name);
	assert_int_equal(end_job(&client), 0);
	await_idle_and_off(farm);
}

static void promise_10_a_killed_jobd_leaves_its_machine_off_its_job_told_and_the_next_one_served(void **state)
{
	struct farm *farm = *state;

	for (unsigned round = 0; round < rounds; round++) {
		static const char *const of_ours[] = {"-i", SERIAL_MAC, NULL};
		unsigned in_ms = roll(600);
		pid_t jobd = farm_spare_jobd(farm), killer;
		struct proc client;
		char name[32];
		int code;

		print_message("kill -9 of a jobd after %u ms\n", in_ms);
		snprintf(name, sizeof(name), "kill-jobd-%u", round);
		killer = kill_later(jobd, in_ms);
		farm_run_job(&client, name, serial_job, of_ours, -1);
		waitpid(killer, NULL, 0);
		code = end_job(&client);
		assert_true(code == 0 || code == 4 || code == 6); /* a spare that dies before it has the job is replaced */
		await_idle_and_off(farm);
		snprintf(name, sizeof(name), "after-jobd-%u", round);
		assert_machine_serves(farm, name);
	}
}

static void kill_all(struct farm *farm, pid_t jobd)
{
	kill(farm->supervisor.pid, SIGKILL);
	for (size_t i = 0; i < DAEMONS; i++) {
		pid_t pid = farm_pid(farm, daemons[i]);

		if (pid > 0) /* else it is dead already */
			kill(pid, SIGKILL);
	}
	kill(jobd, SIGKILL);
	proc_wait(&farm->supervisor);
}

static void promise_11_killed_all_at_once_no_port_stays_on_and_no_job_is_lost_unreported(void **state)
{
	struct farm *farm = *state;

	for (unsigned round = 0; round < rounds; round++) {
		static const char *const of_ours[] = {"-i", SERIAL_MAC, NULL};
		unsigned in_ms = roll(900);
		pid_t jobd = farm_spare_jobd(farm);
		struct proc client;
		char name[32];

		print_message("kill -9 of all after %u ms\n", in_ms);
		snprintf(name, sizeof(name), "kill-all-%u", round);
		farm_run_job(&client, name, serial_job, of_ours, -1);
		poll(NULL, 0, (int)in_ms);
		kill_all(farm, jobd);
		assert_int_not_equal(proc_wait(&client), 0); /* it was told, or saw its connection end */
		close(serial);
		farm_start_supervisor(farm);
		serial = serial_open(SERIAL_MAC);
		await_idle_and_off(farm);
		snprintf(name, sizeof(name), "after-all-%u", round);
		assert_machine_serves(farm, name);
	}
}

/* ---- promise 8 ---- */

static void second(struct farm *farm, const char *path, const char *argument, const char *refused)
{
	const char *const argv[] = {path, argument, NULL};
	struct proc other;

	proc_start(&other, "second", argv, farm->env);
	assert_int_equal(proc_wait(&other), 1);
	if (!proc_has_said(&other, refused)) {
		proc_show(&other);
		fail_msg("%s did not say: %s", path, refused);
	}
}

static void promise_8_a_second_instance_of_each_is_refused_and_says_who_holds_the_lock(void **state)
{
	struct farm *farm = *state;
	char path[512], refused[128];

	for (size_t i = 0; i < DAEMONS; i++) {
		snprintf(path, sizeof(path), GW_BUILD_ROOT "/%s/%s", daemons[i], daemons[i]);
		snprintf(refused, sizeof(refused), "%s*lock: process %d already runs", daemons[i], (int)farm_pid(farm, daemons[i]));
		second(farm, path, NULL, refused);
	}
	snprintf(refused, sizeof(refused), "supervisor.lock: process %d already runs", (int)farm->supervisor.pid);
	second(farm, GW_BUILD_ROOT "/executord/executord", "--standalone", refused);
	assert_machine_serves(farm, "beside-seconds");
}

/* Sockets, locks, temporary files, and state files that end in the middle. */
static void promise_8_what_killed_daemons_left_does_not_stop_a_start(void **state)
{
	static const char *const states[] = {"executord/duts.json", "pdud/ports.json", "pdud/configuration.json"};
	struct farm *farm = *state;
	pid_t jobd = farm_spare_jobd(farm);

	kill_all(farm, jobd);
	for (size_t i = 0; i < DAEMONS; i++)
		assert_int_equal(access(tmp_path("run/%s.bus", daemons[i]), F_OK), 0); /* there is something left */
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		char *path = gw_sprintf("%s/%s", farm->state_dir, states[i]), *text = file_get(path);

		text[strlen(text) / 2] = '\0';
		file_put(path, text);
		free(text);
		free(path);
	}
	close(serial);
	farm_start_supervisor(farm);
	serial = serial_open(SERIAL_MAC);
	proc_await(&farm->supervisor, "executord*duts.json: not JSON*; the machines begin anew");
	await_idle_and_off(farm);
	assert_machine_serves(farm, "after-leftovers");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_8_a_second_instance_of_each_is_refused_and_says_who_holds_the_lock),
		cmocka_unit_test(promise_9_a_job_outlives_the_death_of_any_daemon_at_any_moment),
		cmocka_unit_test(promise_10_a_killed_jobd_leaves_its_machine_off_its_job_told_and_the_next_one_served),
		cmocka_unit_test(promise_11_killed_all_at_once_no_port_stays_on_and_no_job_is_lost_unreported),
		cmocka_unit_test(promise_8_what_killed_daemons_left_does_not_stop_a_start),
	};

	signal(SIGPIPE, SIG_IGN);
	if (getenv("DEATHS_ROUNDS"))
		rounds = (unsigned)atoi(getenv("DEATHS_ROUNDS"));
	if (getenv("DEATHS_SEED"))
		seed = (unsigned)atoi(getenv("DEATHS_SEED"));
	cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
	return cmocka_run_group_tests(tests, start, stop);
}
