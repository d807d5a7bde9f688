/* executorctl against a strict stand-in for a gateway (executorctl_gateway.py), which speaks to it with Python's own base64, json and
 * datetime, as the field's programs do. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/ctl.h"
#include "tests/harness/proc.h"

#define PROGRAM GW_BUILD_ROOT "/executorctl/executorctl"

static struct proc gateway;
#define out ctl_out
#define err ctl_err

static int start_gateway(void **state)
{
	const char *argv[] = {"python3", TEST_DATA "/../integration/executorctl_gateway.py", NULL};

	proc_start(&gateway, "gateway", argv, NULL);
	proc_await(&gateway, "ready");
	file_put(tmp_path("job.yml"), "version: 1\n# {{ a template, sent as it is }}\n");
	return 0;
}

static int stop_gateway(void **state)
{
	proc_end(&gateway, SIGTERM);
	ctl_finish();
	return 0;
}

#define RUN(id) ctl("run", "-i", id, tmp_path("job.yml"), NULL)

/* --- run ---------------------------------------------------------------------------------------------------------------------------- */

static void a_jobs_status_is_the_exit_code(void **state)
{
	static const char *const words[] = {"PASS", "WARN", "COMPLETE", "FAIL", "INCOMPLETE", "UNKNOWN", "SETUP_FAIL"};
	char want[80];

	for (int status = 0; status < 7; status++) {
		assert_int_equal(RUN(words[status]), status);
		assert_string_equal(out, "+0.000s: Starting\n");
		snprintf(want, sizeof(want), "executorctl: the job's status: %s\n", words[status]);
		assert_string_equal(err, want);
		proc_await(&gateway, "the client closed");
	}
	assert_int_equal(RUN("MYSTERY"), 5);
}

static void the_form_has_what_the_options_say(void **state)
{
	static const char *const env[] = {"CI_JOB=1", "CI_job=x", "CI_BAD=\xff", "SECRET_CI=2", NULL};

	assert_int_equal(ctl("run", tmp_path("job.yml"), NULL), 0);
	proc_await(&gateway,
		   "metadata {\"callback\": {}, \"environ\": {}, \"minio\": {\"credentials\": {}, \"groups\": []}, \"version\": 1}");
	proc_await(&gateway, "job b'version: 1\\n# {{ a template, sent as it is }}\\n'");
	assert_int_equal(ctl_fed("", env, "run", "-t", "amdgpu", "-tfarm:x", "--machine-tag=b c", "-j", "FAIL", "-c", "10.42.0.1",
				 "--job-cookie", "c", "--forward-env-regex", "CI_.*", "-a", "key:se:cret", "-g", "mesa", "-g", "kernel",
				 "-w", tmp_path("job.yml"), NULL),
			 3);
	proc_await(&gateway,
		   "metadata {\"callback\": {\"host\": \"10.42.0.1\"}, \"environ\": {\"CI_JOB\": \"1\", \"CI_job\": \"x\"}, "
		   "\"job_cookie\": \"c\", "
		   "\"job_id\": \"FAIL\", \"minio\": {\"credentials\": {\"access_key\": \"key\", \"secret_key\": \"se:cret\"}, "
		   "\"groups\": [\"mesa\", \"kernel\"]}, \"target\": {\"tags\": [\"amdgpu\", \"farm:x\", \"b c\"]}, \"version\": 1}");
}

static void credentials_may_come_from_the_environment(void **state)
{
	static const char *const env[] = {"VALVE_MINIO_AUTH_CREDENTIALS=k:s", NULL};

	assert_int_equal(ctl_fed("", env, "run", tmp_path("job.yml"), NULL), 0);
	proc_await(&gateway, "\"credentials\": {\"access_key\": \"k\", \"secret_key\": \"s\"}");
}

static void a_job_may_come_from_standard_input(void **state)
{
	assert_int_equal(ctl_fed("version: 1 # piped\n", NULL, "run", "-", NULL), 0);
	proc_await(&gateway, "job b'version: 1 # piped\\n'");
}

static void frames_are_read_however_they_arrive(void **state)
{
	assert_int_equal(RUN("pieces"), 0);
	assert_string_equal(out, "+0.1s: byte by byte\n");
	assert_string_equal(err, "executorctl: the job's status: PASS, 12.2 J\n");
	assert_int_equal(RUN("together"), 0);
	assert_string_equal(out, "one two\n");
}

static void console_bytes_are_shown_as_they_are(void **state)
{
	unsigned char shown[512];
	FILE *file;

	assert_int_equal(RUN("bytes"), 0);
	file = fopen(tmp_path("ctl.out"), "r");
	assert_int_equal(fread(shown, 1, sizeof(shown), file), 256);
	fclose(file);
	for (int i = 0; i < 256; i++)
		assert_int_equal(shown[i], i);
}

static void a_busy_farm_is_waited_for_only_if_asked(void **state)
{
	assert_int_equal(ctl("run", "-i", "busy", tmp_path("job.yml"), NULL), 6);
	assert_string_equal(err, "executorctl: All machines matching the tags are busy\n");
	assert_int_equal(ctl("run", "--wait", "-i", "busy", tmp_path("job.yml"), NULL), 0);
	assert_string_equal(err, "executorctl: waiting: All machines matching the tags are busy\nexecutorctl: the job's status: PASS\n");
}

static void a_refused_job_shows_the_servers_reason(void **state)
{
	assert_int_equal(RUN("unknown"), 6);
	assert_string_equal(err, "executorctl: No machine has the id 'unknown'\n");
	assert_string_equal(out, "");
	assert_int_equal(RUN("malformed"), 6);
	assert_string_equal(err, "executorctl: job.yml:3:1: 'deploy' is not a key of a job; did you mean 'deployment'?\n");
}

static void a_lost_gateway_is_said(void **state)
{
	assert_int_equal(RUN("reset"), 4);
	assert_string_equal(
		err, "executorctl: the connection to the gateway was lost before the job's end: Connection reset by peer; the gateway, "
		     "once it notices, ends the job and switches the machine off\n");
}

static void an_end_without_a_status_is_incomplete(void **state)
{
	struct proc p;
	const char *argv[] = {PROGRAM, "run", "-i", "cut", tmp_path("job.yml"), NULL};

	proc_start(&p, "cut", argv, NULL);
	proc_await(&p, "+0.1s: booting");
	proc_end(&gateway, SIGKILL); /* the kernel ends its connections */
	assert_int_equal(proc_wait(&p), 4);
	proc_await(&p, "executorctl: the gateway ended the connection before the job's end: the job was cancelled or the gateway failed");
	start_gateway(state);
}

static void a_gateway_that_makes_no_sense_is_left(void **state)
{
	assert_int_equal(RUN("garbage"), 4);
	assert_string_equal(err,
			    "executorctl: the gateway sent what makes no sense: a frame of 1213486160 bytes is too long; accepted: up to "
			    "16777216\n");
	assert_int_equal(RUN("odd-date"), 4);
	assert_string_equal(err, "executorctl: the gateway sent what makes no sense: a frame: date: '2026-01-31T12:00:00Z' is not as "
				 "2026-01-31T12:00:00.123456+00:00\n");
}

static void what_run_cannot_do_is_said_before_anything_is_sent(void **state)
{
	assert_int_equal(ctl("run", NULL), 2);
	assert_string_equal(err, "executorctl: usage: executorctl run FILE; see executorctl run --help\n");
	assert_int_equal(ctl("duts", "all", NULL), 2);
	assert_string_equal(err, "executorctl: usage: executorctl duts; see executorctl duts --help\n");
	assert_int_equal(ctl("run", "-q", "x", NULL), 2);
	assert_string_equal(err, "executorctl: run: '-q' is not an option of it; see executorctl run --help\n");
	assert_int_equal(ctl("run", "x", "-t", NULL), 2);
	assert_string_equal(err, "executorctl: run: '-t' needs a value; see executorctl run --help\n");
	assert_int_equal(ctl("run", "/no/such/job.yml", NULL), 2);
	assert_string_equal(err, "executorctl: run: cannot open /no/such/job.yml: No such file or directory\n");
	assert_int_equal(ctl("run", "-", NULL), 2);
	assert_string_equal(err, "executorctl: run: standard input is empty\n");
	assert_int_equal(ctl("run", "-a", "nocolon", tmp_path("job.yml"), NULL), 2);
	assert_string_equal(err, "executorctl: run: --minio-auth is not of the form KEY:SECRET\n");
	assert_int_equal(ctl("run", "--forward-env-regex", "(", tmp_path("job.yml"), NULL), 2);
	assert_string_equal(err,
			    "executorctl: run: --forward-env-regex: '(' is not a regular expression: missing closing parenthesis, at 2\n");
}

static void no_gateway_at_all_is_said(void **state)
{
	assert_int_equal(ctl("-e", "http://10.42.0.1:81/", "run", tmp_path("job.yml"), NULL), 6);
	assert_string_equal(err, "executorctl: http://10.42.0.1:81/ cannot be reached: Connection refused\n");
	assert_int_equal(ctl("-e", "http://10.42.0.1:81/", "duts", NULL), 1);
	assert_int_equal(ctl("--executor=ftp://10.42.0.1/", "duts", NULL), 2);
}

/* --- run on a terminal -------------------------------------------------------------------------------------------------------------- */

static void on_terminal(struct terminal *t, const char *id)
{
	terminal_start(t, (const char *const[]){PROGRAM, "run", "-i", id, tmp_path("job.yml"), NULL}, 0, 0);
}

static void what_is_typed_goes_to_the_machine_byte_by_byte(void **state)
{
	struct terminal t;

	on_terminal(&t, "echo");
	terminal_await(&t, "login: ");
	terminal_type(&t, "a\x03\x04\r\x01\x01\x01zq"); /* CTRL+C and CTRL+D are the machine's; CTRL+A twice is one */
	proc_await(&gateway, "typed b'a\\x03\\x04\\r\\x01zq'");
	assert_int_equal(terminal_end(&t), 0);
	assert_non_null(strstr(t.seen, "CTRL+A then CTRL+C leaves"));
	assert_non_null(strstr(t.seen, "bye\r"));
	assert_null(strstr(t.seen, "zq")); /* no echo but the machine's */
	assert_non_null(strstr(t.seen, "the job's status: \033[32mPASS\033[0m"));
}

static void ctrl_a_then_ctrl_c_leaves(void **state)
{
	struct terminal t;

	on_terminal(&t, "stay");
	terminal_await(&t, "ready");
	terminal_type(&t, "\x01\x03");
	assert_int_equal(terminal_end(&t), 4);
	assert_non_null(strstr(t.seen, "executorctl: left before the job's end, which ends the job"));
	proc_await(&gateway, "the client left");
}

static void a_killed_client_puts_the_terminal_back(void **state)
{
	struct termios before, raw, after;
	struct terminal t;
	int keep;

	on_terminal(&t, "stay");
	keep = open(ptsname(t.fd), O_RDWR | O_NOCTTY);
	terminal_await(&t, "ready");
	assert_int_equal(tcgetattr(keep, &raw), 0);
	assert_false(raw.c_lflag & (ICANON | ECHO | ISIG));
	before = raw;
	before.c_lflag |= ICANON | ECHO | ISIG;
	kill(t.pid, SIGTERM);
	assert_int_equal(waitpid(t.pid, &(int){0}, 0), t.pid);
	assert_int_equal(tcgetattr(keep, &after), 0);
	assert_int_equal(after.c_lflag & (ICANON | ECHO | ISIG), before.c_lflag & (ICANON | ECHO | ISIG));
	proc_await(&gateway, "the client left");
	close(keep);
	close(t.fd);
}

/* --- The gateway's facts ------------------------------------------------------------------------------------------------------------ */

#define ALARM "executorctl: ALARM: port 3 of APC could not be ?[2J switched OFF yet\n"

/* Those that are up say nothing, nor one that was never there. */
#define DAEMONS                                                                                                                            \
	"executorctl: the daemon bootsd is failing since 2026-01-31T12:00:00+00:00; its last end: exit code 1?[2J; its next start waits "  \
	"8.5 s\n"                                                                                                                          \
	"executorctl: the daemon artifactd is down since 2026-01-31T12:00:00+00:00\n"

static void duts_are_a_table(void **state)
{
	assert_int_equal(ctl("duts", NULL), 0);
	assert_string_equal(out, "ID                 NAME           STATE     TRAINING     READY  PORT   IP          TAGS  COMMENT\n"
				 "52:54:00:11:22:0a  farm-gfx9-1    IDLE      -            yes    APC/3  10.42.0.17  a, b  loud?[2J fan\n"
				 "rack-2             farm-virtio-1  TRAINING  loop 2 of 5  no     APC/4  -           -     -\n");
	assert_string_equal(err, DAEMONS ALARM);
}

static void one_dut_is_shown_field_by_field(void **state)
{
	assert_int_equal(ctl("dut", "rack-2", NULL), 0);
	assert_non_null(strstr(out, "\nfull_name                  farm-virtio-1\n"));
	assert_non_null(strstr(out, "\ntraining.boot_loop_counts  5\n"));
	assert_non_null(strstr(out, "\ntraining.loops[1]          status=FAIL\n"));
	assert_non_null(strstr(out, "\npdu.port_id                4\n"));
	assert_int_equal(ctl("dut", "52:54:00:11:22:0a", NULL), 0);
	assert_non_null(strstr(out, "\ntags                a, b\n"));
	assert_int_equal(ctl("dut", "rack/../3", NULL), 1);
	assert_string_equal(err, "executorctl: '/api/v1/dut/rack%2F..%2F3' is not known here\n");
}

static void pdus_are_a_table_with_their_errors(void **state)
{
	assert_int_equal(ctl("pdus", NULL), 0);
	assert_string_equal(out, "PDU      PORT  LABEL  STATE        RESERVED  MIN OFF\n"
				 "APC      3     left   OFF          no        5 s\n"
				 "APC      4     -      ON (pinned)  yes       5 s\n"
				 "Lab?[1m  -     -      ERROR        -         -\n"
				 "Lab?[1m is in state ERROR: no route?? to? 10.0.0.9\n");
	assert_string_equal(err, DAEMONS ALARM);
}

static void json_is_the_answer_as_it_is(void **state)
{
	assert_int_equal(ctl("pdus", "--json", NULL), 0);
	assert_non_null(strstr(out, "\"min_off_time\":\t5"));
	assert_non_null(strstr(out, "\"Lab\\u001b[1m\":"));
	assert_non_null(strstr(out, "\"error\":\t\"no route\\u009b to\\u007f 10.0.0.9\"")); /* the same text, and harmless on a terminal */
	assert_int_equal(ctl("port", "APC", "3", "--json", NULL), 0);
	assert_non_null(strstr(out, "\"label\":\t\"left\""));
}

static void a_port_is_shown_and_switched(void **state)
{
	assert_int_equal(ctl("port", "APC", "3", NULL), 0);
	assert_non_null(strstr(out, "state          OFF\n"));
	assert_int_equal(ctl("port", "APC", "3", "ON", NULL), 0);
	assert_string_equal(out, "Port 3 of APC is being switched ON.\n");
	proc_await(&gateway, "PATCH /api/v1/pdu/APC/port/3 {\"state\": \"on\"}");
	assert_int_equal(ctl("port", "APC", "4", "off", NULL), 1);
	assert_string_equal(err, "executorctl: port 4 of PDU APC is reserved\n");
	assert_int_equal(ctl("port", "APC", "3", "up", NULL), 2);
	assert_string_equal(err, "executorctl: port: 'up' is not a state; accepted: on, off, reserve, unreserve, min-off SECONDS\n");
	assert_int_equal(ctl("port", "odd", "1", NULL), 1);
	assert_string_equal(err, "executorctl: no??2J\n");
}

static void the_words_of_port_in_another_order_are_refused_with_the_right_one(void **state)
{
	assert_int_equal(ctl("port", "on", "APC", "3", NULL), 2);
	assert_string_equal(err, "executorctl: port: 'on' comes last: executorctl port PDU PORT on\n");
	assert_int_equal(ctl("port", "APC", "Reserve", "3", NULL), 2);
	assert_string_equal(err, "executorctl: port: 'reserve' comes last: executorctl port PDU PORT reserve\n");
	assert_int_equal(ctl("port", "min-off", "APC", "3", "5", NULL), 2);
	assert_string_equal(err, "executorctl: port: 'min-off' comes last: executorctl port PDU PORT min-off SECONDS\n");
}

static void a_discovery_is_begun(void **state)
{
	assert_int_equal(ctl("discover", "APC", "3", NULL), 0);
	assert_string_equal(out, "Discovering the machine at port 3 of APC, for up to 150 s.\n");
	proc_await(&gateway, "POST /api/v1/dut/discover {\"pdu\": \"APC\", \"port_id\": \"3\"}");
	assert_int_equal(ctl("discover", "APC", "3", "--timeout", "20", NULL), 0);
	proc_await(&gateway, "POST /api/v1/dut/discover {\"pdu\": \"APC\", \"port_id\": \"3\", \"timeout\": 20}");
	assert_int_equal(ctl("discover", "APC", "3", "--timeout=soon", NULL), 2);
	assert_string_equal(err, "executorctl: discover: --timeout: 'soon' is not a number of seconds; accepted: above 0, up to 86400\n");
}

static void a_job_is_cancelled(void **state)
{
	assert_int_equal(ctl("cancel", "52:54:00:11:22:0a", NULL), 0);
	assert_string_equal(out, "The job on 52:54:00:11:22:0a is being cancelled.\n");
	proc_await(&gateway, "POST /api/v1/dut/52:54:00:11:22:0a/cancel_job {}");
	assert_int_equal(ctl("cancel", "nobody", NULL), 1);
	assert_string_equal(err, "executorctl: '/api/v1/dut/nobody/cancel_job' is not known here\n");
}

static void runners_are_a_table_with_what_is_wrong(void **state)
{
	assert_int_equal(ctl("gitlab", "status", NULL), 0);
	assert_string_equal(out, "INSTANCE  RUNNER         ID  EXPOSED  VALID    LAST CHECK           LAST ERROR\n"
				 "lab       farm-gfx9-1    42  yes      yes      2026-01-31T12:00:00  -\n"
				 "fdo       farm-virtio-1  -   no       unknown  -                    no tags?[2J\n");
	assert_string_equal(err, "executorctl: fdo: answered 502\n"
				 "executorctl: fdo: runners that are still to be removed there: 3\n"
				 "executorctl: /etc/gitlab-runner/config.toml is as it was: conf.j2:3: no\n"
				 "executorctl: runners named as ours that no machine has: 1; `executorctl gitlab prune` removes them\n");
	assert_int_equal(ctl("gitlab", "statsu", NULL), 2);
	assert_string_equal(err, "executorctl: 'statsu' is not a command of gitlab; accepted: status, prune\n");
	assert_int_equal(ctl("gitlab", "status", "--list", NULL), 2);
	assert_string_equal(err, "executorctl: --instance and --list belong to `gitlab prune`\n");
}

static void orphans_are_listed_and_removed(void **state)
{
	assert_int_equal(ctl("gitlab", "prune", "--list", "--instance", "lab", NULL), 0);
	proc_await(&gateway, "POST /api/v1/gitlab/prune {\"instance\": \"lab\", \"remove\": false}");
	assert_string_equal(out, "INSTANCE  ID  DESCRIPTION  WHAT\nlab       7   farm-old-1   orphan\n");
	assert_int_equal(ctl("gitlab", "prune", NULL), 1); /* the other instance was not asked */
	proc_await(&gateway, "POST /api/v1/gitlab/prune {\"remove\": true}");
	assert_string_equal(out, "INSTANCE  ID  DESCRIPTION  WHAT\nlab       7   farm-old-1   removed\n");
	assert_string_equal(err, "executorctl: fdo: answered 502\nexecutorctl: not all orphans were removed\n");
	assert_int_equal(ctl("gitlab", "prune", "-i", "lab", NULL), 1);
	assert_non_null(strstr(out, "403 Forbidden\n"));
	assert_string_equal(err, "executorctl: not all orphans were removed\n");
}

static void a_server_that_is_no_gateway_is_shown_escaped(void **state)
{
	assert_int_equal(ctl("port", "web", "1", NULL), 1);
	assert_string_equal(err, "executorctl: http://10.42.0.1/ answered 502: <html>\\x1b[2J</html>\n");
}

/* Neither asks a gateway, so they say what they cannot know. */
static void what_is_tried_without_a_gateway_says_that_its_registry_rules_are_not_known(void **state)
{
	static const char said[] = "executorctl: registry.to_local_proxy changes no name here; the gateway's REGISTRIES_CFG may\n";

	file_put(tmp_path("plain.yml"), "image: a/b\n");
	file_put(tmp_path("proxied.yml"), "image: {{ registry.to_local_proxy('a/b') }}\n");
	assert_int_equal(ctl("render", tmp_path("plain.yml"), NULL), 0);
	assert_string_equal(err, "");
	assert_int_equal(ctl("render", tmp_path("proxied.yml"), NULL), 0);
	assert_string_equal(out, "image: a/b\n");
	assert_string_equal(err, said);
	assert_int_equal(ctl("lint", tmp_path("proxied.yml"), NULL), 1);
	assert_non_null(strstr(err, said));
}

static void each_command_has_its_help_and_the_options_their_table(void **state)
{
	static const char *const commands[] = {"run", "duts", "dut", "watch", "lint", "complete"};
	char usage[80];

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		assert_int_equal(ctl(commands[i], "--help", NULL), 0);
		snprintf(usage, sizeof(usage), "Usage: executorctl [OPTION]... %s", commands[i]);
		assert_memory_equal(out, usage, strlen(usage));
	}
	assert_int_equal(ctl("--help", NULL), 0);
	assert_non_null(strstr(out, "default: http://10.42.0.1/"));
	assert_int_equal(ctl("options", NULL), 0);
	assert_non_null(strstr(out, "| `EXECUTOR_PORT` | `80` |"));
	assert_int_equal(ctl(NULL), 2);
	assert_string_equal(err, "executorctl: a command is missing; see executorctl --help\n");
	assert_int_equal(ctl("explode", NULL), 2);
	assert_string_equal(err, "executorctl: 'explode' is not a command; see executorctl --help\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_jobs_status_is_the_exit_code),
		cmocka_unit_test(the_form_has_what_the_options_say),
		cmocka_unit_test(credentials_may_come_from_the_environment),
		cmocka_unit_test(a_job_may_come_from_standard_input),
		cmocka_unit_test(frames_are_read_however_they_arrive),
		cmocka_unit_test(console_bytes_are_shown_as_they_are),
		cmocka_unit_test(a_busy_farm_is_waited_for_only_if_asked),
		cmocka_unit_test(a_refused_job_shows_the_servers_reason),
		cmocka_unit_test(a_lost_gateway_is_said),
		cmocka_unit_test(an_end_without_a_status_is_incomplete),
		cmocka_unit_test(a_gateway_that_makes_no_sense_is_left),
		cmocka_unit_test(what_run_cannot_do_is_said_before_anything_is_sent),
		cmocka_unit_test(no_gateway_at_all_is_said),
		cmocka_unit_test(what_is_typed_goes_to_the_machine_byte_by_byte),
		cmocka_unit_test(ctrl_a_then_ctrl_c_leaves),
		cmocka_unit_test(a_killed_client_puts_the_terminal_back),
		cmocka_unit_test(duts_are_a_table),
		cmocka_unit_test(one_dut_is_shown_field_by_field),
		cmocka_unit_test(pdus_are_a_table_with_their_errors),
		cmocka_unit_test(json_is_the_answer_as_it_is),
		cmocka_unit_test(a_port_is_shown_and_switched),
		cmocka_unit_test(the_words_of_port_in_another_order_are_refused_with_the_right_one),
		cmocka_unit_test(a_discovery_is_begun),
		cmocka_unit_test(a_job_is_cancelled),
		cmocka_unit_test(runners_are_a_table_with_what_is_wrong),
		cmocka_unit_test(orphans_are_listed_and_removed),
		cmocka_unit_test(a_server_that_is_no_gateway_is_shown_escaped),
		cmocka_unit_test(what_is_tried_without_a_gateway_says_that_its_registry_rules_are_not_known),
		cmocka_unit_test(each_command_has_its_help_and_the_options_their_table),
	};

	return cmocka_run_group_tests(tests, start_gateway, stop_gateway);
}
