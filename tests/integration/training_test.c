/* Training and quick checks with real daemons and a dummy PDU; the test is the machine at its serial console, and decides how each boot
 * ends. In a network namespace of its own. */
#include <arpa/inet.h>
#include <glob.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"
#include "tests/harness/net.h"

#define MAC  "52:54:00:00:00:01"
#define DUT  "/dut/" MAC
#define PORT "/pdu/DUMMY/port/0"

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one]}}\n"
			 "duts:\n"
			 "  '" MAC "': {base_name: box, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0}\n";

static const char job[] = "version: 1\n"
			  "target: {id: '{{ machine_id }}'}\n"
			  "console_patterns:\n"
			  "  session_end: {regex: '^good bye'}\n"
			  "  job_success: {regex: '^it works'}\n"
			  "deployment: {start: {kernel: {data: a kernel}}}\n";

static int console;

static void console_open(void)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(8100)};
	static const char hello[] = "\nSALAD.machine_id=" MAC "\n";

	console = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	inet_pton(AF_INET, "10.42.0.1", &where.sin_addr);
	assert_int_equal(connect(console, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(write(console, hello, sizeof(hello) - 1), sizeof(hello) - 1);
}

static struct farm *start_with(const char *database, const char *boots, const char *qualifying, const char *more)
{
	static char registration[600], loops[600];
	const char *const env[] = {registration, loops, boots, qualifying, "SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY=0.5", more, NULL};
	const struct farm_options options = {.db = database, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm;
	char line[256];
	size_t from = 0;

	file_put(tmp_path("job.yml"), job);
	snprintf(registration, sizeof(registration), "EXECUTOR_REGISTRATION_JOB=%s", tmp_path("job.yml"));
	snprintf(loops, sizeof(loops), "EXECUTOR_BOOTLOOP_JOB=%s", tmp_path("job.yml"));
	farm = farm_start(&options);
	assert_true(proc_await_file(farm->supervisor.log_path, &from, "saladd*listening on*", line, sizeof(line)));
	console_open();
	return farm;
}

static int start(void **state)
{
	*state = start_with(db, "SERGENT_HARTMAN_BOOT_COUNT=2", "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=1", NULL);
	return 0;
}

static int stop(void **state)
{
	close(console);
	farm_stop(*state);
	return 0;
}

/* The next job powers the machine, and this is what it says. */
static void boot(struct farm *farm, const char *kind, const char *says)
{
	char pattern[128];

	snprintf(pattern, sizeof(pattern), "jobd*job=%s-*powered", kind);
	proc_await(&farm->supervisor, pattern);
	assert_int_equal(write(console, says, strlen(says)), strlen(says));
}

static void a_registration_that_fails_is_tried_again_after_its_delay(void **state)
{
	struct farm *farm = *state;

	boot(farm, "registration", "no\ngood bye\n");
	proc_await(&farm->supervisor, "executord*dut=test-box-1 TRAINING -> TRAINING event=REGISTRATION_FAILED*status=FAIL*");
	proc_await(&farm->supervisor, "executord*dut=test-box-1 TRAINING -> TRAINING event=RETRY the retrial delay is over");
	boot(farm, "registration", "it works\ngood bye\n");
	farm_await(farm, DUT, "training/is_registered", "true");
}

static void loops_that_fail_are_shown_with_their_logs(void **state)
{
	struct farm *farm = *state;
	char *log;

	boot(farm, "boot_loop", "something broke\ngood bye\n");
	farm_await(farm, DUT, "training/current_loop_count", "1");
	assert_string_equal(farm_get(DUT, "state"), "TRAINING");
	assert_string_equal(farm_get(DUT, "training/state"), "ENROLLING");
	assert_string_equal(farm_get(DUT, "training/statuses/FAIL"), "1");
	assert_string_equal(farm_get(DUT, "training/loops/0/has_log"), "true");
	assert_string_equal(farm_get(DUT, "training/loops/0/console_data_received_check"), "true");
	assert_int_equal(farm_request("GET", DUT "/training/loop/0", NULL, &log), 200);
	assert_non_null(strstr(log, "something broke"));
	free(log);
}

/* That of the one loop whose machine has said something; the next one's may be there already. The caller frees. */
static char *log_of_the_loop(const struct farm *farm)
{
	char *pattern = gw_sprintf("%s/jobs/boot_loop-*.log", farm->state_dir), *found = NULL;
	struct stat st;
	glob_t logs;

	assert_int_equal(glob(pattern, 0, NULL, &logs), 0);
	for (size_t i = 0; i < logs.gl_pathc; i++) {
		assert_int_equal(stat(logs.gl_pathv[i], &st), 0);
		if (st.st_size == 0)
			continue;
		assert_null(found);
		found = gw_strdup(logs.gl_pathv[i]);
	}
	assert_non_null(found);
	globfree(&logs);
	free(pattern);
	return found;
}

/* A log is sent piece by piece, so its size is none of REST's business. */
static void a_loops_log_may_be_large_or_gone(void **state)
{
	struct farm *farm = *state;
	char *path = log_of_the_loop(farm), *answer;
	int fd = net_connect(80);
	char head[1024] = "";

	assert_int_equal(truncate(path, 100 << 20), 0);
	net_send(fd, "HEAD /api/v1" DUT "/training/loop/0 HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
	for (ssize_t n = 1, at = 0; n > 0; at += n)
		n = read(fd, head + at, sizeof(head) - 1 - (size_t)at);
	assert_non_null(strstr(head, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(head, "Content-Length: 104857600\r\n"));
	close(fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(farm_request("GET", DUT "/training/loop/0", NULL, &answer), 404);
	assert_non_null(strstr(answer, ".log: cannot be read: No such file or directory"));
	free(answer);
	free(path);
}

static void training_goes_on_at_its_loop_after_a_restart(void **state)
{
	struct farm *farm = *state;

	farm_kill(farm, "executord");
	proc_await(&farm->supervisor, "executord*dut=test-box-1 is TRAINING as before the restart*");
	farm_await(farm, DUT, "training/current_loop_count", "1");
	assert_string_equal(farm_get(DUT, "training/is_registered"), "true");
}

static void enough_good_loops_make_it_ready(void **state)
{
	struct farm *farm = *state;
	char *text;

	proc_await(&farm->supervisor, "jobd*boot_loop*");
	farm_await(farm, PORT, "state", "ON");
	assert_int_equal(write(console, "it works\ngood bye\n", 18), 18);
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, DUT, "ready_for_service", "true");
	farm_await(farm, PORT, "state", "OFF");
	farm_await(farm, DUT, "training", "{\"state\":\"IDLE\"}");
	farm_do("PATCH", DUT, "{\"comment\": \"trained\"}"); /* writes keep their order: the one before it is on the disk, too */
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "ready_for_service: true"));
	free(text);
}

static void a_quick_check_that_fails_leads_back_to_training(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", DUT "/quick_check", "{}");
	assert_string_equal(farm_get(DUT, "training/state"), "QUICK_CHECK");
	boot(farm, "quick_check", "Mismatch for 'tags'\ngood bye\n");
	proc_await(&farm->supervisor, "executord*dut=test-box-1 QUICK_CHECK -> TRAINING event=QUICK_CHECK_FAILED*");
	farm_await(farm, DUT, "ready_for_service", "false");
	assert_string_equal(farm_get(DUT, "training/current_loop_count"), "0");
}

static void ready_set_by_hand_ends_the_training(void **state)
{
	struct farm *farm = *state;

	farm_do("PATCH", DUT, "{\"ready_for_service\": true}");
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, PORT, "state", "OFF");
}

/* What a check that was cut short says of the machine is nothing. */
static void a_stop_of_the_gateway_does_not_fail_a_quick_check(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", DUT "/quick_check", "{}");
	proc_await(&farm->supervisor, "jobd*job=quick_check-*powered");
	assert_int_equal(proc_end(&farm->supervisor, SIGTERM), 0);
	close(console);
	farm_start_supervisor(farm);
	proc_await(&farm->supervisor, "executord*dut=test-box-1 is QUICK_CHECK as before the restart*");
	farm_await(farm, DUT, "ready_for_service", "true");
	proc_await(&farm->supervisor, "jobd*job=quick_check-*powered");
	console_open();
	assert_int_equal(write(console, "it works\ngood bye\n", 18), 18);
	farm_await(farm, DUT, "state", "IDLE");
	assert_string_equal(farm_get(DUT, "ready_for_service"), "true");
}

/* ---- the counts, and the gateway's boot: each with a farm of its own ---- */

static int stop_and_forget(void **state)
{
	stop(state);
	unlink(tmp_path("state/executord/duts.json"));
	return unlink(tmp_path("farm.log"));
}

static int start_with_0(void **state)
{
	*state = start_with(db, "SERGENT_HARTMAN_BOOT_COUNT=0", "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=100", NULL);
	return 0;
}

static void a_boot_count_of_0_makes_it_ready_once_registered(void **state)
{
	struct farm *farm = *state;

	boot(farm, "registration", "it works\ngood bye\n");
	proc_await(&farm->supervisor, "executord*dut=test-box-1 TRAINING -> IDLE event=TRAINING_PASSED*job=registration-*");
	farm_await(farm, DUT, "ready_for_service", "true");
	farm_await(farm, PORT, "state", "OFF");
	assert_false(proc_has_said(&farm->supervisor, "job=boot_loop"));
}

static int start_with_a_negative_count(void **state)
{
	*state = start_with(db, "SERGENT_HARTMAN_BOOT_COUNT=-1", "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=1", NULL);
	return 0;
}

static void a_negative_boot_count_gives_it_to_jobs_as_it_is(void **state)
{
	struct farm *farm = *state;

	farm_await(farm, DUT, "state", "IDLE");
	assert_string_equal(farm_get(DUT, "ready_for_service"), "false");
	assert_string_equal(farm_get(DUT, "training"), "{\"state\":\"IDLE\"}");
	assert_false(proc_has_said(&farm->supervisor, "job=registration"));
	assert_false(proc_has_said(&farm->supervisor, "job=quick_check"));
}

static int start_with_2_of_2(void **state)
{
	*state = start_with(db, "SERGENT_HARTMAN_BOOT_COUNT=2", "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=2", NULL);
	return 0;
}

static void too_few_good_loops_train_it_anew(void **state)
{
	struct farm *farm = *state;

	boot(farm, "registration", "it works\ngood bye\n");
	boot(farm, "boot_loop", "it works\ngood bye\n");
	boot(farm, "boot_loop", "it does not\ngood bye\n");
	proc_await(&farm->supervisor, "executord*dut=test-box-1 TRAINING -> TRAINING event=LOOPS_FAILED*");
	farm_await(farm, DUT, "training/current_loop_count", "0");
	assert_string_equal(farm_get(DUT, "training/is_registered"), "false");
	assert_string_equal(farm_get(DUT, "ready_for_service"), "false");
	boot(farm, "registration", "it works\ngood bye\n");
	boot(farm, "boot_loop", "it works\ngood bye\n");
	boot(farm, "boot_loop", "it works\ngood bye\n");
	farm_await(farm, DUT, "ready_for_service", "true");
	farm_await(farm, PORT, "state", "OFF");
}

static const char ready_db[] = "pdus:\n"
			       "  DUMMY: {driver: dummy, config: {ports: [one]}}\n"
			       "duts:\n"
			       "  '" MAC "': {base_name: box, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0, ready_for_service: true}\n";

static int start_ready(void **state)
{
	*state = start_with(ready_db, "SERGENT_HARTMAN_BOOT_COUNT=2", "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=2", NULL);
	return 0;
}

/* As after a boot of the gateway: what is kept is of another one. */
static void change_boot_id(void)
{
	char *text = file_get(tmp_path("state/executord/duts.json")), *at = strstr(text, "\"boot_id\":");

	assert_non_null(at);
	at = strchr(at + strlen("\"boot_id\":"), '"');
	at[1] = at[1] == '0' ? '1' : '0';
	file_put(tmp_path("state/executord/duts.json"), text);
	free(text);
}

static void a_ready_machine_is_checked_when_the_gateway_boots(void **state)
{
	struct farm *farm = *state;

	boot(farm, "quick_check", "it works\ngood bye\n");
	proc_await(&farm->supervisor, "executord*dut=test-box-1 QUICK_CHECK -> IDLE event=QUICK_CHECK_PASSED*");
	farm_await(farm, PORT, "state", "OFF");
	proc_end(&farm->supervisor, SIGTERM);
	farm_start_supervisor(farm); /* but not when executord alone was away */
	proc_await(&farm->supervisor, "executord*dut=test-box-1 is IDLE as before the restart");
	proc_end(&farm->supervisor, SIGTERM);
	change_boot_id();
	farm_start_supervisor(farm);
	proc_await(&farm->supervisor, "executord*dut=test-box-1 * -> QUICK_CHECK event=ACTIVATE_CHECK the gateway has booted");
	farm_await(farm, DUT, "state", "QUICK_CHECK");
}

static int start_ready_without_checks(void **state)
{
	*state = start_with(ready_db, "SERGENT_HARTMAN_BOOT_COUNT=2", "SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT=2",
			    "SERGENT_HARTMAN_QUICK_CHECK=disabled");
	return 0;
}

static void without_quick_checks_it_is_idle_at_once(void **state)
{
	struct farm *farm = *state;

	proc_await(&farm->supervisor, "executord*dut=test-box-1 * -> IDLE event=ACTIVATE_READY the gateway has booted");
	farm_await(farm, DUT, "state", "IDLE");
	assert_false(proc_has_said(&farm->supervisor, "job=quick_check"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_registration_that_fails_is_tried_again_after_its_delay),
		cmocka_unit_test(loops_that_fail_are_shown_with_their_logs),
		cmocka_unit_test(a_loops_log_may_be_large_or_gone),
		cmocka_unit_test(training_goes_on_at_its_loop_after_a_restart),
		cmocka_unit_test(enough_good_loops_make_it_ready),
		cmocka_unit_test(a_quick_check_that_fails_leads_back_to_training),
		cmocka_unit_test(ready_set_by_hand_ends_the_training),
		cmocka_unit_test(a_stop_of_the_gateway_does_not_fail_a_quick_check),
	};
	const struct CMUnitTest alone[] = {
		cmocka_unit_test_setup_teardown(a_boot_count_of_0_makes_it_ready_once_registered, start_with_0, stop_and_forget),
		cmocka_unit_test_setup_teardown(a_negative_boot_count_gives_it_to_jobs_as_it_is, start_with_a_negative_count,
						stop_and_forget),
		cmocka_unit_test_setup_teardown(too_few_good_loops_train_it_anew, start_with_2_of_2, stop_and_forget),
		cmocka_unit_test_setup_teardown(a_ready_machine_is_checked_when_the_gateway_boots, start_ready, stop_and_forget),
		cmocka_unit_test_setup_teardown(without_quick_checks_it_is_idle_at_once, start_ready_without_checks, stop_and_forget),
	};
	int failed = cmocka_run_group_tests(tests, start, stop_and_forget);

	return failed + cmocka_run_group_tests(alone, NULL, NULL);
}
