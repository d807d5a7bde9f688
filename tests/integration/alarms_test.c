/* Promise 12: a port that cannot be read back OFF is an alarm that shows everywhere, and its machine is not given out. The PDU is one of
 * ours that lies when told to. In a network namespace of its own. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"

#define A   "52:54:00:00:00:01"
#define B   "52:54:00:00:00:02" /* retired, at port 1 */
#define LIE "/pdu/LIAR/port/"

static const char db[] = "pdus:\n"
			 "  LIAR: {driver: vpdu, config: {hostname: '127.0.0.1:9191'}}\n"
			 "duts:\n"
			 "  '" A "': {base_name: box, pdu: LIAR, pdu_port_id: 0, pdu_off_delay: 0, ready_for_service: true}\n"
			 "  '" B "': {base_name: box, pdu: LIAR, pdu_port_id: 1, pdu_off_delay: 0, is_retired: true}\n";

static const char job[] = "version: 1\n"
			  "target: {id: " A "}\n"
			  "console_patterns: {session_end: {regex: '^good bye'}}\n"
			  "deployment: {start: {kernel: {data: a kernel}}}\n";

/* ---- a virtual PDU with two ports that says "done" to an OFF and does nothing, while `lies` ---- */

enum { OP_COUNT, OP_ON, OP_OFF, OP_STATE, SAYS_DONE = 1, SAYS_ON = 3, SAYS_OFF = 4, PORTS = 2 };

static struct liar {
	bool lies, on[PORTS];
} * liar; /* shared with its process */
static pid_t liar_pid;

static uint8_t liar_does(uint32_t request)
{
	uint32_t op = request & 3, port = request >> 2;

	if (op == OP_COUNT)
		return PORTS;
	if (port >= PORTS)
		return 0;
	if (op == OP_STATE)
		return liar->on[port] ? SAYS_ON : SAYS_OFF;
	liar->on[port] = op == OP_ON || (liar->lies && liar->on[port]);
	return SAYS_DONE;
}

static void liar_serve(int listener)
{
	for (;;) {
		int fd = accept(listener, NULL, NULL);
		uint32_t request;
		uint8_t answer;

		if (recv(fd, &request, sizeof(request), MSG_WAITALL) == sizeof(request)) {
			answer = liar_does(ntohl(request));
			(void)!write(fd, &answer, 1);
		}
		close(fd);
	}
}

static void liar_start(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(9191), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	liar = mmap(NULL, sizeof(*liar), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(listener, 16), 0);
	liar_pid = fork();
	if (liar_pid == 0)
		liar_serve(listener);
	close(listener);
}

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm;

	liar_start();
	farm = farm_start(&options);
	farm_await(farm, "/pdus", "pdus/LIAR/state", "OK");
	farm_await(farm, "/dut/" A, "state", "IDLE");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	kill(liar_pid, SIGKILL);
	waitpid(liar_pid, NULL, 0);
	return 0;
}

static void assert_answer(const char *method, const char *path, const char *body, int status, const char *pattern)
{
	char *answer;
	int got = farm_request(method, path, body, &answer);

	if (got != status || !glob_line(pattern, answer, strcspn(answer, "\n")))
		fail_msg("%s %s: %d %s\nexpected: %d %s", method, path, got, answer, status, pattern);
	free(answer);
}

static void assert_refused_with(const char *name, const char *option, const char *value, const char *why)
{
	const char *const arguments[] = {option, value, NULL};
	struct proc client;

	farm_run_job(&client, name, job, arguments, -1);
	assert_int_equal(proc_wait(&client), 6);
	if (!proc_has_said(&client, why)) {
		proc_show(&client);
		fail_msg("it was not told: %s", why);
	}
}

/* Powered, cancelled, and free again. */
static void assert_a_job_runs_on(struct farm *farm, const char *name, const char *id)
{
	const char *const arguments[] = {"-i", id, NULL};
	struct proc client;
	char *dut = gw_sprintf("/dut/%s", id), *cancel = gw_sprintf("%s/cancel_job", dut);

	farm_run_job(&client, name, job, arguments, -1);
	proc_await(&client, "the machine is powered");
	farm_await(farm, dut, "state", "RUNNING");
	farm_do("POST", cancel, "{}");
	proc_wait(&client);
	farm_await(farm, dut, "state", "IDLE");
	free(dut);
	free(cancel);
}

static void assert_executorctl_says(const char *command, const char *pattern)
{
	const char *const argv[] = {GW_BUILD_ROOT "/executorctl/executorctl", "-e", "http://10.42.0.1", command, NULL};
	struct proc ctl;
	char *name = gw_sprintf("ctl-%s", command);

	proc_start(&ctl, name, argv, NULL);
	assert_int_equal(proc_wait(&ctl), 0);
	if (!proc_has_said(&ctl, pattern)) {
		proc_show(&ctl);
		fail_msg("executorctl %s did not say: %s", command, pattern);
	}
	unlink(ctl.log_path);
	free(name);
}

#define TEXT_A                                                                                                                             \
	"port 0 of LIAR could not be switched OFF yet (last seen: ON, after job user-*); it is tried until it is, and test-box-1 is not "  \
	"given out before"

static void promise_12_a_job_that_cannot_power_off_keeps_its_machine_and_is_an_alarm(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	assert_answer("GET", "/alarms", NULL, 200, "{\"alarms\":[]}");
	farm_run_job(&client, "first", job, NULL, -1);
	proc_await(&client, "the machine is powered");
	farm_await(farm, "/dut/" A, "state", "RUNNING");
	liar->lies = true;
	farm_do("POST", "/dut/" A "/cancel_job", "{}");
	farm_await(farm, "/alarms", "alarms/0/text", TEXT_A);
	assert_answer("GET", "/alarms", NULL, 200,
		      "{\"alarms\":[{\"pdu\":\"LIAR\",\"port_id\":\"0\",\"dut\":\"" A "\",\"text\":\"" TEXT_A "\"}]}");
	assert_answer("GET", "/full-state", NULL, 200, "{*\"alarms\":[{\"pdu\":\"LIAR\",\"port_id\":\"0\",*}]*}");
	assert_string_equal(farm_get(LIE "0", "state"), "ON"); /* as it was read, not as wished */
	assert_string_equal(farm_get("/dut/" A, "state"), "RUNNING");
	assert_refused_with("second", "-i", A, "the machine '" A "' cannot take a job now: the machine is running a job");
	assert_executorctl_says("pdus", "executorctl: ALARM: port 0 of LIAR could not be switched OFF yet*");
	assert_executorctl_says("duts", "executorctl: ALARM: port 0 of LIAR could not be switched OFF yet*");
	proc_wait(&client);
}

static void promise_12_the_alarm_outlives_restarts(void **state)
{
	struct farm *farm = *state;

	farm_kill(farm, "executord");
	farm_await(farm, "/alarms", "alarms/0/pdu", "LIAR");
	assert_string_equal(farm_get("/dut/" A, "state"), "RUNNING");
	farm_kill(farm, "pdud");
	proc_await(&farm->supervisor, "executord*bus: pdud has gone");
	proc_await(&farm->supervisor, "executord*bus: pdud (process *) is there");
	farm_await(farm, LIE "0", "state", "ON"); /* as the new one reads it */
	farm_await(farm, "/alarms", "alarms/0/port_id", "0");
	assert_string_equal(farm_get("/dut/" A, "state"), "RUNNING");
	assert_refused_with("third", "-i", A, "the machine '" A "' cannot take a job now: the machine is running a job");
}

static void promise_12_once_it_is_off_the_machine_serves_again(void **state)
{
	struct farm *farm = *state;

	liar->lies = false;
	farm_await(farm, "/dut/" A, "state", "IDLE"); /* by what jobd says; pdud says the rest */
	farm_await(farm, LIE "0", "state", "OFF");
	farm_await(farm, "/alarms", "alarms", "[]");
	assert_answer("GET", "/alarms/", NULL, 200, "{\"alarms\":[]}");
	assert_a_job_runs_on(farm, "fourth", A);
}

static struct proc watcher; /* executorctl watch, by which an admin learns of the next two tests */

static void a_port_that_an_admin_switched_on_is_shown_as_pinned(void **state)
{
	const char *const argv[] = {GW_BUILD_ROOT "/executorctl/executorctl", "-e", "http://10.42.0.1", "watch", NULL};

	proc_start(&watcher, "watcher", argv, NULL);
	proc_await(&watcher, "*Z watching test, machines: 2");
	farm_do("PATCH", LIE "1", "{\"state\": \"on\"}");
	assert_answer("GET", "/full-state", NULL, 200, "{*\"pinned_ports\":[{\"pdu\":\"LIAR\",\"port_id\":\"1\"}]*}");
	assert_executorctl_says("pdus", "LIAR  1 * ON (pinned) *");
	proc_await(&watcher, "*Z port LIAR/1 is pinned: ON until it is switched OFF");
}

static void promise_12_an_admin_whose_off_does_not_come_is_told_and_the_machine_held_back(void **state)
{
	struct farm *farm = *state;
	static const char refused[] =
		"{\"error\":\"port 1 of LIAR could not be read back OFF; it is tried until it is, and an alarm until then\"}";

	liar->lies = true;
	assert_answer("PATCH", LIE "1", "{\"state\": \"off\"}", 503, refused);
	proc_await(&watcher, "*Z ALARM: port 1 of LIAR could not be switched OFF yet (last seen: ON)*");
	assert_answer("PATCH", LIE "1", "{\"state\": \"off\"}", 503, refused); /* asked again, it is answered at once */
	assert_answer("PATCH", LIE "1", "{\"state\": \"on\"}", 400, "{\"error\":\"port 1 of PDU 'LIAR' is not confirmed OFF yet\"}");
	assert_answer("GET", "/full-state", NULL, 200, "{*\"pinned_ports\":[]*}");
	farm_do("PATCH", "/dut/" B, "{\"is_retired\": false}");
	farm_await(farm, "/dut/" B, "state", "IDLE");
	assert_string_equal(farm_get("/alarms", "alarms/0/dut"), B);
	farm_edit_db(farm, "base_name: box, pdu: LIAR, pdu_port_id: 1", "base_name: box, tags: [held], pdu: LIAR, pdu_port_id: 1");
	farm_await(farm, "/dut/" B, "tags", "*held*");
	assert_answer("POST", "/dut/discover", "{\"pdu\": \"LIAR\", \"port_id\": 1}", 400, "{\"error\":\"port 1 of LIAR is that of *\"}");
	assert_refused_with("by-id", "-i", B, "the machine '" B "' cannot take a job now: its power port could not be switched OFF yet");
	assert_refused_with("by-tag", "-t", "held",
			    "the only machine with the tags held is busy, * or not known to be OFF; try again later");
	liar->lies = false;
	farm_await(farm, "/alarms", "alarms", "[]");
	proc_await(&watcher, "*Z the alarm of port LIAR/1 is over");
	proc_end(&watcher, SIGTERM);
	assert_a_job_runs_on(farm, "again", B);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_12_a_job_that_cannot_power_off_keeps_its_machine_and_is_an_alarm),
		cmocka_unit_test(promise_12_the_alarm_outlives_restarts),
		cmocka_unit_test(promise_12_once_it_is_off_the_machine_serves_again),
		cmocka_unit_test(a_port_that_an_admin_switched_on_is_shown_as_pinned),
		cmocka_unit_test(promise_12_an_admin_whose_off_does_not_come_is_told_and_the_machine_held_back),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
