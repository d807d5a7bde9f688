/* Each command of executorctl against a farm of the real daemons: what it prints, its exit code, and the server's reason when it is
 * refused. The tests follow the life of one machine, from the empty farm on. */
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

#include "tests/harness/ctl.h"
#include "tests/harness/farm.h"

#define DUT      "/dut/" FARM_MAC
#define CTL(...) ctl("-e", "http://10.42.0.1", __VA_ARGS__, NULL)
#define out      ctl_out
#define err      ctl_err

static const char db[] = "pdus:\n"
			 "  VPDU: {driver: vpdu, config: {hostname: 127.0.0.1:9191}}\n"
			 "  DUMMY: {driver: dummy, config: {ports: [left, right, spare]}, reserved_port_ids: ['2']}\n"
			 "duts:\n";

static int setup(void **state)
{
	const struct farm_options options = {.db = db};

	*state = farm_start(&options);
	farm_await(*state, "/pdus", "pdus/DUMMY/state", "OK");
	return 0;
}

static int teardown(void **state)
{
	farm_stop(*state);
	ctl_finish();
	return 0;
}

static bool has_line(const char *text, const char *pattern)
{
	return glob_line(pattern, text, strlen(text));
}

/* Each refusal: nothing on standard output, the reason on standard error. */
static void assert_refused(int code, int want, const char *reason)
{
	if (code != want || *out || !has_line(err, reason))
		fail_msg("exit code %d, expected %d with '%s'; standard output: '%s', standard error: '%s'", code, want, reason, out, err);
}

static void assert_printed(int code, const char *line)
{
	if (code != 0 || *err || !has_line(out, line))
		fail_msg("exit code %d, expected 0 with '%s'; standard output: '%s', standard error: '%s'", code, line, out, err);
}

static void an_empty_farm_says_how_to_fill_it(void **state)
{
	assert_printed(CTL("duts"), "There are no machines yet; `executorctl discover PDU PORT` adds one.");
	assert_printed(CTL("duts", "--json"), "\"duts\":*{");
	assert_refused(CTL("dut", "nobody"), 1, "executorctl: there is no machine 'nobody'");
	assert_refused(CTL("cancel", "nobody"), 1, "executorctl: there is no machine 'nobody'");
}

static void pdus_and_their_ports_are_shown(void **state)
{
	assert_printed(CTL("pdus"), "PDU * PORT * LABEL * STATE * RESERVED * MIN OFF");
	assert_printed(CTL("pdus"), "DUMMY * 0 * left * ON * no * 0.1 s");
	assert_printed(CTL("pdus"), "DUMMY * 2 * spare * ON * yes * 0.1 s");
	assert_printed(CTL("pdus"), "VPDU * 0 * OFF * no * 0.1 s");
	assert_printed(CTL("pdus", "--json"), "*\"label\":*\"spare\"*");
	assert_printed(CTL("port", "DUMMY", "2"), "reserved *yes");
	assert_printed(CTL("port", "DUMMY", "2", "--json"), "*\"reserved\":*true*");
}

static void a_port_is_switched_or_the_reason_shown(void **state)
{
	struct farm *farm = *state;

	assert_printed(CTL("port", "DUMMY", "1", "off"), "Port 1 of DUMMY is being switched OFF.");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "OFF");
	assert_printed(CTL("port", "DUMMY", "1", "ON"), "Port 1 of DUMMY is being switched ON.");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "ON");
	assert_refused(CTL("port", "DUMMY", "2", "off"), 1, "executorctl: port 2 of DUMMY is reserved; un-reserve it first");
	assert_string_equal(farm_get("/pdu/DUMMY/port/2", "state"), "ON");
	assert_refused(CTL("port", "DUMMY", "9", "off"), 1, "executorctl: PDU 'DUMMY' has no port '9'");
	assert_refused(CTL("port", "APC", "0"), 1, "executorctl: there is no PDU 'APC'");
	assert_refused(CTL("port", "DUMMY", "1", "up"), 2,
		       "executorctl: port: 'up' is not a state; accepted: on, off, reserve, unreserve, min-off SECONDS");
}

static void a_discovery_that_cannot_be_is_refused_with_its_reason(void **state)
{
	assert_refused(CTL("discover", "APC", "0"), 1, "executorctl: there is no PDU 'APC'");
	assert_refused(CTL("discover", "DUMMY", "9"), 1, "executorctl: PDU 'DUMMY' has no port '9'");
	assert_refused(CTL("discover", "DUMMY", "2"), 1, "executorctl: port 2 of DUMMY is reserved");
	assert_refused(CTL("discover", "DUMMY", "1"), 1, "executorctl: port 1 of DUMMY is ON already; switch it off first");
	assert_refused(CTL("discover", "VPDU", "0", "--timeout", "0"), 2,
		       "executorctl: discover: --timeout: '0' is not a number of seconds; accepted: above 0, up to 86400");
	assert_refused(CTL("discover", "VPDU"), 2,
		       "executorctl: usage: executorctl discover [PDU PORT|cancel]; see executorctl discover --help");
	assert_printed(CTL("discover"), "No discovery goes on.");
	assert_string_equal(farm_get("/dut/discover", "pdu"), "(none)");
}

static void a_machine_is_discovered_and_trained(void **state)
{
	struct farm *farm = *state;

	proc_signal(&farm->files, SIGSTOP); /* its training waits for the kernel */
	assert_printed(CTL("discover", "VPDU", "0", "--timeout", "60"), "Discovering the machine at port 0 of VPDU, for up to 60 s.");
	assert_refused(CTL("discover", "VPDU", "1"), 1, "executorctl: a discovery goes on already, at port 0 of VPDU");
	farm_await(farm, DUT, "state", "TRAINING");
	assert_printed(CTL("duts"), FARM_MAC " * TRAINING * loop 0 of 1 * no * VPDU/0 *");
	file_put(tmp_path("job.yml"), farm_job("it works\n@poweroff", NULL));
	assert_refused(CTL("run", "-i", FARM_MAC, tmp_path("job.yml")), 6,
		       "executorctl: *the machine '" FARM_MAC "' cannot take a job now: the machine is in training");
	assert_refused(CTL("cancel", FARM_MAC), 1, "executorctl: test-*: no job is running");
	proc_signal(&farm->files, SIGCONT);
	farm_await(farm, DUT, "state", "IDLE");
	assert_printed(CTL("duts"), FARM_MAC " *IDLE * yes * VPDU/0 *");
}

static void a_machine_is_shown_by_its_id_or_its_name(void **state)
{
	char name[64];

	snprintf(name, sizeof(name), "%s", farm_get(DUT, "full_name"));
	assert_printed(CTL("dut", name), "id * " FARM_MAC);
	assert_printed(CTL("dut", FARM_MAC), "pdu.port_id * 0");
	assert_printed(CTL("dut", "--json", FARM_MAC), "*\"id\":*\"" FARM_MAC "\"*");
	assert_refused(CTL("port", "VPDU", "0", "on"), 1,
		       "executorctl: port 0 of VPDU is that of the machine test-*; retire it to switch the port by hand");
	assert_refused(CTL("discover", "VPDU", "0"), 1, "executorctl: port 0 of VPDU is that of the machine test-*");
}

static void a_job_that_no_machine_can_take_is_refused_with_its_reason(void **state)
{
	assert_refused(CTL("run", "-i", "nobody", tmp_path("job.yml")), 6, "executorctl: *there is no machine 'nobody'");
	assert_refused(CTL("run", "-t", "rare", tmp_path("job.yml")), 6, "executorctl: *no machine has the tags rare");
	assert_refused(CTL("run", tmp_path("no.yml")), 2, "executorctl: *no.yml*");
	assert_string_equal(farm_get(DUT, "state"), "IDLE");
}

static void a_running_job_is_cancelled(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	farm_run_job(&client, "cancelled", farm_job("here I stay\n@hang", NULL), NULL, -1);
	farm_await_console(&client, "here I stay");
	farm_await(farm, DUT, "state", "RUNNING");
	assert_printed(CTL("duts"), FARM_MAC " *RUNNING*");
	assert_printed(CTL("cancel", FARM_MAC), "The job on " FARM_MAC " is being cancelled.");
	assert_int_equal(proc_wait(&client), 4);
	farm_await(farm, DUT, "state", "IDLE");
	assert_refused(CTL("cancel", FARM_MAC), 1, "executorctl: test-*: no job is running");
}

static void a_job_waits_for_its_machine_and_is_told_when_it_is_free(void **state)
{
	struct proc first, second;

	farm_run_job(&first, "first", farm_job("here I stay\n@hang", NULL), NULL, -1);
	farm_await_console(&first, "here I stay");
	farm_run_job(&second, "second", farm_job("it works\n@poweroff", NULL), (const char *const[]){"--wait", NULL}, -1);
	proc_await(&second, "executorctl: waiting: *");
	assert_printed(CTL("cancel", FARM_MAC), "The job on " FARM_MAC " is being cancelled.");
	assert_int_equal(proc_wait(&first), 4);
	farm_await_console(&second, "it works");
	assert_int_equal(proc_wait(&second), 0);
}

static void a_check_is_waited_for(void **state)
{
	struct farm *farm = *state;

	farm_await(farm, DUT, "state", "IDLE");
	assert_printed(CTL("quick-check", "--wait", FARM_MAC), "The check of " FARM_MAC " has passed.");
}

static void without_a_gateway_each_command_says_so(void **state)
{
	assert_refused(CTL("-e", "http://10.42.0.1:9", "pdus"), 1,
		       "executorctl: http://10.42.0.1:9* cannot be reached: Connection refused");
	assert_refused(CTL("-e", "http://10.42.0.1:9", "run", "-i", FARM_MAC, tmp_path("job.yml")), 6, "executorctl: *Connection refused");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_farm_says_how_to_fill_it),
		cmocka_unit_test(pdus_and_their_ports_are_shown),
		cmocka_unit_test(a_port_is_switched_or_the_reason_shown),
		cmocka_unit_test(a_discovery_that_cannot_be_is_refused_with_its_reason),
		cmocka_unit_test(a_machine_is_discovered_and_trained),
		cmocka_unit_test(a_machine_is_shown_by_its_id_or_its_name),
		cmocka_unit_test(a_job_that_no_machine_can_take_is_refused_with_its_reason),
		cmocka_unit_test(a_running_job_is_cancelled),
		cmocka_unit_test(a_job_waits_for_its_machine_and_is_told_when_it_is_free),
		cmocka_unit_test(a_check_is_waited_for),
		cmocka_unit_test(without_a_gateway_each_command_says_so),
	};
	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, setup, teardown);
}
