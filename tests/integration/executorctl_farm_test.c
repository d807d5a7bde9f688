/* executorctl against a real executord: what changes the farm, what shows it live, and what a terminal sees. */
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

#include "tests/harness/ctl.h"
#include "tests/harness/farm.h"

#define MAC     "52:54:00:00:00:01"
#define PROGRAM GW_BUILD_ROOT "/executorctl/executorctl"
#define URL     "http://10.42.0.1/"

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [left, right, spare]}}\n"
			 "duts:\n"
			 "  '" MAC "': {base_name: box, tags: ['amdgpu:family:RV', 'amdgpu:codename:RENOIR', 'amdgpu:gfxversion:gfx9'],\n"
			 "    pdu: DUMMY, pdu_port_id: 0, ready_for_service: true}\n"
			 "  '52:54:00:00:00:02': {base_name: spare, is_retired: true}\n";

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_QUICK_CHECK=0", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};

	*state = farm_start(&options);
	farm_await(*state, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(*state, "/dut/" MAC, "state", "IDLE");
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	ctl_finish();
	return 0;
}

static void assert_prints(int code, const char *text)
{
	if (code != 0 || strcmp(ctl_out, text) != 0 || *ctl_err)
		fail_msg("exit code %d; wanted: %sgot: %s%s", code, text, ctl_out, ctl_err);
}

static void assert_fails(int code, int want, const char *reason)
{
	if (code != want || *ctl_out || strcmp(ctl_err, reason) != 0)
		fail_msg("exit code %d; wanted %d: %sgot: %s%s", code, want, reason, ctl_out, ctl_err);
}

/* ---- what changes the farm ---- */

static void a_machine_is_retired_and_activated(void **state)
{
	assert_prints(ctl("retire", "test-box-1", NULL), "test-box-1 is RETIRED.\n");
	assert_string_equal(farm_get("/dut/" MAC, "is_retired"), "true");
	assert_prints(ctl("activate", MAC, NULL), MAC " is IDLE.\n");
	assert_fails(ctl("retire", "nobody", NULL), 1, "executorctl: there is no machine 'nobody'\n");
}

static void each_field_is_set_from_the_command_line(void **state)
{
	assert_prints(ctl("dut", MAC, "set", "comment", "the", "fan is loud", NULL), "comment of " MAC ": the fan is loud\n");
	assert_string_equal(farm_get("/dut/" MAC, "comment"), "the fan is loud");
	assert_prints(ctl("dut", MAC, "unset", "comment", NULL), "comment of " MAC ": -\n");
	assert_string_equal(farm_get("/dut/" MAC, "comment"), "null");
	assert_prints(ctl("dut", MAC, "set", "manual_tags", "desk", "left,top", NULL), "manual_tags of " MAC ": desk, left, top\n");
	assert_string_equal(farm_get("/dut/" MAC, "manual_tags"), "[\"desk\",\"left\",\"top\"]");
	assert_prints(ctl("dut", MAC, "unset", "manual_tags", NULL), "manual_tags of " MAC ": -\n");
	assert_prints(ctl("dut", MAC, "set", "pdu_off_delay", "2.5", NULL), "pdu_off_delay of " MAC ": 2.5\n");
	assert_prints(ctl("dut", MAC, "set", "firmware_boot_time", "7", NULL), "firmware_boot_time of " MAC ": 7\n");
	assert_prints(ctl("dut", MAC, "set", "is_retired", "no", NULL), "is_retired of " MAC ": no\n");
	assert_prints(ctl("dut", MAC, "set", "ready_for_service", "true", NULL), "ready_for_service of " MAC ": yes\n");
	assert_fails(ctl("dut", MAC, "set", "pdu_off_delay", "-1", NULL), 1,
		     "executorctl: pdu_off_delay: accepted: a number of seconds from 0 to 3600\n");
	assert_fails(ctl("dut", MAC, "set", "colour", "red", NULL), 2,
		     "executorctl: dut: 'colour' is not a field that can be set; accepted: manual_tags, pdu_off_delay, ready_for_service, "
		     "is_retired, comment, firmware_boot_time\n");
	assert_fails(ctl("dut", MAC, "paint", NULL), 2,
		     "executorctl: usage: executorctl dut ID [set FIELD VALUE...|unset FIELD|remove]; see executorctl dut --help\n");
}

static void a_port_is_reserved_and_has_its_time(void **state)
{
	assert_prints(ctl("port", "DUMMY", "2", "reserve", NULL), "Port 2 of DUMMY is reserved: it is never touched.\n");
	assert_string_equal(farm_get("/pdu/DUMMY/port/2", "reserved"), "true");
	assert_fails(ctl("port", "DUMMY", "spare", "off", NULL), 1, "executorctl: port 2 of DUMMY is reserved; un-reserve it first\n");
	assert_prints(ctl("port", "DUMMY", "2", "unreserve", NULL), "Port 2 of DUMMY is not reserved.\n");
	assert_prints(ctl("port", "DUMMY", "2", "min-off", "1.5", NULL), "Port 2 of DUMMY is off for that long at least, from now on.\n");
	farm_await(*state, "/pdu/DUMMY/port/2", "min_off_time", "1.5");
	assert_fails(ctl("port", "DUMMY", "2", "min-off", "soon", NULL), 2,
		     "executorctl: port: min-off: 'soon' is not a number of seconds; accepted: 0 to 3600\n");
	assert_fails(ctl("port", "DUMMY", "2", "min-off", "3601", NULL), 2,
		     "executorctl: port: min-off: '3601' is not a number of seconds; accepted: 0 to 3600\n");
	assert_fails(ctl("port", "DUMMY", "2", "min-off", NULL), 2,
		     "executorctl: usage: executorctl port PDU PORT min-off SECONDS; see executorctl port --help\n");
	assert_prints(ctl("port", "DUMMY", "2", "off", NULL), "Port 2 of DUMMY is being switched OFF.\n");
	farm_await(*state, "/pdu/DUMMY/port/2", "state", "OFF");
}

static void a_discovery_is_shown_and_ended(void **state)
{
	assert_prints(ctl("discover", NULL), "No discovery goes on.\n");
	assert_prints(ctl("discover", "DUMMY", "2", "-t", "60", NULL), "Discovering the machine at port 2 of DUMMY, for up to 60 s.\n");
	assert_int_equal(ctl("discover", NULL), 0);
	assert_non_null(strstr(ctl_out, "port_id     2\n"));
	assert_prints(ctl("discover", "cancel", NULL), "No discovery goes on any more.\n");
	farm_await(*state, "/pdu/DUMMY/port/2", "state", "OFF");
	farm_await(*state, "/dut/discover", "pdu", "(none)");
}

static void a_quick_check_is_queued_or_refused(void **state)
{
	assert_fails(ctl("quick-check", "52:54:00:00:00:02", NULL), 1, "executorctl: test-spare-1: the machine is retired\n");
	assert_fails(ctl("quick-check", "--wait", "nobody", NULL), 1, "executorctl: there is no machine 'nobody'\n");
}

/* ---- watch ---- */

static void watch(struct proc *p, const char *name, const char *option)
{
	const char *argv[] = {PROGRAM, "-e", URL, "watch", option, NULL};

	proc_start(p, name, argv, NULL);
}

static void in_a_pipe_each_change_is_a_line(void **state)
{
	struct proc p;

	watch(&p, "watch-lines", NULL);
	proc_await(&p, "*Z watching test, machines: 2");
	farm_do("PATCH", "/dut/" MAC, "{\"comment\": \"told\"}");
	proc_await(&p, "*Z test-box-1 comment: - -> told");
	farm_do("PATCH", "/dut/" MAC, "{\"is_retired\": true}");
	proc_await(&p, "*Z test-box-1 IDLE -> RETIRED *");
	proc_await(&p, "*Z test-box-1 is_retired: no -> yes");
	farm_do("PATCH", "/pdu/DUMMY/port/1", "{\"state\": \"off\"}");
	proc_await(&p, "*Z port DUMMY/1 state: ON -> OFF");
	farm_do("PATCH", "/pdu/DUMMY/port/1", "{\"reserved\": true}");
	proc_await(&p, "*Z port DUMMY/1 reserved: no -> yes");
	farm_do("PATCH", "/pdu/DUMMY/port/1", "{\"reserved\": false}");
	farm_do("PATCH", "/dut/" MAC, "{\"is_retired\": false}");
	proc_await(&p, "*Z test-box-1 RETIRED -> IDLE *");
	assert_int_equal(proc_end(&p, SIGINT), 128 + SIGINT);
}

static void as_json_each_event_is_a_line(void **state)
{
	struct proc p;

	watch(&p, "watch-json", "--json");
	proc_await(&p, "{\"event\":\"hello\",\"id\":*,\"data\":{\"farm\":\"test\",*");
	farm_do("PATCH", "/dut/" MAC, "{\"comment\": \"as json\"}");
	proc_await(&p, "{\"event\":\"dut\",\"id\":*,\"data\":{\"id\":\"" MAC "\",*");
	proc_end(&p, SIGTERM);
}

static void a_lost_gateway_ends_the_lines(void **state)
{
	struct farm *farm = *state;
	struct proc p;

	watch(&p, "watch-lost", "--json");
	proc_await(&p, "{\"event\":\"hello\"*");
	farm_kill(farm, "executord");
	assert_int_equal(proc_wait(&p), 1);
	proc_await(&p, "executorctl: the gateway at " URL " ended the stream of events: it stops, or the connection was lost");
	farm_await(farm, "/dut/" MAC, "state", "IDLE");
}

static void start_picture(struct terminal *t, unsigned columns, unsigned rows)
{
	terminal_start(t, (const char *const[]){PROGRAM, "-e", URL, "watch", NULL}, columns, rows);
	terminal_await(t, "\033[?1049h");
	terminal_await(t, "2 machines, ");
}

static void on_a_terminal_the_picture_is_redrawn(void **state)
{
	struct farm *farm = *state;
	struct terminal t;

	start_picture(&t, 200, 24);
	terminal_await(&t, "\033[32mIDLE\033[0m");
	farm_do("PATCH", "/dut/" MAC, "{\"comment\": \"seen live\"}");
	terminal_await(&t, "\033[H2 machines, ");
	terminal_await(&t, "seen live");
	terminal_await(&t, "-> seen live"); /* among the last changes */
	terminal_resize(&t, 60, 10);
	terminal_await(&t, "\033[H2 machines, ");
	terminal_await(&t, "…");
	farm_kill(farm, "executord");
	terminal_await(&t, "LOST: the gateway at " URL " ended the stream");
	terminal_await(&t, "\033[H2 machines, 1 IDLE, 1 RETIRED\033[K\r\n\033[1m"); /* it is back */
	terminal_type(&t, "q");
	assert_int_equal(terminal_end(&t), 0);
	assert_non_null(strstr(t.seen, "\033[?25h\033[?1049l"));
}

static void ctrl_c_puts_the_terminal_back(void **state)
{
	struct terminal t;

	start_picture(&t, 100, 24);
	terminal_type(&t, "\x03");
	assert_int_equal(terminal_end(&t), 128 + SIGINT);
	assert_non_null(strstr(t.seen, "\033[?25h\033[?1049l"));
}

/* ---- terminals and pipes ---- */

static void show_duts(struct terminal *t, const char *option, const char *value, unsigned columns)
{
	terminal_start(t, (const char *const[]){PROGRAM, "-e", URL, option, value, "duts", NULL}, columns, 24);
	assert_int_equal(terminal_end(t), 0);
}

static void a_table_fits_its_terminal_and_is_whole_in_a_pipe(void **state)
{
	struct terminal t;

	show_duts(&t, "--color", "auto", 90);
	assert_non_null(strstr(t.seen, "\033[1mSTATE\033[0m"));
	assert_non_null(strstr(t.seen, "…"));
	assert_null(strstr(t.seen, "amdgpu:gfxversion:gfx9"));
	show_duts(&t, "--color", "never", 250);
	assert_null(strstr(t.seen, "\033["));
	assert_non_null(strstr(t.seen, "amdgpu:gfxversion:gfx9"));
	assert_int_equal(ctl("duts", NULL), 0);
	assert_null(strstr(ctl_out, "\033["));
	assert_non_null(strstr(ctl_out, "amdgpu:family:RV, amdgpu:codename:RENOIR, amdgpu:gfxversion:gfx9"));
	assert_int_equal(ctl("--color=always", "duts", NULL), 0);
	assert_non_null(strstr(ctl_out, "\033[32mIDLE\033[0m"));
}

static void no_color_is_honoured(void **state)
{
	struct terminal t;

	terminal_start(&t, (const char *const[]){"/usr/bin/env", "NO_COLOR=1", PROGRAM, "-e", URL, "duts", NULL}, 120, 24);
	assert_int_equal(terminal_end(&t), 0);
	assert_null(strstr(t.seen, "\033["));
}

static void output_that_cannot_be_written_is_no_success(void **state)
{
	struct proc p;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC), ends[2];

	proc_start_io(&p, "full", (const char *const[]){PROGRAM, "-e", URL, "duts", NULL}, NULL, -1, full);
	assert_int_equal(proc_wait(&p), 1);
	proc_await(&p, "executorctl: cannot write to standard output: No space left on device");
	close(full);
	assert_int_equal(pipe(ends), 0);
	close(ends[0]);
	proc_start_io(&p, "nobody", (const char *const[]){PROGRAM, "-e", URL, "duts", NULL}, NULL, -1, ends[1]);
	assert_int_equal(proc_wait(&p), 1);
	close(ends[1]);
}

/* Where the gateway does not answer within a second there is nothing to choose from: the tab key is pressed again. */
static int complete(const char *command, const char *word, const char *next)
{
	int code;

	do
		code = ctl("complete", "--", "-e", URL, command, word, next, NULL);
	while (code == 0 && !*ctl_out);
	return code;
}

static void the_shell_completes_the_farms_names(void **state)
{
	assert_prints(complete("retire", "test-", NULL), "test-box-1\ntest-spare-1\n");
	assert_prints(complete("port", "DUMMY", ""), "0\n1\n2\n");
	assert_prints(ctl("complete", "--", "-e", "http://10.42.0.1:9", "retire", "", NULL), "");
}

static void bash_completes_names_with_colons(void **state)
{
	static const char script[] = ". " TEST_DATA "/../../executorctl/completion/executorctl.bash\n"
				     "COMP_LINE='" PROGRAM " -e " URL " retire 52:54:00:0' COMP_POINT=999\n"
				     "until _executorctl; test -n \"${COMPREPLY[*]}\"; do :; done\n" /* as above */
				     "printf '%s\\n' \"${COMPREPLY[@]}\"\n"
				     "COMP_LINE='" PROGRAM " quick' COMP_POINT=999 _executorctl; printf '%s\\n' \"${COMPREPLY[@]}\"\n";
	struct proc p;

	file_put(tmp_path("complete.sh"), script);
	proc_start(&p, "bash", (const char *const[]){"bash", tmp_path("complete.sh"), NULL}, NULL);
	assert_int_equal(proc_wait(&p), 0);
	proc_await(&p, "00:00:01"); /* behind the last colon of what stands there: bash adds no more */
	proc_await(&p, "00:00:02");
	proc_await(&p, "quick-check");
}

static void a_machine_is_removed(void **state)
{
	assert_prints(ctl("dut", "52:54:00:00:00:02", "remove", NULL), "52:54:00:00:00:02 is no machine of the farm any more.\n");
	assert_int_equal(farm_request("GET", "/dut/52:54:00:00:00:02", NULL, NULL), 404);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_is_retired_and_activated),
		cmocka_unit_test(each_field_is_set_from_the_command_line),
		cmocka_unit_test(a_port_is_reserved_and_has_its_time),
		cmocka_unit_test(a_discovery_is_shown_and_ended),
		cmocka_unit_test(a_quick_check_is_queued_or_refused),
		cmocka_unit_test(in_a_pipe_each_change_is_a_line),
		cmocka_unit_test(as_json_each_event_is_a_line),
		cmocka_unit_test(a_lost_gateway_ends_the_lines),
		cmocka_unit_test(on_a_terminal_the_picture_is_redrawn),
		cmocka_unit_test(ctrl_c_puts_the_terminal_back),
		cmocka_unit_test(a_table_fits_its_terminal_and_is_whole_in_a_pipe),
		cmocka_unit_test(no_color_is_honoured),
		cmocka_unit_test(output_that_cannot_be_written_is_no_success),
		cmocka_unit_test(the_shell_completes_the_farms_names),
		cmocka_unit_test(bash_completes_names_with_colons),
		cmocka_unit_test(a_machine_is_removed),
	};

	cmocka_set_test_filter(argv[1]); /* NULL: all */
	return cmocka_run_group_tests(tests, start, stop);
}
