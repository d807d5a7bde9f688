/* The life of a machine: what admins, edits, jobs and deaths of processes lead it through. Real daemons with a dummy PDU; the test is the
 * machine at its serial line. In a network namespace of its own. */
#include <dirent.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"
#include "tests/harness/serial.h"

#define MAC  SERIAL_MAC
#define DUT  SERIAL_DUT
#define PORT "/pdu/DUMMY/port/0"

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one, two, three]}}\n"
			 "duts:\n"
			 "  '" MAC "':\n"
			 "    base_name: box\n"
			 "    pdu: DUMMY\n"
			 "    pdu_port_id: 0\n"
			 "    pdu_off_delay: 0\n"
			 "    ready_for_service: true\n";

static int serial;

static int start(void **state)
{
	static char registration[600], loops[600];
	static const char *const env[] = {registration,
					  loops,
					  "SERGENT_HARTMAN_BOOT_COUNT=1",
					  "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=1",
					  "SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY=600",
					  "PDUD_LEASE_GRACE=8",
					  "EXECUTOR_JOB_LOGS_SIZE=1",
					  NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	file_put(tmp_path("job.yml"), serial_job);
	snprintf(registration, sizeof(registration), "EXECUTOR_REGISTRATION_JOB=%s", tmp_path("job.yml"));
	snprintf(loops, sizeof(loops), "EXECUTOR_BOOTLOOP_JOB=%s", tmp_path("job.yml"));
	*state = farm_start(&options);
	serial = serial_open(MAC);
	return 0;
}

static int stop(void **state)
{
	close(serial);
	farm_stop(*state);
	return 0;
}

static void await_power(struct farm *farm, const char *kind)
{
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "jobd*job=%s-*the machine is powered", kind);
	proc_await(&farm->supervisor, pattern);
}

/* The next job of this kind powers the machine, and this is what it says. */
static void boot(struct farm *farm, const char *kind, const char *says)
{
	await_power(farm, kind);
	serial_say(serial, says);
}

static void await_step(struct farm *farm, const char *step)
{
	char pattern[256];

	snprintf(pattern, sizeof(pattern), "executord*dut=test-box-1 %s", step);
	proc_await(&farm->supervisor, pattern);
}

static void await_idle_and_off(struct farm *farm)
{
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, PORT, "state", "OFF");
	assert_string_equal(farm_get(DUT, "ready_for_service"), "true");
}

/* ---- the gateway's boot, retiring, activating ---- */

static void a_ready_machine_is_checked_when_the_gateway_boots(void **state)
{
	struct farm *farm = *state;

	await_step(farm, "WAIT_FOR_CONFIG -> QUICK_CHECK event=ACTIVATE_CHECK the gateway has booted");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
}

static void retired_while_idle_it_is_checked_on_activation(void **state)
{
	struct farm *farm = *state;

	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	assert_string_equal(farm_get(DUT, "state"), "RETIRED");
	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	await_step(farm, "RETIRED -> QUICK_CHECK event=ACTIVATE_CHECK database");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
}

static void retired_while_it_is_checked_the_check_ends_and_nothing_is_held_against_it(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", DUT "/quick_check", "{}");
	await_power(farm, "quick_check");
	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	farm_await(farm, DUT, "state", "RETIRED");
	farm_await(farm, PORT, "state", "OFF");
	assert_string_equal(farm_get(DUT, "ready_for_service"), "true");
	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
}

static void retired_and_activated_within_one_check_it_stays_ready_and_is_checked_again(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", DUT "/quick_check", "{}");
	await_power(farm, "quick_check");
	kill(farm_pid(farm, "pdud"), SIGSTOP); /* so that the first check cannot end between the two */
	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	kill(farm_pid(farm, "pdud"), SIGCONT);
	await_step(farm, "QUICK_CHECK -> QUICK_CHECK event=CUT_SHORT*");
	assert_string_equal(farm_get(DUT, "ready_for_service"), "true");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
}

static void start_job(struct farm *farm, struct proc *client, const char *name, const char *yaml)
{
	static const char *const of_ours[] = {"-i", MAC, NULL};

	farm_run_job(client, name, yaml, of_ours, -1);
	await_power(farm, "user");
}

static void retired_and_activated_within_one_job_it_is_checked_behind_it(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	start_job(farm, &client, "busy", serial_job);
	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	assert_string_equal(farm_get(DUT, "state"), "RUNNING");
	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	serial_say(serial, "it works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	await_step(farm, "RUNNING -> QUICK_CHECK event=JOB_ENDED_CHECK*");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
}

/* ---- training ---- */

static void a_failed_check_leads_through_training_back_to_service(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", DUT "/quick_check", "{}");
	assert_int_equal(farm_request("GET", DUT "/quick_check", NULL, NULL), 200);
	boot(farm, "quick_check", "Mismatch\ngood bye\n");
	await_step(farm, "QUICK_CHECK -> TRAINING event=QUICK_CHECK_FAILED*");
	farm_await(farm, DUT, "ready_for_service", "false");
	boot(farm, "registration", "it works\ngood bye\n");
	boot(farm, "boot_loop", "no\ngood bye\n");
	await_step(farm, "TRAINING -> TRAINING event=LOOPS_FAILED*");
	boot(farm, "registration", "it works\ngood bye\n");
	boot(farm, "boot_loop", "it works\ngood bye\n");
	await_step(farm, "TRAINING -> IDLE event=TRAINING_PASSED*");
	await_idle_and_off(farm);
}

static void an_unfit_machine_ends_its_job_and_is_trained(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	start_job(farm, &client, "unfit", serial_job);
	serial_say(serial, "I am broken\n");
	assert_int_equal(proc_wait(&client), 4);
	await_step(farm, "RUNNING -> TRAINING event=JOB_ENDED_UNFIT*");
	farm_await(farm, DUT, "ready_for_service", "false");
}

static void retired_in_training_it_goes_on_where_it_was_when_it_is_active_again(void **state)
{
	struct farm *farm = *state;

	await_power(farm, "registration");
	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	farm_await(farm, DUT, "state", "RETIRED");
	farm_await(farm, PORT, "state", "OFF");
	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	await_step(farm, "RETIRED -> TRAINING event=ACTIVATE_TRAIN*");
}

static void retired_in_the_retrial_delay_it_does_not_wait_for_its_end(void **state)
{
	struct farm *farm = *state;

	boot(farm, "registration", "no\ngood bye\n");
	farm_await(farm, DUT, "training/state", "REGISTRATION_FAILED");
	farm_kill(farm, "executord"); /* the delay goes on in the next one */
	await_step(farm, "is TRAINING as before the restart*");
	farm_await(farm, DUT, "training/state", "REGISTRATION_FAILED");
	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	farm_await(farm, DUT, "state", "RETIRED");
	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	await_power(farm, "registration");
}

static void ready_by_hand_ends_the_training_and_not_ready_begins_it(void **state)
{
	struct farm *farm = *state;

	farm_do("PATCH", DUT, "{\"ready_for_service\": true}");
	await_step(farm, "TRAINING -> IDLE event=JOB_ENDED*");
	await_idle_and_off(farm);
	farm_do("PATCH", DUT, "{\"ready_for_service\": false}");
	await_step(farm, "IDLE -> TRAINING event=READY_CLEARED*");
	await_power(farm, "registration");
	farm_do("PATCH", DUT, "{\"ready_for_service\": true}");
	await_idle_and_off(farm);
}

static void loops_and_their_logs_outlive_the_death_of_executord(void **state)
{
	struct farm *farm = *state;
	char *log, *before;

	farm_do("PATCH", DUT, "{\"ready_for_service\": false}");
	boot(farm, "registration", "it works\ngood bye\n");
	await_power(farm, "boot_loop");
	serial_say(serial, "this is the end\n");
	farm_kill(farm, "executord");
	serial_say(serial, "good bye\n"); /* its jobd carries it on */
	await_step(farm, "is TRAINING as before the restart job=boot_loop-*");
	await_step(farm, "TRAINING -> TRAINING event=LOOPS_FAILED*"); /* one of one */
	await_power(farm, "registration");
	farm_do("PATCH", DUT, "{\"ready_for_service\": true}");
	await_idle_and_off(farm);
	before = gw_strdup(farm_get(DUT, "training"));
	assert_string_equal(before, "{\"state\":\"IDLE\"}");
	free(before);
	assert_int_equal(farm_request("GET", DUT "/training/loop/0", NULL, &log), 404);
	free(log);
}

/* ---- what a firmware takes ---- */

static const char deaf_job[] = "version: 1\n"
			       "target: {id: " MAC "}\n"
			       "timeouts: {firmware_boot: {milliseconds: 100, retries: 3}}\n"
			       "console_patterns: {session_end: {regex: '^good bye'}, job_success: {regex: '^it works'}}\n"
			       "deployment: {start: {kernel: {data: a kernel}}}\n";

static void a_firmware_that_used_up_its_retries_is_checked_behind_the_job(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	start_job(farm, &client, "deaf", deaf_job);
	assert_int_equal(proc_wait(&client), 4);
	assert_true(proc_has_said(&client, "the timeout firmware_boot of 0.1 s was hit"));
	await_step(farm, "RUNNING -> QUICK_CHECK event=JOB_ENDED_CHECK*");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
}

/* ---- ports, by edits ---- */

static void a_machine_that_loses_its_port_ends_its_job_and_waits(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	start_job(farm, &client, "unplugged", serial_job);
	farm_edit_db(farm, "    pdu: DUMMY\n    pdu_port_id: 0\n", "");
	assert_int_equal(proc_wait(&client), 4);
	farm_await(farm, DUT, "state", "WAIT_FOR_CONFIG");
	farm_await(farm, PORT, "state", "OFF");
	assert_string_equal(farm_get(DUT, "has_pdu_assigned"), "false");
}

static void a_machine_that_gains_a_port_is_checked_there(void **state)
{
	struct farm *farm = *state;

	farm_edit_db(farm, "    base_name: box\n", "    base_name: box\n    pdu: DUMMY\n    pdu_port_id: 1\n");
	boot(farm, "quick_check", "it works\ngood bye\n");
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "OFF");
}

static void a_machine_at_another_port_is_checked_anew_and_its_old_port_is_off(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", DUT "/quick_check", "{}");
	await_power(farm, "quick_check");
	farm_edit_db(farm, "pdu_port_id: 1", "pdu_port_id: 0");
	await_step(farm, "QUICK_CHECK -> QUICK_CHECK event=UNCONFIGURED*");
	await_step(farm, "QUICK_CHECK -> QUICK_CHECK event=CUT_SHORT*");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
	assert_string_equal(farm_get("/pdu/DUMMY/port/1", "state"), "OFF");
}

/* Else the new one's check would fail for the old one's lease. */
static void a_machine_that_takes_over_a_port_waits_for_the_job_there(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	start_job(farm, &client, "evicted", serial_job);
	kill(farm_pid(farm, "pdud"), SIGSTOP); /* the job cannot end */
	farm_edit_db(farm, "    pdu: DUMMY\n    pdu_port_id: 0\n", "");
	farm_edit_db(farm, "duts:\n",
		     "duts:\n  '52:54:00:00:00:02': {base_name: other, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0, ready_for_service: "
		     "true}\n");
	proc_await(&farm->supervisor, "executord*dut=test-other-1 WAIT_FOR_CONFIG -> QUICK_CHECK event=ACTIVATE_CHECK*");
	kill(farm_pid(farm, "pdud"), SIGCONT);
	assert_int_equal(proc_wait(&client), 4);
	await_power(farm, "quick_check");
	assert_string_equal(farm_get(DUT, "state"), "WAIT_FOR_CONFIG");
	farm_do("DELETE", "/dut/52:54:00:00:00:02", NULL);
	farm_await(farm, PORT, "state", "OFF");
	farm_edit_db(farm, "    base_name: box\n", "    base_name: box\n    pdu: DUMMY\n    pdu_port_id: 0\n");
	boot(farm, "quick_check", "it works\ngood bye\n");
	await_idle_and_off(farm);
}

static void two_machines_at_one_port_are_refused(void **state)
{
	struct farm *farm = *state;

	farm_edit_db(farm, "duts:\n", "duts:\n  '52:54:00:00:00:02': {base_name: box, pdu: DUMMY, pdu_port_id: 0}\n");
	farm_await(farm, "/full-state", "database/error",
		   "*duts.'" MAC "'.pdu_port_id: port '0' of PDU 'DUMMY' is that of '52:54:00:00:00:02' already*");
	assert_int_equal(farm_request("GET", "/dut/52:54:00:00:00:02", NULL, NULL), 404);
	assert_string_equal(farm_get(DUT, "state"), "IDLE");
	farm_edit_db(farm, "  '52:54:00:00:00:02': {base_name: box, pdu: DUMMY, pdu_port_id: 0}\n", "");
	farm_await(farm, "/full-state", "database/error", "(none)");
}

/* ---- jobds that hang, and what is kept of a job ---- */

/* Anywhere in the log, before or behind what was awaited. */
static void await_said(struct farm *farm, const char *pattern)
{
	char line[512];
	size_t from = 0;

	assert_true(proc_await_file(farm->supervisor.log_path, &from, pattern, line, sizeof(line)));
}

/* The one that takes the next job, known to executord. */
static pid_t spare_jobd(struct farm *farm)
{
	pid_t spare = farm_spare_jobd(farm);
	char pattern[64];

	snprintf(pattern, sizeof(pattern), "executord*bus: jobd-%d (process %d) is there", (int)spare, (int)spare);
	await_said(farm, pattern);
	return spare;
}

static void a_frozen_spare_jobd_is_replaced_and_the_job_runs_with_the_next(void **state)
{
	struct farm *farm = *state;
	pid_t spare = spare_jobd(farm);
	struct proc client;

	kill(spare, SIGSTOP);
	start_job(farm, &client, "frozen", serial_job);
	await_said(farm, "jobd: signal 9 (Killed)");
	serial_say(serial, "it works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	await_idle_and_off(farm);
}

static void a_jobd_that_hangs_in_its_job_is_killed_when_it_misses_a_cancel(void **state)
{
	struct farm *farm = *state;
	pid_t spare = spare_jobd(farm);
	struct pollfd its_end = {.fd = (int)syscall(SYS_pidfd_open, spare, 0), .events = POLLIN};
	struct proc client;

	assert_true(its_end.fd >= 0);
	start_job(farm, &client, "hangs", serial_job);
	kill(spare, SIGSTOP);
	farm_do("POST", DUT "/cancel_job", "{}");
	proc_await(&farm->supervisor, "executord*job=user-* is lost: its jobd does not answer");
	proc_await(&farm->supervisor, "executord*jobd-* is killed: its jobd does not answer");
	assert_int_equal(proc_wait(&client), 4);
	await_idle_and_off(farm);
	assert_int_equal(poll(&its_end, 1, PROC_PATIENCE_MS), 1);
	close(its_end.fd);
}

/* Its executord was killed between the answer to REST and the word to jobd. */
static void a_cancel_is_said_again_by_the_next_executord(void **state)
{
	struct farm *farm = *state;
	char path[600], *text, *at, *edited;
	struct proc client;

	start_job(farm, &client, "to-cancel", serial_job);
	farm_await(farm, DUT, "state", "RUNNING");
	snprintf(path, sizeof(path), "%s/executord/duts.json", farm->state_dir);
	proc_signal(&farm->supervisor, SIGSTOP);
	farm_kill(farm, "executord");
	text = file_get(path);
	at = strstr(text, "\"jobd\":\"");
	assert_non_null(at);
	edited = gw_sprintf("%.*s\"cancel_reason\":\"by hand\",%s", (int)(at - text), text, at);
	file_put(path, edited);
	free(edited);
	free(text);
	proc_signal(&farm->supervisor, SIGCONT);
	proc_await(&farm->supervisor, "jobd*job=user-*cancelled: by hand*");
	assert_int_equal(proc_wait(&client), 4);
	await_idle_and_off(farm);
}

/* Whether the log has the pattern between the two places. */
static bool was_said_between(const struct farm *farm, size_t from, size_t to, const char *pattern)
{
	char *log = proc_log(&farm->supervisor);
	bool said = glob_line(pattern, log + from, to - from);

	free(log);
	return said;
}

/* Whether that took place: what executord had to write before may have been late, and it was killed at that. */
static bool kill_executord_at_the_result(struct farm *farm)
{
	size_t from = farm->supervisor.seen;
	char pid[16], strace[512];
	const char *const argv[] = {"strace", "-f", "-o", strace, "-p", pid, "-e", "trace=rename", "-e", "inject=rename:signal=KILL", NULL};
	struct proc tracer;

	snprintf(strace, sizeof(strace), "%s", tmp_path("strace.log"));
	farm_do("POST", DUT "/quick_check", "{}");
	await_power(farm, "quick_check");
	snprintf(pid, sizeof(pid), "%d", (int)farm_pid(farm, "executord"));
	proc_start(&tracer, "strace", argv, NULL);
	proc_await(&tracer, "strace: Process * attached");
	serial_say(serial, "it works\ngood bye\n");
	await_step(farm, "QUICK_CHECK -> IDLE event=QUICK_CHECK_PASSED*");
	proc_wait(&tracer);
	return !was_said_between(farm, from, farm->supervisor.seen, "executord*is QUICK_CHECK as before the restart");
}

/* Killed at the first system call with which it would replace its file, while its jobd says the result. */
static void a_result_counts_although_executord_is_killed_before_it_is_on_the_disk(void **state)
{
	struct farm *farm = *state;

	while (!kill_executord_at_the_result(farm))
		await_idle_and_off(farm);
	await_step(farm, "is QUICK_CHECK as before the restart job=quick_check-*");
	await_step(farm, "QUICK_CHECK -> IDLE event=QUICK_CHECK_PASSED*status=PASS*");
	await_idle_and_off(farm);
}

/* At all three that it opened something at. */
static void the_capability_of_a_job_that_has_ended_is_revoked(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	char path[600], job[64] = "", *records;
	const char *line;

	start_job(farm, &client, "revoked", serial_job);
	serial_say(serial, "it works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	line = proc_await(&farm->supervisor, "executord*RUNNING -> IDLE event=JOB_ENDED job=user-*");
	sscanf(strstr(line, "job=user-"), "job=%63s", job);
	await_idle_and_off(farm);
	snprintf(path, sizeof(path), "executord*job=%s its capability is good for nothing any more", job);
	proc_await(&farm->supervisor, path);
	snprintf(path, sizeof(path), "%s/pdud/ports.json", farm->state_dir);
	records = file_get(path);
	assert_non_null(strstr(records, job));
	free(records);
}

static void await_no_file(const char *path)
{
	char *dir = gw_sprintf("%.*s", (int)(strrchr(path, '/') - path), path), events[4096];
	struct pollfd p = {.fd = inotify_init1(IN_CLOEXEC), .events = POLLIN};

	assert_true(inotify_add_watch(p.fd, dir, IN_DELETE | IN_MOVED_FROM) >= 0);
	while (access(path, F_OK) == 0) {
		if (poll(&p, 1, PROC_PATIENCE_MS) != 1)
			fail_msg("%s is still there", path);
		assert_true(read(p.fd, events, sizeof(events)) > 0);
	}
	close(p.fd);
	free(dir);
}

static void old_logs_of_jobs_make_room_for_new_ones(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	char *old = gw_sprintf("%s/jobs/user-0-1.log", farm->state_dir), *bytes = gw_calloc(1, (1 << 20) + 2);

	memset(bytes, 'x', (1 << 20) + 1);
	start_job(farm, &client, "logged", serial_job);
	file_put(old, bytes);
	serial_say(serial, "it works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	await_idle_and_off(farm);
	await_no_file(old);
	free(bytes);
	free(old);
}

/* ---- discoveries ---- */

#define PORT_1 "/pdu/DUMMY/port/1"

static void discover(struct farm *farm, const char *more)
{
	char ask[128];

	farm_await(farm, PORT_1, "state", "*F*"); /* it is known, and OFF or made so */
	farm_do("PATCH", PORT_1, "{\"state\": \"off\"}");
	snprintf(ask, sizeof(ask), "{\"pdu\": \"DUMMY\", \"port_id\": 1%s}", more);
	farm_do("POST", "/dut/discover", ask);
	proc_await(&farm->supervisor, "pdud*port 1 of PDU 'DUMMY': * -> ON");
}

#define NOBODY_CAME "executord*discovery at DUMMY port 1 ends: no unknown machine showed up in time"

/* A discovery whose time is over while pdud does nothing, which `hold` sees to. It may have been over before: then another one has more
 * time. */
static void discover_in_vain(struct farm *farm, void (*hold)(struct farm *farm), void (*go_on)(struct farm *farm))
{
	char more[32], *log;
	double seconds = 3;

	for (;; seconds *= 2) {
		size_t from = farm->supervisor.seen;
		bool done;

		snprintf(more, sizeof(more), ", \"timeout\": %g", seconds);
		discover(farm, more);
		hold(farm);
		farm_get("/dut/discover", "port_id"); /* what executord did before is in its log */
		log = proc_log(&farm->supervisor);
		done = !glob_line(NOBODY_CAME, log + from, strlen(log + from));
		free(log);
		if (done)
			break;
		go_on(farm);
		proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 is over");
	}
	proc_await(&farm->supervisor, NOBODY_CAME);
	assert_string_equal(farm_get("/dut/discover", "port_id"), "1");
}

static void stop_pdud(struct farm *farm)
{
	kill(farm_pid(farm, "pdud"), SIGSTOP);
}

static void let_pdud_go_on(struct farm *farm)
{
	kill(farm_pid(farm, "pdud"), SIGCONT);
}

static void a_discovery_shows_until_its_port_is_off(void **state)
{
	struct farm *farm = *state;
	char *answer;

	discover_in_vain(farm, stop_pdud, let_pdud_go_on);
	assert_int_equal(farm_request("POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 2}", &answer), 400);
	assert_string_equal(answer, "{\"error\":\"the last discovery, at port 1 of DUMMY, ends once its port is OFF; try again\"}");
	free(answer);
	let_pdud_go_on(farm);
	proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 is over");
	assert_string_equal(farm_get("/dut/discover", "port_id"), "(none)");
	farm_await(farm, PORT_1, "state", "OFF");
}

static void a_discovery_goes_on_after_the_death_of_executord(void **state)
{
	struct farm *farm = *state;

	discover(farm, "");
	farm_kill(farm, "executord");
	proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 goes on after the restart");
	proc_await(&farm->supervisor, "executord*bus: pdud (process *) is there");
	proc_await(&farm->supervisor, "bootsd*, and a discovery goes on"); /* pdud has given the port again */
	assert_string_equal(farm_get("/dut/discover", "port_id"), "1");
	farm_do("POST", "/machine/",
		"{\"base_name\": \"found\", \"tags\": [], \"mac_address\": \"52:54:00:00:00:07\", \"ip_address\": \"10.42.0.7\", "
		"\"local_tty_device\": null}");
	farm_await(farm, "/dut/52:54:00:00:00:07", "state", "TRAINING");
	assert_string_equal(farm_get("/dut/52:54:00:00:00:07", "pdu/port_id"), "1");
	assert_string_not_equal(farm_get("/dut/52:54:00:00:00:07", "firmware_boot_time"), "null");
	farm_do("DELETE", "/dut/52:54:00:00:00:07", NULL);
	farm_await(farm, PORT_1, "state", "OFF");
	farm_await(farm, "/dut/52:54:00:00:00:07", "id", "(none)");
}

/* And not started again before the supervisor may go on. */
static void kill_pdud(struct farm *farm)
{
	proc_signal(&farm->supervisor, SIGSTOP);
	farm_kill(farm, "pdud");
}

static void let_the_supervisor_go_on(struct farm *farm)
{
	proc_signal(&farm->supervisor, SIGCONT);
}

static void a_discovery_ends_when_pdud_is_back(void **state)
{
	struct farm *farm = *state;

	discover_in_vain(farm, kill_pdud, let_the_supervisor_go_on);
	let_the_supervisor_go_on(farm);
	proc_await(&farm->supervisor, "pdud*port 1 of PDU 'DUMMY': *gives it back");
	proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 is over");
	farm_await(farm, PORT_1, "state", "OFF");
}

static void a_port_that_is_assigned_meanwhile_is_left_to_its_machine(void **state)
{
	struct farm *farm = *state;
	static const char entry[] =
		"  '52:54:00:00:00:08': {base_name: spot, pdu: DUMMY, pdu_port_id: 1, pdu_off_delay: 0, is_retired: true}\n";
	char *with = gw_sprintf("duts:\n%s", entry);

	discover(farm, "");
	farm_edit_db(farm, "duts:\n", with);
	proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 ends: the port is that of 52:54:00:00:00:08 now");
	proc_await(&farm->supervisor, "pdud*leaves it as it is");
	farm_do("DELETE", "/dut/discover", NULL);
	proc_await(&farm->supervisor, "pdud*port 1 of PDU 'DUMMY': it was left ON and nobody took it: OFF"); /* a retired one has no job */
	farm_await(farm, PORT_1, "state", "OFF");
	farm_edit_db(farm, entry, "");
	farm_await(farm, "/dut/52:54:00:00:00:08", "id", "(none)");
	free(with);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ready_machine_is_checked_when_the_gateway_boots),
		cmocka_unit_test(retired_while_idle_it_is_checked_on_activation),
		cmocka_unit_test(retired_while_it_is_checked_the_check_ends_and_nothing_is_held_against_it),
		cmocka_unit_test(retired_and_activated_within_one_check_it_stays_ready_and_is_checked_again),
		cmocka_unit_test(retired_and_activated_within_one_job_it_is_checked_behind_it),
		cmocka_unit_test(a_failed_check_leads_through_training_back_to_service),
		cmocka_unit_test(a_firmware_that_used_up_its_retries_is_checked_behind_the_job),
		cmocka_unit_test(a_machine_that_loses_its_port_ends_its_job_and_waits),
		cmocka_unit_test(a_machine_that_gains_a_port_is_checked_there),
		cmocka_unit_test(a_machine_at_another_port_is_checked_anew_and_its_old_port_is_off),
		cmocka_unit_test(a_machine_that_takes_over_a_port_waits_for_the_job_there),
		cmocka_unit_test(two_machines_at_one_port_are_refused),
		cmocka_unit_test(a_frozen_spare_jobd_is_replaced_and_the_job_runs_with_the_next),
		cmocka_unit_test(a_jobd_that_hangs_in_its_job_is_killed_when_it_misses_a_cancel),
		cmocka_unit_test(a_cancel_is_said_again_by_the_next_executord),
		cmocka_unit_test(a_result_counts_although_executord_is_killed_before_it_is_on_the_disk),
		cmocka_unit_test(the_capability_of_a_job_that_has_ended_is_revoked),
		cmocka_unit_test(old_logs_of_jobs_make_room_for_new_ones),
		cmocka_unit_test(a_discovery_shows_until_its_port_is_off),
		cmocka_unit_test(a_discovery_goes_on_after_the_death_of_executord),
		cmocka_unit_test(a_discovery_ends_when_pdud_is_back),
		cmocka_unit_test(a_port_that_is_assigned_meanwhile_is_left_to_its_machine),
		cmocka_unit_test(an_unfit_machine_ends_its_job_and_is_trained),
		cmocka_unit_test(retired_in_training_it_goes_on_where_it_was_when_it_is_active_again),
		cmocka_unit_test(retired_in_the_retrial_delay_it_does_not_wait_for_its_end),
		cmocka_unit_test(ready_by_hand_ends_the_training_and_not_ready_begins_it),
		cmocka_unit_test(loops_and_their_logs_outlive_the_death_of_executord),
	};

	cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
	return cmocka_run_group_tests(tests, start, stop);
}
