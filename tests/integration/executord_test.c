/* A real executord among real daemons, with a dummy PDU; the test is the machine at its serial console. In a network namespace of its own.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/dutnet.h"
#include "tests/harness/farm.h"

#define MAC  "52:54:00:00:00:01"
#define DUT  "/dut/" MAC
#define PORT "/pdu/DUMMY/port/0"

static const char db[] = "# my farm\n"
			 "pdus:\n"
			 "  DUMMY:\n"
			 "    driver: dummy\n"
			 "    config: {ports: [one, two, three, four]}\n"
			 "duts:\n"
			 "  '" MAC "': # the first one\n"
			 "    base_name: box\n"
			 "    tags: [x86_64]\n"
			 "    pdu: DUMMY\n"
			 "    pdu_port_id: 0\n"
			 "    pdu_off_delay: 0.1 # seconds\n"
			 "    ready_for_service: true\n";

static const char job[] = "version: 1\n"
			  "target: {id: " MAC "}\n"
			  "console_patterns:\n"
			  "  session_end: {regex: '^good bye'}\n"
			  "  job_success: {regex: '^it works'}\n"
			  "deployment: {start: {kernel: {data: a kernel}}}\n";

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm = farm_start(&options);

	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(farm, DUT, "state", "IDLE");
	farm_await_value(farm, DUT, "logs_endpoint/port");
	proc_await(&farm->supervisor, "executord*bus: bootsd (process *) is there");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	return 0;
}

/* ---- REST ---- */

static const struct rest_row {
	const char *method, *path, *body;
	int status;
	const char *answer; /* `*` stands for anything */
} rest_rows[] = {
	{"GET", "/duts", NULL, 200, "{\"duts\":{\"" MAC "\":{\"id\":\"" MAC "\",\"state\":\"IDLE\",*}}}"},
	{"GET", "/machines/", NULL, 200, "{\"machines\":{\"" MAC "\":{*}}}"},
	{"GET", "/dut/test-box-1", NULL, 200, "{\"id\":\"" MAC "\",*\"full_name\":\"test-box-1\"*}"},
	{"GET", "/machine/" MAC "/", NULL, 200, "{\"id\":\"" MAC "\",*}"},
	{"GET", "/dut/nobody", NULL, 404, "{\"error\":\"there is no machine 'nobody'\"}"},
	{"GET", "/pdu/APC", NULL, 404, "{\"error\":\"there is no PDU 'APC'\"}"},
	{"GET", "/pdu/DUMMY/port/9", NULL, 404, "{\"error\":\"PDU 'DUMMY' has no port '9'\"}"},
	{"GET", "/pdu/DUMMY/port/two", NULL, 200, "{\"label\":\"two\",\"min_off_time\":*,\"state\":\"*\",*\"reserved\":false}"},
	{"GET", "/dut/discover", NULL, 200, "{}"},
	{"GET", DUT "/quick_check", NULL, 200, "false"},
	{"POST", DUT "/quick_check", "{}", 400,
	 "{\"error\":\"SERGENT_HARTMAN_BOOT_COUNT is negative: nothing is checked or trained here\"}"},
	{"POST", DUT "/cancel_job", "{}", 400, "{\"error\":\"test-box-1: no job is running\"}"},
	{"GET", DUT "/training/loop/0", NULL, 404, "{\"error\":\"" MAC " has no log of a failed training loop '0'\"}"},
	{"PATCH", DUT, "{\"pdu\": \"DUMMY\"}", 400, "{\"error\":\"'pdu' is not a field that can be set here; accepted: *\"}"},
	{"PATCH", DUT, "{\"comment\": ", 400, "{\"error\":\"the body: not JSON: line 1, *\"}"},
	{"PATCH", PORT, "{\"state\": \"on\"}", 400,
	 "{\"error\":\"port 0 of DUMMY is that of the machine test-box-1; retire it to switch the port by hand\"}"},
	{"POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 0}", 400,
	 "{\"error\":\"port 0 of DUMMY is that of the machine test-box-1\"}"},
	{"POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 1}", 400,
	 "{\"error\":\"port 1 of DUMMY is ON already; switch it off first\"}"},
	{"POST", "/dut/", "{\"base_name\": \"new\"}", 400,
	 "{\"error\":\"mac_address: it is missing; accepted: a MAC address, as 52:54:00:11:22:0a\"}"},
	{"GET", "/duts/" MAC "/boot.ipxe", NULL, 200, "#!ipxe"},
	{"GET", "/machines/test-box-1/boot.ipxe", NULL, 200, "#!ipxe"},
	{"GET", "/duts/nobody/boot.ipxe", NULL, 404, "{\"error\":\"there is no machine 'nobody'\"}"},
	{"POST", "/duts", "{}", 405, "{\"error\":\"*\"}"},
};

/* What no refused input may change. The caller frees it. */
static char *machines_and_file(const struct farm *farm)
{
	char *duts, *text = file_get(farm->db_path), *both;

	assert_int_equal(farm_request("GET", "/duts", NULL, &duts), 200);
	both = gw_sprintf("%s\n%s", duts, text);
	free(duts);
	free(text);
	return both;
}

static void assert_unchanged(const struct farm *farm, char *before)
{
	char *after = machines_and_file(farm);

	assert_string_equal(after, before);
	free(after);
	free(before);
}

static void each_request_is_answered_or_refused_with_its_reason(void **state)
{
	char *before = machines_and_file(*state);

	for (size_t i = 0; i < sizeof(rest_rows) / sizeof(rest_rows[0]); i++) {
		const struct rest_row *row = &rest_rows[i];
		char *answer;
		int status = farm_request(row->method, row->path, row->body, &answer);
		size_t len = strcspn(answer, "\n");

		if (status != row->status || !glob_line(row->answer, answer, len))
			fail_msg("%s %s: %d %s\nexpected: %d %s", row->method, row->path, status, answer, row->status, row->answer);
		free(answer);
	}
	assert_unchanged(*state, before);
}

static void promise_2_a_patch_is_in_the_file_and_its_comments_stay(void **state)
{
	struct farm *farm = *state;
	char *text;

	farm_do("PATCH", DUT, "{\"pdu_off_delay\": 0.2, \"comment\": \"it's ours\", \"manual_tags\": [\"freesync\"]}");
	assert_string_equal(farm_get(DUT, "comment"), "it's ours");
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "# my farm\n"));
	assert_non_null(strstr(text, "'" MAC "': # the first one\n"));
	assert_non_null(strstr(text, "    pdu_off_delay: 0.2 # seconds\n"));
	assert_non_null(strstr(text, "    comment: 'it''s ours'\n"));
	free(text);
	farm_await(farm, PORT, "min_off_time", "0.2"); /* pdud has been told */
}

static void promise_6_an_edit_shows_and_a_bad_one_keeps_the_last_good_database(void **state)
{
	struct farm *farm = *state;
	char *text;

	farm_edit_db(farm, "tags: [x86_64]", "tags: [x86_64, amd]");
	farm_await(farm, DUT, "tags", "*amd*");
	farm_edit_db(farm, "pdu_off_delay: 0.2", "pdu_off_delay: soon");
	farm_await(farm, "/full-state", "database/error",
		   "mars_db.yaml:*: duts.'" MAC
		   "'.pdu_off_delay: 'soon' is not a number of seconds; accepted: 0 to 3600. The database read "
		   "at * stays in use.");
	assert_string_equal(farm_get(DUT, "pdu_off_delay"), "0.2");
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "pdu_off_delay: soon"));
	free(text);
	farm_edit_db(farm, "pdu_off_delay: soon", "pdu_off_delay: 0.1");
	farm_await(farm, "/full-state", "database/error", "(none)");
	farm_await(farm, DUT, "pdu_off_delay", "0.1");
}

static void promise_8_a_second_executord_is_refused(void **state)
{
	struct farm *farm = *state;
	static const char *const argv[] = {GW_BUILD_ROOT "/executord/executord", NULL};
	struct proc second;

	proc_start(&second, "second", argv, farm->env);
	assert_int_equal(proc_wait(&second), 1);
	assert_true(proc_has_said(&second, "executord/lock: process * already runs"));
}

static void a_reserved_port_is_in_the_file_and_left_alone(void **state)
{
	struct farm *farm = *state;
	char *text;

	farm_do("PATCH", "/pdu/DUMMY/port/3", "{\"reserved\": \"True\"}");
	assert_string_equal(farm_get("/pdu/DUMMY/port/3", "reserved"), "true");
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "reserved_port_ids:"));
	free(text);
	assert_int_equal(farm_request("PATCH", "/pdu/DUMMY/port/3", "{\"state\": \"off\"}", &text), 400);
	assert_string_equal(text, "{\"error\":\"port 3 of DUMMY is reserved; un-reserve it first\"}");
	free(text);
	farm_do("PATCH", "/pdu/DUMMY/port/3", "{\"reserved\": false, \"state\": \"OFF\"}");
	assert_string_equal(farm_get("/pdu/DUMMY/port/3", "state"), "OFF");
}

/* ---- discovery ---- */

static void a_machine_that_registers_in_a_discovery_takes_the_port(void **state)
{
	struct farm *farm = *state;
	char *answer, *text;

	farm_do("PATCH", "/pdu/DUMMY/port/1", "{\"state\": \"off\"}");
	farm_do("POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": \"1\", \"timeout\": \"60\"}");
	assert_string_equal(farm_get("/dut/discover", "port_id"), "1");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "ON");
	assert_int_equal(farm_request("POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 2}", &answer), 400);
	assert_string_equal(answer, "{\"error\":\"a discovery goes on already, at port 1 of DUMMY\"}");
	free(answer);
	farm_do("POST", "/machine/",
		"{\"base_name\": \"box\", \"tags\": [\"new\"], \"mac_address\": \"52:54:00:00:00:02\", \"ip_address\": \"10.42.0.7\", "
		"\"local_tty_device\": \"ttyS0\"}");
	farm_await(farm, "/dut/test-box-1", "id", "52:54:00:00:00:02"); /* the first one has no first_seen */
	farm_await(farm, "/dut/52:54:00:00:00:02", "state", "IDLE");
	assert_string_equal(farm_get("/dut/discover", "pdu"), "(none)");
	assert_string_equal(farm_get("/dut/52:54:00:00:00:02", "pdu/port_id"), "1");
	assert_string_equal(farm_get("/dut/52:54:00:00:00:02", "pdu_off_delay"), "0.1");
	assert_string_equal(farm_get("/pdu/DUMMY/port/1", "state"), "OFF");
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "'52:54:00:00:00:02':\n    first_seen: 2"));
	free(text);
	farm_do("DELETE", "/dut/52:54:00:00:00:02", NULL);
	assert_string_equal(farm_get("/dut/52:54:00:00:00:02", "error"), "(none)");
	assert_int_equal(farm_request("GET", "/dut/52:54:00:00:00:02", NULL, &answer), 404);
	free(answer);
}

static void a_cancelled_discovery_leaves_the_port_off(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"pdu_port_id\": 1}");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "ON");
	farm_do("DELETE", "/dut/discover", NULL);
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "OFF");
	assert_string_equal(farm_get("/dut/discover", "pdu"), "(none)");
}

static void a_discovery_that_finds_nothing_ends_by_itself(void **state)
{
	struct farm *farm = *state;

	farm_do("POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 1, \"timeout\": 3}"); /* pdud has to answer in it */
	proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 ends: no unknown machine showed up in time");
	proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 is over");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "OFF");
}

static void a_discovery_that_times_out_before_pdud_answers_is_answered(void **state)
{
	struct farm *farm = *state;
	char *answer;

	kill(farm_pid(farm, "pdud"), SIGSTOP);
	assert_int_equal(farm_request("POST", "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 1, \"timeout\": 0.2}", &answer), 503);
	assert_string_equal(answer, "{\"error\":\"the discovery ended before pdud gave it the port\"}");
	free(answer);
	kill(farm_pid(farm, "pdud"), SIGCONT);
	proc_await(&farm->supervisor, "executord*discovery at DUMMY port 1 is over");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "OFF");
}

/* ---- jobs ---- */

/* The machine's serial line at SALAD. */
static int console_open(void)
{
	struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons(8100)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	static const char hello[] = "\nSALAD.machine_id=" MAC "\n";

	inet_pton(AF_INET, "10.42.0.1", &where.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&where, sizeof(where)), 0);
	assert_int_equal(write(fd, hello, sizeof(hello) - 1), sizeof(hello) - 1);
	return fd;
}

static void say(int console, const char *text)
{
	assert_int_equal(write(console, text, strlen(text)), strlen(text));
}

static void start_job(struct farm *farm, struct proc *client, const char *name)
{
	farm_run_job(client, name, job, NULL, -1);
	farm_await(farm, DUT, "state", "RUNNING");
	proc_await(client, "the machine is powered");
	farm_await(farm, PORT, "state", "ON"); /* jobd has it from pdud, and so has executord, each in its time */
}

static void await_free(struct farm *farm)
{
	farm_await(farm, DUT, "state", "IDLE"); /* by what jobd says; pdud says the other */
	farm_await(farm, PORT, "state", "OFF");
}

/* Until it is on the disk, which a thread writes, that the machine is in this state. */
static void await_kept(const struct farm *farm, const char *dut_state)
{
	char *folder = gw_sprintf("%s/executord", farm->state_dir), *path = gw_sprintf("%s/duts.json", folder), events[4096];
	char *wanted = gw_sprintf("\"" MAC "\":{\"state\":\"%s\"", dut_state), *text;
	int fd = inotify_init1(IN_CLOEXEC);

	assert_true(inotify_add_watch(fd, folder, IN_MOVED_TO) >= 0);
	while (text = file_get(path), !strstr(text, wanted)) {
		free(text);
		assert_true(read(fd, events, sizeof(events)) > 0);
	}
	free(text);
	close(fd);
	free(wanted);
	free(path);
	free(folder);
}

static void a_job_runs_and_frees_its_machine(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	int console = console_open();

	start_job(farm, &client, "passes");
	say(console, "hello\nit works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	assert_true(proc_has_said(&client, "hello"));
	await_free(farm);
	close(console);
}

static void a_job_goes_on_while_executord_is_killed(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	int console = console_open();

	start_job(farm, &client, "survives");
	farm_kill(farm, "executord");
	farm_await(farm, DUT, "state", "RUNNING");
	proc_await(&farm->supervisor, "executord*job=user-* is carried on by jobd-*");
	say(console, "still here\nit works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	assert_true(proc_has_said(&client, "still here"));
	await_free(farm);
	close(console);
}

static void a_killed_jobd_ends_its_job_with_a_reason_and_the_port_off(void **state)
{
	struct farm *farm = *state;
	pid_t spare = farm_spare_jobd(farm);
	struct proc client;

	start_job(farm, &client, "killed");
	kill(spare, SIGKILL);
	assert_int_equal(proc_wait(&client), 4);
	proc_await(&farm->supervisor, "executord*job=user-* is lost: its jobd (jobd-*) died");
	await_free(farm);
}

static void a_cancelled_job_frees_its_machine(void **state)
{
	struct farm *farm = *state;
	struct proc client;

	start_job(farm, &client, "cancelled");
	farm_do("POST", DUT "/cancel_job", "{}");
	proc_wait(&client);
	await_free(farm);
}

static void a_reservation_ends_the_job_at_its_port_and_leaves_the_port_alone(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	char *text = file_get(farm->db_path);

	start_job(farm, &client, "reserved");
	farm_edit_db(farm, "reserved_port_ids: []", "reserved_port_ids: [0]");
	assert_int_equal(proc_wait(&client), 4);
	farm_await(farm, DUT, "state", "WAIT_FOR_CONFIG");
	assert_string_equal(farm_get(PORT, "state"), "ON");
	file_put(farm->db_path, text);
	farm_await(farm, DUT, "state", "IDLE");
	free(text);
	start_job(farm, &client, "unreserved"); /* which switches it OFF first */
	farm_do("POST", DUT "/cancel_job", "{}");
	proc_wait(&client);
	await_free(farm);
}

static void a_machine_retired_during_its_job_goes_after_it(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	int console = console_open();

	start_job(farm, &client, "retires");
	farm_do("PATCH", DUT, "{\"is_retired\": true}");
	assert_string_equal(farm_get(DUT, "state"), "RUNNING");
	say(console, "it works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	farm_await(farm, DUT, "state", "RETIRED");
	close(console);
}

static void states_are_kept_over_a_restart(void **state)
{
	struct farm *farm = *state;

	assert_string_equal(farm_get(DUT, "state"), "RETIRED");
	await_kept(farm, "RETIRED");
	farm_kill(farm, "executord");
	proc_await(&farm->supervisor, "executord*is RETIRED as before the restart");
	farm_await(farm, DUT, "state", "RETIRED");
	farm_do("PATCH", DUT, "{\"is_retired\": false}");
	farm_await(farm, DUT, "state", "IDLE");
}

/* ---- submissions that are refused ---- */

static size_t collect(char *bytes, size_t size, size_t n, void *data)
{
	strncat(data, bytes, size * n < 1000 ? size * n : 1000);
	return size * n;
}

static void add_part(curl_mime *form, const char *name, const char *type, const char *text)
{
	curl_mimepart *part = curl_mime_addpart(form);

	curl_mime_name(part, name);
	curl_mime_filename(part, name);
	curl_mime_type(part, type);
	curl_mime_data(part, text, CURL_ZERO_TERMINATED);
}

static int submit(const char *metadata, const char *text, char answer[2048])
{
	CURL *curl = curl_easy_init();
	curl_mime *form = curl_mime_init(curl);
	long status = 0;

	answer[0] = '\0';
	if (metadata)
		add_part(form, "metadata", "application/json", metadata);
	if (text)
		add_part(form, "job", "application/x-yaml", text);
	curl_easy_setopt(curl, CURLOPT_URL, "http://10.42.0.1//api/v1/jobs"); /* as the field's client says it */
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_MIMEPOST, form);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_mime_free(form);
	curl_easy_cleanup(curl);
	return (int)status;
}

#define CALLBACK "\"callback\": {\"port\": 5555}"

static const struct submit_row {
	const char *metadata, *job;
	int status;
	const char *error; /* `*` stands for anything */
} submit_rows[] = {
	{NULL, job, 400, "the part 'metadata' is missing; accepted: multipart/form-data with `metadata` (JSON) and `job` (YAML)"},
	{"{\"version\": 1, " CALLBACK "}", NULL, 400, "the part 'job' is missing; *"},
	{"{\"version\": 1, ", job, 400, "metadata: not JSON: line 1, *"},
	{"{\"version\": 2, " CALLBACK "}", job, 400, "metadata: version: 2 is not known; accepted: 1"},
	{"{\"version\": 1, " CALLBACK "}", "target: {id: [\n", 400, "job:2:1: *"},
	{"{\"version\": 1, " CALLBACK "}", "target: {id: x}\nbogus: 1\n", 400, "job:2:1: 'bogus' is not a field of a job; accepted: *"},
	{"{\"version\": 1, " CALLBACK ", \"minio\": {\"groups\": [\"g\"]}}", job, 403,
	 "metadata: minio.groups: no group is granted without credentials; accepted with minio.credentials{access_key,secret_key}"},
	{"{\"version\": 1, " CALLBACK ", \"target\": {\"id\": \"nobody\"}}", job, 404, "there is no machine 'nobody'"},
	{"{\"version\": 1, " CALLBACK ", \"target\": {\"tags\": [\"arm\"]}}", job, 406, "no machine has the tags arm"},
	{"{\"version\": 1, " CALLBACK ", \"target\": {\"id\": \"52:54:00:00:00:03\"}}", job, 409,
	 "the machine '52:54:00:00:00:03' cannot take a job now: the machine waits for its power port to be configured"},
};

static void a_submission_that_cannot_be_is_answered_in_the_fields_form(void **state)
{
	char *before;

	farm_do("POST", "/dut/", "{\"mac_address\": \"52:54:00:00:00:03\", \"base_name\": \"waits\"}");
	farm_await_value(*state, "/dut/52:54:00:00:00:03", "logs_endpoint/port"); /* saladd's part of it comes by itself */
	before = machines_and_file(*state);
	for (size_t i = 0; i < sizeof(submit_rows) / sizeof(submit_rows[0]); i++) {
		char answer[2048], expected[1024];
		int status = submit(submit_rows[i].metadata, submit_rows[i].job, answer);

		snprintf(expected, sizeof(expected), "{\"version\":1,\"error_msg\":\"%s\"}", submit_rows[i].error);
		if (status != submit_rows[i].status || !glob_line(expected, answer, strcspn(answer, "\n")))
			fail_msg("%d %s\nexpected: %d %s", status, answer, submit_rows[i].status, expected);
	}
	assert_unchanged(*state, before);
}

/* Killed before the job's start was on the disk: the machine was IDLE, says the disk. */
static void a_job_is_adopted_by_an_executord_that_never_saved_it(void **state)
{
	struct farm *farm = *state;
	char path[600], answer[2048], *before;
	struct proc client;
	int console = console_open();

	await_kept(farm, "IDLE");
	snprintf(path, sizeof(path), "%s/executord/duts.json", farm->state_dir);
	before = file_get(path);
	assert_non_null(strstr(before, "\"state\":\"IDLE\""));
	start_job(farm, &client, "adopted");
	proc_signal(&farm->supervisor, SIGSTOP);
	farm_kill(farm, "executord");
	file_put(path, before);
	free(before);
	proc_signal(&farm->supervisor, SIGCONT);
	proc_await(&farm->supervisor, "executord*job=user-* is carried on by jobd-*");
	farm_await(farm, DUT, "state", "RUNNING");
	assert_int_equal(submit("{\"version\": 1, " CALLBACK "}", job, answer), 409);
	say(console, "it works\ngood bye\n");
	assert_int_equal(proc_wait(&client), 0);
	await_free(farm);
	close(console);
}

/* The second job's jobd is asked for while the first one's start holds the next spare back. */
static void a_job_without_a_jobd_is_answered_while_executord_lives_on(void **state)
{
	struct farm *farm = *state;
	char answer[2048];
	pid_t executord = farm_pid(farm, "executord");

	farm_kill_jobds(farm); /* one that a refused job gave back would be one too many */
	farm_spare_jobd(farm);
	proc_end(&farm->supervisor, SIGKILL);
	assert_int_equal(submit("{\"version\": 1, " CALLBACK "}", job, answer), 200);
	assert_int_equal(submit("{\"version\": 1, " CALLBACK "}", job, answer), 503);
	assert_non_null(strstr(answer, "jobd.sock: Connection refused"));
	assert_int_equal(farm_pid(farm, "executord"), executord);
	farm_start_supervisor(farm);
	await_free(farm); /* nobody listens at the first one's callback */
}

/* By then its jobd is dead, so the port is executord's to switch OFF, before pdud is stopped too. */
static void a_stop_leaves_the_port_of_a_killed_jobd_off(void **state)
{
	struct farm *farm = *state;
	pid_t spare = farm_spare_jobd(farm);
	struct proc client;

	start_job(farm, &client, "stopped");
	proc_await(&farm->supervisor, "port 0 of PDU 'DUMMY': OFF -> ON");
	proc_signal(&farm->supervisor, SIGTERM);
	kill(spare, SIGKILL);
	assert_int_equal(proc_wait(&farm->supervisor), 0);
	proc_await(&farm->supervisor, "port 0 of PDU 'DUMMY': ON -> OFF");
	proc_wait(&client);
	farm_start_supervisor(farm);
	farm_await(farm, DUT, "state", "IDLE");
	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
}

static void a_database_that_is_not_valid_ends_executord_at_its_start(void **state)
{
	static const char *const argv[] = {GW_BUILD_ROOT "/executord/executord", NULL};
	char file[600], states[600], runtime[600];
	const char *const env[] = {"FARM_NAME=other", file, states, runtime, "EXECUTOR_PORT=8123", NULL};
	struct proc other;

	snprintf(file, sizeof(file), "MARS_DB_FILE=%s", tmp_path("bad.yaml"));
	snprintf(states, sizeof(states), "EXECUTOR_STATE_DIR=%s", tmp_path("bad-state"));
	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", tmp_path("bad-run"));
	file_put(tmp_path("bad.yaml"), "pdus:\n  P: {driver: apc_masterswich}\n");
	proc_start(&other, "other", argv, env);
	assert_int_equal(proc_wait(&other), 2);
	assert_true(proc_has_said(&other, "bad.yaml:2:15: pdus.P.driver: 'apc_masterswich' is not *did you mean 'apc_masterswitch'?*"));
}

/* ---- the virtual PDU of the environment ---- */

static int start_without_pdus(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", "EXECUTOR_VPDU_ENDPOINT=127.0.0.1:9191", NULL};
	const struct farm_options options = {.db = "# nothing yet\n", .env = env, .no_files = true};

	*state = farm_start(&options); /* awaits VPDU */
	return 0;
}

static void a_virtual_pdu_is_there_without_being_in_the_file(void **state)
{
	struct farm *farm = *state;
	char *text = file_get(farm->db_path);

	assert_string_equal(text, "# nothing yet\n");
	free(text);
	farm_do("PATCH", "/pdu/VPDU/port/15", "{\"reserved\": true}");
	assert_string_equal(farm_get("/pdu/VPDU/port/15", "reserved"), "true");
	farm_do("POST", "/dut/discover", "{\"pdu\": \"VPDU\", \"port_id\": 0}");
	farm_await(farm, "/dut/" FARM_MAC, "state", "IDLE"); /* a qemu machine that asked for its boot */
	assert_string_equal(farm_get("/dut/" FARM_MAC, "pdu/name"), "VPDU");
	assert_string_equal(farm_get("/dut/" FARM_MAC, "base_name"), "x86-bios-tftp");
	assert_string_not_equal(farm_get("/dut/" FARM_MAC, "firmware_boot_time"), "null");
	assert_string_equal(farm_get("/pdu/VPDU/port/0", "state"), "OFF");
	text = file_get(farm->db_path);
	assert_null(strstr(text, "\npdus:"));
	assert_non_null(strstr(text, "    pdu: VPDU\n"));
	free(text);
}

static int from_a_machine(const char *method, const char *path, const char *json)
{
	char *answer, *whole = gw_sprintf("/api/v1%s", path);
	int status = dutnet_request(method, whole, json, &answer);

	free(answer);
	free(whole);
	return status;
}

static void a_machine_may_read_and_register_itself_alone(void **state)
{
	dutnet_start("52:54:00:00:00:77", "10.42.7.7/16");
	assert_int_equal(from_a_machine("GET", "/duts", NULL), 200);
	assert_int_equal(from_a_machine("GET", "/events", NULL), 400);
	assert_int_equal(from_a_machine("PATCH", "/dut/" FARM_MAC, "{\"comment\": \"x\"}"), 400);
	assert_int_equal(from_a_machine("DELETE", "/dut/" FARM_MAC, NULL), 400);
	assert_int_equal(from_a_machine("PATCH", "/pdu/VPDU/port/3", "{\"state\": \"on\"}"), 400);
	assert_int_equal(from_a_machine("POST", "/dut/discover", "{\"pdu\": \"VPDU\", \"port_id\": 3}"), 400);
	assert_int_equal(from_a_machine("POST", "/dut/", "{\"mac_address\": \"" FARM_MAC "\", \"base_name\": \"forged\"}"), 400);
	assert_int_equal(from_a_machine("POST", "/dut/",
					"{\"id\": \"" FARM_MAC "\", \"mac_address\": \"52:54:00:00:00:77\", \"base_name\": \"forged\"}"),
			 400);
	assert_int_equal(from_a_machine("POST", "/dut/", "{\"mac_address\": \"52:54:00:00:00:77\", \"ready_for_service\": true}"), 400);
	assert_int_equal(from_a_machine("POST", "/dut/", "{\"mac_address\": \"52:54:00:00:00:77\", \"base_name\": \"honest\"}"), 200);
	dutnet_end();
	assert_string_equal(farm_get("/dut/52:54:00:00:00:77", "base_name"), "honest");
	assert_string_equal(farm_get("/dut/" FARM_MAC, "base_name"), "x86-bios-tftp");
}

int main(void)
{
	const struct CMUnitTest with_vpdu[] = {
		cmocka_unit_test(a_virtual_pdu_is_there_without_being_in_the_file),
		cmocka_unit_test(a_machine_may_read_and_register_itself_alone),
	};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_is_answered_or_refused_with_its_reason),
		cmocka_unit_test(promise_2_a_patch_is_in_the_file_and_its_comments_stay),
		cmocka_unit_test(promise_6_an_edit_shows_and_a_bad_one_keeps_the_last_good_database),
		cmocka_unit_test(promise_8_a_second_executord_is_refused),
		cmocka_unit_test(a_reserved_port_is_in_the_file_and_left_alone),
		cmocka_unit_test(a_machine_that_registers_in_a_discovery_takes_the_port),
		cmocka_unit_test(a_cancelled_discovery_leaves_the_port_off),
		cmocka_unit_test(a_discovery_that_finds_nothing_ends_by_itself),
		cmocka_unit_test(a_discovery_that_times_out_before_pdud_answers_is_answered),
		cmocka_unit_test(a_submission_that_cannot_be_is_answered_in_the_fields_form),
		cmocka_unit_test(a_job_runs_and_frees_its_machine),
		cmocka_unit_test(a_job_goes_on_while_executord_is_killed),
		cmocka_unit_test(a_job_is_adopted_by_an_executord_that_never_saved_it),
		cmocka_unit_test(a_job_without_a_jobd_is_answered_while_executord_lives_on),
		cmocka_unit_test(a_stop_leaves_the_port_of_a_killed_jobd_off),
		cmocka_unit_test(a_killed_jobd_ends_its_job_with_a_reason_and_the_port_off),
		cmocka_unit_test(a_cancelled_job_frees_its_machine),
		cmocka_unit_test(a_reservation_ends_the_job_at_its_port_and_leaves_the_port_alone),
		cmocka_unit_test(a_machine_retired_during_its_job_goes_after_it),
		cmocka_unit_test(states_are_kept_over_a_restart),
		cmocka_unit_test(a_database_that_is_not_valid_ends_executord_at_its_start),
	};

	return cmocka_run_group_tests(tests, start, stop) + cmocka_run_group_tests(with_vpdu, start_without_pdus, stop);
}
