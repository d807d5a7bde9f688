/* The REST API row by row, as protocols and users see it: a real executord with its daemons and a dummy PDU. A row is a request and its
 * whole answer; rows of one table follow each other. In a network namespace of its own. */
#include <curl/curl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/farm.h"

#define A  "52:54:00:00:00:01" /* idle */
#define B  "52:54:00:00:00:02" /* retired; its id is bench-2 */
#define C  "52:54:00:00:00:03" /* without a port */
#define D  "52:54:00:00:00:04" /* in training */
#define R1 "/api/v1"

static const char db[] = "gitlab:\n"
			 "  lab: {url: 'https://gitlab.example.org/'}\n"
			 "pdus:\n"
			 "  DUMMY:\n"
			 "    driver: dummy\n"
			 "    config: {ports: [one, two, three, four, five]}\n"
			 "    reserved_port_ids: [3]\n"
			 "duts:\n"
			 "  '" A "': # the first one\n"
			 "    base_name: box\n"
			 "    ip_address: 10.42.3.1\n"
			 "    tags: [x86_64]\n"
			 "    manual_tags: [freesync]\n"
			 "    local_tty_device: ttyS0\n"
			 "    first_seen: 2021-12-22 16:57:08\n"
			 "    pdu: DUMMY\n"
			 "    pdu_port_id: 0\n"
			 "    pdu_off_delay: 0.1\n"
			 "    firmware_boot_time: 4\n"
			 "    comment: a note\n"
			 "    gitlab: {lab: {token: glrt-canary, exposed: false, runner_id: 7}}\n"
			 "    ready_for_service: true\n"
			 "  bench-2: {mac_address: '" B
			 "', base_name: box, pdu: DUMMY, pdu_port_id: 1, pdu_off_delay: 0, is_retired: true}\n"
			 "  '" C "': {base_name: shelf}\n"
			 "  '" D "': {base_name: lab, pdu: DUMMY, pdu_port_id: 2, pdu_off_delay: 0}\n";

/* The machine says nothing: it stays in training, or in its check. */
static const char training[] = "version: 1\n"
			       "target: {id: '{{ machine_id }}'}\n"
			       "console_patterns: {session_end: {regex: '^good bye'}}\n"
			       "deployment: {start: {kernel: {data: a kernel}}}\n";

static int start(void **state)
{
	static char registration[600], loops[600];
	const char *const env[] = {registration, loops, "SERGENT_HARTMAN_QUICK_CHECK=disabled", NULL};
	static const char *const duts[] = {"/dut/" A, "/dut/" B, "/dut/" C, "/dut/" D};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm;

	file_put(tmp_path("silent.yml"), training);
	snprintf(registration, sizeof(registration), "EXECUTOR_REGISTRATION_JOB=%s", tmp_path("silent.yml"));
	snprintf(loops, sizeof(loops), "EXECUTOR_BOOTLOOP_JOB=%s", tmp_path("silent.yml")); /* of quick checks, too */
	farm = farm_start(&options);
	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	proc_await(&farm->supervisor, "jobd*job=registration-*powered"); /* D's */
	farm_await(farm, "/pdu/DUMMY/port/2", "state", "ON");
	for (size_t i = 0; i < sizeof(duts) / sizeof(duts[0]); i++)
		farm_await_value(farm, duts[i], "logs_endpoint/port");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	return 0;
}

/* ---- a row ---- */

struct row {
	const char *method, *path, *body; /* NULL: none */
	int status;
	const char *answer; /* `*` stands for anything; a line's end within is `|` */
	const char *type;   /* of the body; NULL: application/json */
};

static size_t collect(char *bytes, size_t size, size_t n, void *data)
{
	char **text = data, *longer = gw_sprintf("%s%.*s", *text, (int)(size * n), bytes);

	free(*text);
	*text = longer;
	return size * n;
}

/* What a row compares: an answer in one line. */
static char *in_one_line(char *text)
{
	size_t n = strlen(text);

	if (n && text[n - 1] == '\n')
		text[n - 1] = '\0';
	for (char *p = text; (p = strchr(p, '\n'));)
		*p = '|';
	return text;
}

static int ask(const struct row *row, char **answer)
{
	CURL *curl = curl_easy_init();
	char *url = gw_sprintf("http://10.42.0.1%s", row->path);
	char *type = gw_sprintf("Content-Type:%s%s", row->type && !*row->type ? "" : " ", row->type ? row->type : "application/json");
	struct curl_slist *headers = curl_slist_append(NULL, type);
	long status = 0;

	*answer = gw_strdup("");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
	if (strcmp(row->method, "HEAD") == 0)
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, row->method);
	if (row->body) {
		curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, row->body);
	}
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	free(type);
	free(url);
	in_one_line(*answer);
	return (int)status;
}

static bool answers(const struct row *row, const char *answer)
{
	return strcmp(row->answer, answer) == 0 || (*row->answer && glob_line(row->answer, answer, strlen(answer)));
}

/* All that differ are shown, and then it fails. */
static void walk(const struct row *rows, size_t n)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < n; i++) {
		char *answer;
		int status = ask(&rows[i], &answer);

		if (status != rows[i].status || !answers(&rows[i], answer)) {
			print_error("%s %s %s\n  answered: %d %s\n  expected: %d %s\n", rows[i].method, rows[i].path,
				    rows[i].body ? rows[i].body : "", status, answer, rows[i].status, rows[i].answer);
			wrong++;
		}
		free(answer);
	}
	assert_int_equal(wrong, 0);
}
#define WALK(rows) walk(rows, sizeof(rows) / sizeof((rows)[0]))

/* What no refused request may change: DUTs, PDUs and the file. The caller frees it. */
static char *everything(const struct farm *farm)
{
	const struct row duts = {"GET", R1 "/duts", NULL}, pdus = {"GET", R1 "/pdus", NULL};
	char *a, *b, *text = file_get(farm->db_path), *all, *polled;

	assert_int_equal(ask(&duts, &a), 200);
	assert_int_equal(ask(&pdus, &b), 200);
	while ((polled = strstr(b, "\"last_polled\":\"2"))) /* goes on by itself */
		memcpy(polled + 15, "---------------------------", 27);
	all = gw_sprintf("%s\n%s\n%s", a, b, text);
	free(a);
	free(b);
	free(text);
	return all;
}

static void walk_refused(const struct farm *farm, const struct row *rows, size_t n)
{
	char *before = everything(farm), *after;

	walk(rows, n);
	after = everything(farm);
	assert_string_equal(after, before);
	free(before);
	free(after);
}
#define WALK_REFUSED(farm, rows) walk_refused(farm, rows, sizeof(rows) / sizeof((rows)[0]))

#define ERROR(text)     "{\"error\":\"" text "\"}"
#define NOT_GET(path)   405, ERROR("* is not accepted for " path "; accepted: GET, HEAD")
#define NO_BODY(path)   413, ERROR("GET " path " takes no body")
#define NOBODY          404, ERROR("there is no machine 'nobody'")
#define NO_FIELDS(name) 400, ERROR("'" name "' is not a field of this request; accepted: none")

/* ---- reading ---- */

#define A_DUT                                                                                                                              \
	"{\"id\":\"" A "\",\"state\":\"IDLE\",\"ready_for_service\":true,\"has_pdu_assigned\":true,\"local_tty_device\":\"ttyS0\","        \
	"\"tags\":[\"x86_64\"],\"manual_tags\":[\"freesync\"],\"base_name\":\"box\",\"full_name\":\"test-box-1\",\"mac_address\":\"" A     \
	"\",\"ip_address\":\"10.42.3.1\",\"is_retired\":false,\"training\":{\"state\":\"IDLE\"},\"pdu\":{\"name\":\"DUMMY\",\"port_id\":"  \
	"\"0\"},\"pdu_off_delay\":0.1,\"firmware_boot_time\":4,\"comment\":\"a note\",\"gitlab\":{\"lab\":{\"exposed\":false,"             \
	"\"runner_id\":*}},\"logs_endpoint\":{\"host\":\"10.42.0.1\",\"port\":*}}"
#define B_DUT                                                                                                                              \
	"{\"id\":\"bench-2\",\"state\":\"RETIRED\",\"ready_for_service\":false,\"has_pdu_assigned\":true,\"local_tty_device\":null,"       \
	"\"tags\":[],\"manual_tags\":[],\"base_name\":\"box\",\"full_name\":\"test-box-2\",\"mac_address\":\"" B                           \
	"\",\"ip_address\":null,\"is_retired\":true,\"training\":{\"state\":\"IDLE\"},\"pdu\":{\"name\":\"DUMMY\",\"port_id\":\"1\"},"     \
	"\"pdu_off_delay\":0,\"firmware_boot_time\":null,\"comment\":null,\"gitlab\":{\"lab\":{\"exposed\":true,\"runner_id\":-1}},"       \
	"\"logs_endpoint\":{\"host\":\"10.42.0.1\",\"port\":*}}"
#define C_DUT                                                                                                                              \
	"{\"id\":\"" C "\",\"state\":\"WAIT_FOR_CONFIG\",\"ready_for_service\":false,\"has_pdu_assigned\":false,*\"pdu\":{\"name\":null,"  \
	"\"port_id\":null},\"pdu_off_delay\":30,*}"
#define D_DUT                                                                                                                              \
	"{\"id\":\"" D "\",\"state\":\"TRAINING\",*\"training\":{\"state\":\"ENROLLING\",\"is_registered\":false,\"boot_loop_counts\":1,"  \
	"\"qualifying_rate\":1,\"current_loop_count\":0,\"statuses\":{},\"loops\":[]},*}"
#define DUTS "\"" A "\":" A_DUT ",\"" C "\":" C_DUT ",\"" D "\":" D_DUT ",\"bench-2\":" B_DUT
#define TIME "\"20*T*+00:00\""
#define OFF_PORT(label, min_off)                                                                                                           \
	"{\"label\":\"" label "\",\"min_off_time\":" min_off ",\"state\":\"OFF\",\"last_shutdown\":" TIME ",\"last_polled\":" TIME         \
	",\"reserved\":false}"
#define ON_PORT(label, reserved)                                                                                                           \
	"{\"label\":\"" label "\",\"min_off_time\":*,\"state\":\"ON\",\"last_shutdown\":*,\"last_polled\":" TIME ",\"reserved\":" reserved \
	"}"
#define PDU                                                                                                                                \
	"{\"ports\":{\"0\":*,\"1\":*,\"2\":" ON_PORT("three", "false") ",\"3\":" ON_PORT("four", "true") ",\"4\":" ON_PORT(                \
		"five", "false") "},\"state\":\"OK\",\"error\":null}"

static const struct row reads[] = {
	{"GET", R1 "/duts", NULL, 200, "{\"duts\":{" DUTS "}}"},
	{"GET", R1 "/duts/", NULL, 200, "{\"duts\":{" DUTS "}}"},
	{"GET", "//api///v1//duts//", NULL, 200, "{\"duts\":{" DUTS "}}"},
	{"GET", R1 "/machines", NULL, 200, "{\"machines\":{" DUTS "}}"},
	{"GET", R1 "/machines//", NULL, 200, "{\"machines\":{" DUTS "}}"},
	{"HEAD", R1 "/duts", NULL, 200, ""},
	{"POST", R1 "/duts", "{}", NOT_GET(R1 "/duts")},
	{"DELETE", R1 "/machines", NULL, NOT_GET(R1 "/machines")},
	{"GET", R1 "/duts", "{}", NO_BODY(R1 "/duts")},
	{"GET", R1 "/dut/" A, NULL, 200, A_DUT},
	{"GET", R1 "/machine/" A "/", NULL, 200, A_DUT},
	{"GET", R1 "/dut/test-box-1", NULL, 200, A_DUT},
	{"GET", R1 "/machine/test-box-2", NULL, 200, B_DUT},
	{"GET", R1 "/dut/bench-2", NULL, 200, B_DUT},
	{"GET", R1 "//dut//bench%2D2", NULL, 200, B_DUT},
	{"GET", R1 "/dut/" C, NULL, 200, C_DUT},
	{"GET", R1 "/dut/" D, NULL, 200, D_DUT},
	{"HEAD", R1 "/dut/" A, NULL, 200, ""},
	{"HEAD", R1 "/dut/nobody", NULL, 404, ""},
	{"GET", R1 "/dut/nobody", NULL, NOBODY},
	{"GET", R1 "/machine/nobody", NULL, NOBODY},
	{"GET", R1 "/dut/" A, "{}", NO_BODY(R1 "/dut/" A)},
	{"POST", R1 "/dut/" A, "{}", 405, ERROR("POST is not accepted for " R1 "/dut/" A "; accepted: GET, HEAD, PATCH, DELETE")},
	{"PUT", R1 "/machine/" A, "{}", 405, ERROR("PUT is not accepted for " R1 "/machine/" A "; accepted: GET, HEAD, PATCH, DELETE")},
	{"GET", R1 "/dut/", NULL, 405, ERROR("GET is not accepted for " R1 "/dut; accepted: POST, PUT, PATCH")},
	{"DELETE", R1 "/machine", NULL, 405, ERROR("DELETE is not accepted for " R1 "/machine; accepted: POST, PUT, PATCH")},
	{"GET", R1 "/dut/" A "/quick_check", NULL, 200, "false"},
	{"GET", R1 "/machine/test-box-1/quick_check/", NULL, 200, "false"},
	{"GET", R1 "/dut/nobody/quick_check", NULL, NOBODY},
	{"PUT", R1 "/dut/" A "/quick_check", "{}", 405,
	 ERROR("PUT is not accepted for " R1 "/dut/" A "/quick_check; accepted: GET, HEAD, POST")},
	{"GET", R1 "/dut/" A "/cancel_job", NULL, 405, ERROR("GET is not accepted for " R1 "/dut/" A "/cancel_job; accepted: POST")},
	{"GET", R1 "/dut/" A "/training/loop/0", NULL, 404, ERROR(A " has no log of a failed training loop '0'")},
	{"GET", R1 "/machine/" D "/training/loop/-1", NULL, 404, ERROR(D " has no log of a failed training loop '-1'")},
	{"GET", R1 "/dut/" D "/training/loop/x", NULL, 404, ERROR(D " has no log of a failed training loop 'x'")},
	{"GET", R1 "/dut/" D "/training/loop/99999999999999999999", NULL, 404, ERROR(D " has no log of a failed training loop '9*'")},
	{"GET", R1 "/dut/nobody/training/loop/0", NULL, NOBODY},
	{"DELETE", R1 "/dut/" D "/training/loop/0", NULL, NOT_GET(R1 "/dut/" D "/training/loop/0")},
	{"GET", R1 "/dut/" D "/training/loop", NULL, 404, ERROR("there is no " R1 "/dut/" D "/training/loop")},
	{"GET", R1 "/dut/discover", NULL, 200, "{}"},
	{"GET", R1 "/machine/discover/", NULL, 200, "{}"},
	{"PATCH", R1 "/dut/discover", "{}", 404, ERROR("there is no machine 'discover'")},
	{"GET", R1 "/pdus", NULL, 200, "{\"pdus\":{\"DUMMY\":" PDU "}}"},
	{"GET", R1 "/pdus/", NULL, 200, "{\"pdus\":{\"DUMMY\":" PDU "}}"},
	{"HEAD", R1 "/pdus", NULL, 200, ""},
	{"POST", R1 "/pdus", "{}", NOT_GET(R1 "/pdus")},
	{"GET", R1 "/pdu/DUMMY", NULL, 200, PDU},
	{"GET", R1 "/pdu/DUMMY/", NULL, 200, PDU},
	{"GET", R1 "/pdu/APC", NULL, 404, ERROR("there is no PDU 'APC'")},
	{"PATCH", R1 "/pdu/DUMMY", "{}", NOT_GET(R1 "/pdu/DUMMY")},
	{"GET", R1 "/pdu/DUMMY/port/2", NULL, 200, ON_PORT("three", "false")},
	{"GET", R1 "//pdu//DUMMY//port//four/", NULL, 200, ON_PORT("four", "true")}, /* by its label */
	{"GET", R1 "/pdu/DUMMY/port/9", NULL, 404, ERROR("PDU 'DUMMY' has no port '9'")},
	{"GET", R1 "/pdu/APC/port/0", NULL, 404, ERROR("there is no PDU 'APC'")},
	{"POST", R1 "/pdu/DUMMY/port/2", "{}", 405, ERROR("POST is not accepted for " R1 "/pdu/DUMMY/port/2; accepted: GET, HEAD, PATCH")},
	{"GET", R1 "/full-state", NULL, 200,
	 "{\"pdus\":{\"DUMMY\":" PDU "},\"duts\":{" DUTS "},\"discover\":{},\"jobs\":{*},\"alarms\":[],\"pinned_ports\":[],*\"now\":" TIME
	 "*}"},
	{"GET", R1 "/full-state/", NULL, 200, "{\"pdus\":*}"},
	{"POST", R1 "/full-state", "{}", NOT_GET(R1 "/full-state")},
	{"GET", R1 "/alarms", NULL, 200, "{\"alarms\":[]}"},
	{"GET", R1 "//alarms/", NULL, 200, "{\"alarms\":[]}"},
	{"POST", R1 "/alarms", "{}", NOT_GET(R1 "/alarms")},
	{"GET", R1, NULL, 404, ERROR("there is no " R1)},
	{"GET", "/", NULL, 404, ERROR("there is no /")},
	{"GET", R1 "/bogus", NULL, 404, ERROR("there is no " R1 "/bogus")},
	{"GET", "/api/v2/duts", NULL, 404, ERROR("there is no /api/v2/duts")},
	{"GET", R1 "/dut/%00", NULL, 400, ERROR("the URL has a %00")},
	{"GET", R1 "/dut/..%2f..", NULL, 400, ERROR("the URL has '.' or '..' in its path")},
	{"BREW", R1 "/duts", NULL, NOT_GET(R1 "/duts")},
};

static void each_thing_can_be_read_under_all_its_names(void **state)
{
	WALK_REFUSED(*state, reads);
}

/* ---- what a machine would boot ---- */

#define POWERS_OFF "#!ipxe|*poweroff*"

static const struct row boots[] = {
	{"GET", R1 "/duts/" A "/boot.ipxe", NULL, 200, POWERS_OFF},
	{"GET", R1 "/machines/test-box-1/boot.ipxe/", NULL, 200, POWERS_OFF},
	{"GET", R1 "/duts/bench-2/boot.ipxe?platform=efi&buildarch=x86_64", NULL, 200, POWERS_OFF},
	{"GET", "/boot/" A "/boot.ipxe?platform=pcbios&buildarch=i386", NULL, 200, POWERS_OFF},
	{"GET", "/boot/52:54:00:00:99:99/boot.ipxe?platform=efi&buildarch=x86_64", NULL, 200, POWERS_OFF},
	{"GET", "//boot//" A "//boot.ipxe", NULL, 200, POWERS_OFF},
	{"HEAD", "/boot/" A "/boot.ipxe", NULL, 200, ""},
	{"GET", R1 "/duts/nobody/boot.ipxe", NULL, NOBODY},
	{"GET", "/boot/nobody/boot.ipxe", NULL, 400, ERROR("'nobody' is not a MAC address; accepted: as 52:54:00:11:22:0a")},
	{"POST", R1 "/duts/" A "/boot.ipxe", "{}", NOT_GET(R1 "/duts/" A "/boot.ipxe")},
	{"POST", "/boot/" A "/boot.ipxe", "{}", NOT_GET("/boot/" A "/boot.ipxe")},
};

static void a_machine_without_a_job_is_told_to_power_off(void **state)
{
	WALK_REFUSED(*state, boots);
}

/* ---- what is refused ---- */

#define PATCHABLE "manual_tags, pdu_off_delay, ready_for_service, is_retired, comment, firmware_boot_time"
#define CREATABLE                                                                                                                          \
	"id, base_name, mac_address, ip_address, tags, manual_tags, local_tty_device, ready_for_service, is_retired, firmware_boot_time"
#define WRONG_TYPE(found) 415, ERROR("the body's Content-Type is " found "; accepted: application/json")
#define HUGE_BODY         413, ERROR("the body is too large; accepted: 65536 bytes")
#define K4                "                                                                "
#define K64(x)            x x x x x x x x x x x x x x x x
#define MORE_THAN_64_KIB  K64(K64(K4 K4 K4 K4)) " {}"

static const struct row refusals[] = {
	/* bodies */
	{"PATCH", R1 "/dut/" A, "{\"comment\": ", 400, ERROR("the body: not JSON: line 1, column 12: it ends too early")},
	{"PATCH", R1 "/dut/" A, "[1]", 400, ERROR("the body: it is an array; accepted: a JSON object")},
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"a\", \"comment\": \"b\"}", 400, ERROR("the body: the key 'comment' is given twice")},
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"\xff\"}", 400, ERROR("the body: not JSON: line 1, column 14: not UTF-8")},
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"x\"}", WRONG_TYPE("'text/plain'"), "text/plain"},
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"x\"}", WRONG_TYPE("'application/x-www-form-urlencoded'"),
	 "application/x-www-form-urlencoded"},
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"x\"}", WRONG_TYPE("'application/jsonp'"), "application/jsonp"},
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"x\"}", WRONG_TYPE("missing"), ""},
	{"PATCH", R1 "/machine/" A, "{\"comment\": \"x\"}", WRONG_TYPE("'text/html'"), "text/html"},
	{"POST", R1 "/dut", "{\"base_name\": \"x\"}", WRONG_TYPE("'text/plain'"), "text/plain"},
	{"POST", R1 "/dut/discover", "{}", WRONG_TYPE("'text/plain'"), "text/plain"},
	{"DELETE", R1 "/dut/" A, "{}", WRONG_TYPE("'text/plain'"), "text/plain"},
	{"POST", R1 "/dut/" A "/cancel_job", "{}", WRONG_TYPE("'text/plain'"), "text/plain"},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{}", WRONG_TYPE("'text/plain'"), "text/plain"},
	{"PATCH", R1 "/dut/" A, MORE_THAN_64_KIB, HUGE_BODY},
	{"POST", R1 "/dut", MORE_THAN_64_KIB, HUGE_BODY},
	{"POST", R1 "/dut/discover", MORE_THAN_64_KIB, HUGE_BODY},
	{"PATCH", R1 "/pdu/DUMMY/port/4", MORE_THAN_64_KIB, HUGE_BODY},
	/* PATCH /dut/ID */
	{"PATCH", R1 "/dut/nobody", "{\"comment\": \"x\"}", NOBODY},
	{"PATCH", R1 "/dut/" A, "{}", 400, ERROR("nothing is to be set; the body is an empty object")},
	{"PATCH", R1 "/dut/" A, "{\"pdu\": \"DUMMY\"}", 400, ERROR("'pdu' is not a field that can be set here; accepted: " PATCHABLE)},
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"half\", \"tags\": []}", 400,
	 ERROR("'tags' is not a field that can be set here; accepted: " PATCHABLE)},
	{"PATCH", R1 "/dut/" A, "{\"comment\": 1}", 400, ERROR("comment: accepted: a text of 0 to 4096 bytes, or null")},
	{"PATCH", R1 "/dut/" A, "{\"firmware_boot_time\": \"4\"}", 400,
	 ERROR("firmware_boot_time: accepted: a number of seconds from 0 to 86400")},
	{"PATCH", R1 "/dut/" A, "{\"is_retired\": \"yes\"}", 400, ERROR("is_retired: accepted: true or false")},
	{"PATCH", R1 "/dut/" A, "{\"manual_tags\": \"x\"}", 400, ERROR("manual_tags: accepted: a list of at most 1024 texts")},
	{"PATCH", R1 "/dut/" A, "{\"manual_tags\": [\"a,b\"]}", 400,
	 ERROR("manual_tags[0]: accepted: a text of 1 to 255 bytes without commas, control characters or blanks around it")},
	{"PATCH", R1 "/dut/" A, "{\"pdu_off_delay\": 3601}", 400, ERROR("pdu_off_delay: accepted: a number of seconds from 0 to 3600")},
	{"PATCH", R1 "/dut/" A, "{\"ready_for_service\": null}", 400, ERROR("ready_for_service: accepted: true or false")},
	/* POST, PUT /dut/ */
	{"POST", R1 "/dut/", "{}", 400, ERROR("nothing is to be set; the body is an empty object")},
	{"PUT", R1 "/machine/", "{\"pdu\": \"DUMMY\"}", 400, ERROR("'pdu' is not a field that can be set here; accepted: " CREATABLE)},
	{"POST", R1 "/dut", "{\"base_name\": \"new\"}", 400,
	 ERROR("mac_address: it is missing; accepted: a MAC address, as 52:54:00:11:22:0a")},
	{"POST", R1 "/dut", "{\"id\": \"x\", \"base_name\": \"new\"}", 400,
	 ERROR("mac_address: it is missing; accepted: a MAC address, as 52:54:00:11:22:0a")},
	{"POST", R1 "/dut", "{\"mac_address\": \"52:54\"}", 400, ERROR("mac_address: accepted: a MAC address, as 52:54:00:11:22:0a")},
	{"POST", R1 "/dut", "{\"id\": \"a/b\", \"base_name\": \"x\"}", 400,
	 ERROR("id: accepted: a text of 1 to 128 bytes without `/` and control characters")},
	{"POST", R1 "/dut", "{\"id\": \"new\", \"mac_address\": \"" A "\"}", 400, ERROR("mac_address: " A " is that of the machine " A)},
	{"POST", R1 "/dut", "{\"id\": \"bench-2\", \"mac_address\": \"" A "\"}", 400,
	 ERROR("mac_address: " A " is that of the machine " A)},
	{"PUT", R1 "/dut", "{\"mac_address\": \"52:54:00:00:00:09\", \"ip_address\": \"10.42.3.256\"}", 400,
	 ERROR("ip_address: accepted: an IPv4 address, or null")},
	{"PUT", R1 "/dut", "{\"mac_address\": \"52:54:00:00:00:09\", \"base_name\": \"n\", \"ip_address\": \"10.42.3.1\"}", 400,
	 ERROR("*10.42.3.1*" A "*")},
	/* quick_check, cancel_job, DELETE */
	{"POST", R1 "/dut/nobody/quick_check", NULL, NOBODY},
	{"POST", R1 "/dut/" A "/quick_check", "{\"now\": true}", NO_FIELDS("now")},
	{"POST", R1 "/dut/bench-2/quick_check", NULL, 400, ERROR("test-box-2: the machine is retired")},
	{"POST", R1 "/dut/" C "/quick_check", "", 400, ERROR("test-shelf-1: the machine waits for its power port to be configured")},
	{"POST", R1 "/machine/" D "/quick_check", "{}", 400, ERROR("test-lab-1: the machine is in training")},
	{"POST", R1 "/dut/nobody/cancel_job", NULL, NOBODY},
	{"POST", R1 "/dut/" A "/cancel_job", NULL, 400, ERROR("test-box-1: no job is running")},
	{"POST", R1 "/machine/" D "/cancel_job/", "{}", 400, ERROR("test-lab-1: no job is running")},
	{"POST", R1 "/dut/" A "/cancel_job", "{\"job\": 1}", NO_FIELDS("job")},
	{"DELETE", R1 "/dut/nobody", NULL, NOBODY},
	{"DELETE", R1 "/dut/" A, "{\"force\": true}", NO_FIELDS("force")},
	/* discovery */
	{"POST", R1 "/dut/discover", "{\"port_id\": 4}", 400, ERROR("pdu: it is missing; accepted: the name of a PDU")},
	{"POST", R1 "/machine/discover/", "{\"pdu\": \"DUMMY\"}", 400, ERROR("port_id: it is missing; accepted: the id of a port")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port\": 4}", 400,
	 ERROR("'port' is not a field of a discovery; accepted: pdu, port_id, timeout")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"APC\", \"port_id\": 4}", 404, ERROR("there is no PDU 'APC'")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 9}", 404, ERROR("PDU 'DUMMY' has no port '9'")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 4, \"timeout\": \"soon\"}", 400,
	 ERROR("timeout: accepted: a number of seconds above 0, up to 86400")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 4}", 400,
	 ERROR("port 4 of DUMMY is ON already; switch it off first")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"pdu_port_id\": \"3\"}", 400, ERROR("port 3 of DUMMY is reserved")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": \"0\"}", 400,
	 ERROR("port 0 of DUMMY is that of the machine test-box-1")},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 4, \"pdu_port_id\": 4}", 400,
	 ERROR("pdu_port_id: port_id is given too; accepted: one of the two")},
	{"DELETE", R1 "/dut/discover", "{\"port_id\": 4}", NO_FIELDS("port_id")},
	/* ports */
	{"PATCH", R1 "/pdu/APC/port/0", "{\"state\": \"on\"}", 404, ERROR("there is no PDU 'APC'")},
	{"PATCH", R1 "/pdu/DUMMY/port/9", "{\"state\": \"on\"}", 404, ERROR("PDU 'DUMMY' has no port '9'")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{}", 400, ERROR("nothing is to be changed; accepted: state, reserved, min_off_time")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"label\": \"x\"}", 400,
	 ERROR("'label' is not a field of a port; accepted: state, reserved, min_off_time")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"state\": \"reboot\"}", 400,
	 ERROR("state: 'reboot' is not a port's state; accepted: on, off")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"reserved\": \"maybe\"}", 400,
	 ERROR("reserved: this is not a boolean; accepted: true, false")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"min_off_time\": \"1\"}", 400,
	 ERROR("min_off_time: accepted: a number of seconds from 0 to 3600")},
	{"PATCH", R1 "/pdu/DUMMY/port/3", "{\"state\": \"off\"}", 400, ERROR("port 3 of DUMMY is reserved; un-reserve it first")},
	{"PATCH", R1 "/pdu/DUMMY/port/3", "{\"min_off_time\": 1}", 400, ERROR("port 3 of DUMMY is reserved; un-reserve it first")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"reserved\": true, \"state\": \"off\"}", 400,
	 ERROR("state: port 4 of DUMMY is to be reserved, so it cannot be switched; send one of the two")},
	{"PATCH", R1 "/pdu/DUMMY/port/0", "{\"state\": \"on\"}", 400,
	 ERROR("port 0 of DUMMY is that of the machine test-box-1; retire it to switch the port by hand")},
	{"PATCH", R1 "/pdu/DUMMY/port/one", "{\"state\": \"OFF\"}", 400,
	 ERROR("port 0 of DUMMY is that of the machine test-box-1; retire it to switch the port by hand")},
	{"PATCH", R1 "/pdu/DUMMY/port/2", "{\"state\": \"off\"}", 400,
	 ERROR("port 2 of DUMMY is that of the machine test-lab-1; retire it to switch the port by hand")},
	{"PATCH", R1 "/pdu/DUMMY/port/1", "{\"reserved\": true}", 400,
	 ERROR("port 1 of DUMMY is that of the machine test-box-2, so it cannot be reserved")},
};

static void what_is_refused_says_why_and_changes_nothing(void **state)
{
	WALK_REFUSED(*state, refusals);
}

/* ---- what changes ---- */

static const struct row edits[] = {
	{"PATCH", R1 "/dut/test-box-1",
	 "{\"comment\": \"new\", \"manual_tags\": [\"m\"], \"pdu_off_delay\": 0.2, \"firmware_boot_time\": 5}", 200,
	 "{\"id\":\"" A "\",*\"manual_tags\":[\"m\"],*\"pdu_off_delay\":0.2,\"firmware_boot_time\":5,\"comment\":\"new\",*}"},
	{"PATCH", R1 "/machine/" A "/", "{\"comment\": null, \"firmware_boot_time\": null, \"manual_tags\": []}", 200,
	 "{\"id\":\"" A "\",*\"manual_tags\":[],*\"firmware_boot_time\":null,\"comment\":null,*}", "Application/JSON; charset=utf-8"},
	{"PATCH", R1 "/pdu/DUMMY/port/0", "{\"min_off_time\": 0.3}", 200, "{\"label\":\"one\",\"min_off_time\":0.3,*}"},
	{"GET", R1 "/dut/" A, NULL, 200, "{*\"pdu_off_delay\":0.3,*}"}, /* it is kept there */
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"min_off_time\": 0.7}", 200, "{\"label\":\"five\",\"min_off_time\":0.7,*}"},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"reserved\": True}", 200, ON_PORT("five", "true")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"reserved\": false, \"state\": \"Off\"}", 200, OFF_PORT("five", "*")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"state\": \"ON\"}", 200, ON_PORT("five", "false")},
	{"PATCH", R1 "/pdu/DUMMY/port/five", "{\"state\": \"off\", \"min_off_time\": 0.5}", 200, OFF_PORT("five", "0.5")},
	{"PATCH", R1 "/pdu/DUMMY/port/1", "{\"state\": \"off\"}", 200, OFF_PORT("two", "0")}, /* a retired machine's */
	{"PATCH", R1 "/pdu/DUMMY/port/3", "{\"reserved\": \"False\"}", 200, ON_PORT("four", "false")},
	{"PATCH", R1 "/pdu/DUMMY/port/3", "{\"reserved\": \"True\"}", 200, ON_PORT("four", "true")},
	{"POST", R1 "/machine/",
	 "{\"base_name\": \"box\", \"tags\": [\"t\"], \"mac_address\": \"52:54:00:00:00:0A\", \"ip_address\": \"10.42.3.10\", "
	 "\"local_tty_device\": \"ttyUSB0\"}",
	 200,
	 "{\"id\":\"52:54:00:00:00:0a\",\"state\":\"WAIT_FOR_CONFIG\",\"ready_for_service\":false,\"has_pdu_assigned\":false,"
	 "\"local_tty_device\":\"ttyUSB0\",\"tags\":[\"t\"],\"manual_tags\":[],\"base_name\":\"box\",\"full_name\":\"test-box-2\","
	 "\"mac_address\":\"52:54:00:00:00:0a\",\"ip_address\":\"10.42.3.10\",*\"gitlab\":{\"lab\":{\"exposed\":true,\"runner_id\":-1}},*"
	 "}"},
	{"PUT", R1 "/dut", "{\"mac_address\": \"52:54:00:00:00:0a\", \"tags\": [\"u\"]}", 200,
	 "{\"id\":\"52:54:00:00:00:0a\",*\"tags\":[\"u\"],*\"base_name\":\"box\",*}"}, /* a known one is updated */
	{"PATCH", R1 "/machine", "{\"mac_address\": \"52:54:00:00:00:0a\", \"tags\": [\"v\"]}", 200,
	 "{\"id\":\"52:54:00:00:00:0a\",*\"tags\":[\"v\"],*}"},
	{"POST", R1 "/dut",
	 "{\"id\": \"named\", \"mac_address\": \"52:54:00:00:00:0b\", \"base_name\": \"named\", \"manual_tags\": [\"m\"], "
	 "\"ready_for_service\": true, \"is_retired\": true, \"firmware_boot_time\": 3.5}",
	 200,
	 "{\"id\":\"named\",\"state\":\"RETIRED\",\"ready_for_service\":true,*\"manual_tags\":[\"m\"],*\"full_name\":\"test-named-1\","
	 "\"mac_address\":\"52:54:00:00:00:0b\",*\"firmware_boot_time\":3.5,*}"},
	{"GET", R1 "/dut/52:54:00:00:00:0B", NULL, 200, "{\"id\":\"named\",*}"},
	{"DELETE", R1 "/machine/named/", NULL, 200, "{}"},
	{"GET", R1 "/dut/named", NULL, 404, ERROR("there is no machine 'named'")},
	{"DELETE", R1 "/dut/test-box-2", "{}", 200, "{}"}, /* the one first seen today; bench-2, never seen, is the last of its name */
	{"GET", R1 "/dut/52:54:00:00:00:0a", NULL, 404, ERROR("there is no machine '52:54:00:00:00:0a'")},
	{"DELETE", R1 "/dut/discover", NULL, 200, "{}"}, /* there is none: so it stays */
};

static void what_is_accepted_is_done_and_answered(void **state)
{
	const struct farm *farm = *state;
	char *text;

	WALK(edits);
	text = file_get(farm->db_path);
	assert_non_null(strstr(text, "'" A "': # the first one\n"));
	assert_non_null(strstr(text, "    pdu_off_delay: 0.3\n"));
	assert_non_null(strstr(text, "reserved_port_ids:\n      - '3'\n"));
	assert_null(strstr(text, "named"));
	free(text);
}

static const struct row discovery[] = {
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": \"4\", \"timeout\": \"60\"}", 200,
	 "{\"pdu\":\"DUMMY\",\"port_id\":\"4\",\"date\":" TIME ",\"timeout\":60,\"started_at\":*}"},
	{"GET", R1 "/machine/discover", NULL, 200,
	 "{\"pdu\":\"DUMMY\",\"port_id\":\"4\",\"date\":" TIME ",\"timeout\":60,\"started_at\":*}"},
	{"GET", R1 "/full-state", NULL, 200,
	 "{*\"discover\":{\"pdu\":\"DUMMY\",\"port_id\":\"4\",\"date\":" TIME ",\"timeout\":60,\"started_at\":*,\"expires_in\":*}*}"},
	{"POST", R1 "/machine/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 4}", 400,
	 ERROR("a discovery goes on already, at port 4 of DUMMY")},
	{"PATCH", R1 "/pdu/DUMMY/port/4", "{\"state\": \"off\"}", 400, ERROR("a discovery goes on at port 4 of DUMMY; cancel it first")},
	{"GET", "/boot/52:54:00:00:99:99/boot.ipxe?platform=efi&buildarch=x86_64", NULL, 200, "#!ipxe|*"},
	{"DELETE", R1 "/machine/discover/", NULL, 200, "{}"},
	{"GET", R1 "/dut/discover", NULL, 200, "{}"},
};

static void a_discovery_is_shown_and_no_second_one_starts(void **state)
{
	struct farm *farm = *state;

	farm_await(farm, "/pdu/DUMMY/port/4", "state", "OFF");
	WALK(discovery);
	farm_await(farm, "/pdu/DUMMY/port/4", "state", "OFF");
}

/* ---- PATCH's effects, by state ---- */

static const struct row retires[] = {
	{"PATCH", R1 "/dut/" A, "{\"is_retired\": true}", 200, "{\"id\":\"" A "\",\"state\":\"RETIRED\",*\"is_retired\":true,*}"},
	{"POST", R1 "/dut/" A "/quick_check", NULL, 400, ERROR("test-box-1: the machine is retired")},
	{"PATCH", R1 "/pdu/DUMMY/port/0", "{\"state\": \"on\"}", 200, ON_PORT("one", "false")},
	{"PATCH", R1 "/pdu/DUMMY/port/0", "{\"state\": \"off\"}", 200, OFF_PORT("one", "0.3")},
	{"PATCH", R1 "/dut/" A, "{\"is_retired\": false}", 200, "{\"id\":\"" A "\",\"state\":\"IDLE\",*}"}, /* checks are disabled */
	{"POST", R1 "/dut/" A "/quick_check", "{}", 200, "true"},
	{"GET", R1 "/machine/" A "/quick_check", NULL, 200, "true"},
	{"GET", R1 "/dut/" A, NULL, 200, "{\"id\":\"" A "\",\"state\":\"QUICK_CHECK\",*\"training\":{\"state\":\"QUICK_CHECK\",*},*}"},
	{"POST", R1 "/dut/" A "/quick_check", NULL, 200, "true"}, /* the one under way answers this request too */
	{"POST", R1 "/dut/" A "/cancel_job", NULL, 400, ERROR("test-box-1: no job is running")},
};

static const struct row settled[] = {
	{"GET", R1 "/dut/" A "/quick_check", NULL, 200, "false"},
	{"PATCH", R1 "/dut/" A, "{\"is_retired\": false}", 200, "{\"id\":\"" A "\",\"state\":\"IDLE\",*\"ready_for_service\":true,*}"},
};

static void a_patch_leads_to_the_state_that_it_means(void **state)
{
	struct farm *farm = *state;

	WALK(retires);
	farm_do("PATCH", "/dut/" A, "{\"is_retired\": true}"); /* the check is cancelled */
	farm_await(farm, "/dut/" A, "state", "RETIRED");
	WALK(settled);
	farm_do("PATCH", "/dut/" D, "{\"ready_for_service\": true}"); /* ends its training */
	farm_await(farm, "/dut/" D, "state", "IDLE");
	farm_await(farm, "/pdu/DUMMY/port/2", "state", "OFF");
	farm_do("PATCH", "/dut/" D, "{\"ready_for_service\": false}");
	farm_await(farm, "/dut/" D, "training/state", "ENROLLING");
	farm_do("PATCH", "/dut/" D, "{\"is_retired\": true}");
	farm_await(farm, "/dut/" D, "state", "RETIRED");
	farm_do("PATCH", "/dut/bench-2", "{\"is_retired\": false}"); /* not ready, so it is trained */
	farm_await(farm, "/dut/bench-2", "state", "TRAINING");
	farm_await(farm, "/pdu/DUMMY/port/1", "state", "ON");
}

/* ---- a machine that runs a job ---- */

static const char job[] = "version: 1\n"
			  "target: {id: " A "}\n"
			  "console_patterns: {session_end: {regex: '^good bye'}}\n"
			  "deployment: {start: {kernel: {data: a kernel, cmdline: 'a;b'}, initramfs: {data: files}}}\n";

static void start_job(struct farm *farm, struct proc *client, const char *name)
{
	farm_run_job(client, name, job, NULL, -1);
	farm_await(farm, "/dut/" A, "state", "RUNNING");
	proc_await(client, "the machine is powered");
}

static const struct row running[] = {
	{"GET", R1 "/duts/" A "/boot.ipxe?platform=efi", NULL, 200,
	 "#!ipxe|*kernel http://10.42.0.1:8090/_/job/kernel initrd=initrd a${semicolon:string}b || goto again|initrd --name initrd "
	 "http://10.42.0.1:8090/_/job/initramfs || goto again|boot || goto again|*"},
	{"GET", "/boot/" A "/boot.ipxe?platform=pcbios&buildarch=i386", NULL, 200,
	 "#!ipxe|*kernel http://10.42.0.1:8090/_/job/kernel a${semicolon:string}b || goto again|initrd --name initrd "
	 "http://10.42.0.1:8090/_/job/initramfs || goto again|boot || goto again|*"},
	{"POST", R1 "/dut/" A "/quick_check", NULL, 200, "true"}, /* once the job is over */
	{"GET", R1 "/dut/" A "/quick_check", NULL, 200, "true"},
	{"GET", R1 "/dut/" A, NULL, 200, "{\"id\":\"" A "\",\"state\":\"RUNNING\",*}"},
	{"PATCH", R1 "/dut/" A, "{\"is_retired\": true}", 200, "{\"id\":\"" A "\",\"state\":\"RUNNING\",*\"is_retired\":true,*}"},
	{"PATCH", R1 "/dut/" A, "{\"is_retired\": false}", 200, "{\"id\":\"" A "\",\"state\":\"RUNNING\",*}"},
	{"PATCH", R1 "/pdu/DUMMY/port/0", "{\"state\": \"off\"}", 400,
	 ERROR("port 0 of DUMMY is that of the machine test-box-1; retire it to switch the port by hand")},
	{"POST", R1 "/machine/test-box-1/cancel_job", "{}", 200, "{}"},
};

#define REMOVED                                                                                                                            \
	"{\"id\":\"" A "\",\"state\":\"RUNNING\",\"ready_for_service\":false,\"has_pdu_assigned\":false,\"local_tty_device\":null,"        \
	"\"tags\":[],\"manual_tags\":[],\"base_name\":null,\"full_name\":\"test-box-1\",\"mac_address\":null,\"ip_address\":null,*}"

static const struct row removed[] = {
	{"DELETE", R1 "/dut/" A, NULL, 200, REMOVED}, /* answered while its job is ended */
};

static void a_running_job_can_be_cancelled_and_its_machine_removed(void **state)
{
	struct farm *farm = *state;
	struct proc client;
	char *answer, *text;
	const struct row gone = {"GET", R1 "/dut/" A, NULL};

	start_job(farm, &client, "cancelled");
	WALK(running);
	assert_int_equal(proc_wait(&client), 4);
	farm_await(farm, "/dut/" A, "state", "QUICK_CHECK"); /* as it was asked for */
	farm_do("PATCH", "/dut/" A, "{\"is_retired\": true}");
	farm_await(farm, "/dut/" A, "state", "RETIRED");
	farm_do("PATCH", "/dut/" A, "{\"is_retired\": false}");
	farm_await(farm, "/dut/" A, "state", "IDLE");
	start_job(farm, &client, "removed");
	WALK(removed);
	assert_int_equal(proc_wait(&client), 4);
	proc_await(&farm->supervisor, "executord*dut=test-box-1 * event=ENDED_REMOVED*");
	farm_await(farm, "/pdu/DUMMY/port/0", "state", "OFF");
	assert_int_equal(ask(&gone, &answer), 404);
	free(answer);
	text = file_get(farm->db_path);
	assert_null(strstr(text, A));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thing_can_be_read_under_all_its_names),
		cmocka_unit_test(a_machine_without_a_job_is_told_to_power_off),
		cmocka_unit_test(what_is_refused_says_why_and_changes_nothing),
		cmocka_unit_test(what_is_accepted_is_done_and_answered),
		cmocka_unit_test(a_discovery_is_shown_and_no_second_one_starts),
		cmocka_unit_test(a_patch_leads_to_the_state_that_it_means),
		cmocka_unit_test(a_running_job_can_be_cancelled_and_its_machine_removed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
