/* What no client should send, to each field of each endpoint of a real executord, over real sockets: every answer is a refusal that names
 * the field, and nothing of a refused request is kept. Beside it: a crowd of slow and idle clients, other names, other sites. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libgateway/buffer.h"
#include "libgateway/error.h"
#include "tests/harness/farm.h"

#define A   "52:54:00:00:00:01" /* idle */
#define B   "52:54:00:00:00:02" /* retired */
#define API "/api/v1"

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one, two, three, four]}}\n"
			 "duts:\n"
			 "  '" A "': {base_name: box, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0.1, ready_for_service: true} # ours\n"
			 "  '" B "': {base_name: box, pdu: DUMMY, pdu_port_id: 1, pdu_off_delay: 0, is_retired: true}\n";

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", "EXECUTOR_HOST_NAMES=farm.example.org lab", NULL};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm = farm_start(&options);

	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await(farm, "/dut/" A, "state", "IDLE");
	farm_await_value(farm, "/dut/" A, "logs_endpoint/port");
	farm_await_value(farm, "/dut/" B, "logs_endpoint/port");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	farm_stop(*state);
	return 0;
}

/* ---- one request of any bytes ---- */

struct reply {
	int status; /* 0: the connection was closed without one */
	char *text; /* owned; the body */
};

static int connect_from(unsigned host)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + host)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Sends head and body, reads to the end of the connection. */
static struct reply exchange(const char *head, const char *body, size_t len)
{
	struct buffer got = {0};
	struct reply reply = {0};
	char bytes[65536], *end;
	int fd = connect_from(1);
	ssize_t n;

	assert_int_equal(send(fd, head, strlen(head), MSG_NOSIGNAL), (ssize_t)strlen(head));
	if (len)
		assert_int_equal(send(fd, body, len, MSG_NOSIGNAL), (ssize_t)len);
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		buffer_add(&got, bytes, (size_t)n);
	close(fd);
	if (got.len > 12)
		reply.status = atoi(got.data + 9);
	end = got.data ? strstr(got.data, "\r\n\r\n") : NULL;
	reply.text = gw_strdup(end ? end + 4 : "");
	buffer_finish(&got);
	return reply;
}

static struct reply request(const char *method, const char *path, const char *type, const struct buffer *body)
{
	char *head = gw_sprintf("%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
				method, path, type, body->len);
	struct reply reply = exchange(head, body->data, body->len);

	free(head);
	return reply;
}

/* ---- values ---- */

static const struct value {
	char letter;
	const char *json;
	size_t n;         /* bytes; 0: strlen */
	bool no_json;     /* what is wrong is the body, before any field */
	unsigned repeats; /* `json` has a % where 'y' comes so many times, or as often nested [ ] */
} values[] = {
	{.letter = 'a', .json = "null"},
	{.letter = 'b', .json = "true"},
	{.letter = 'c', .json = "-1"},
	{.letter = 'd', .json = "0.5"},
	{.letter = 'e', .json = "123456789012345678901234567890"},
	{.letter = 'f', .json = "-1e308"},
	{.letter = 'g', .json = "1e999"},
	{.letter = 'h', .json = "\"\""},
	{.letter = 'i', .json = "\"x\""},
	{.letter = 'j', .json = "\"a\\nb\""},
	{.letter = 'k', .json = "\"../../etc/passwd\""},
	{.letter = 'l', .json = "\"\\u001b[31m\""},
	{.letter = 'm', .json = "\"%\"", .repeats = 300},
	{.letter = 'n', .json = "\"%\"", .repeats = 40000},
	{.letter = 'o', .json = "[]"},
	{.letter = 'p', .json = "{}"},
	{.letter = 'q', .json = "[[]]"},
	{.letter = 'r', .json = "[1, null]"},
	{.letter = 's', .json = "[\"a,b\", \" \"]"},
	{.letter = 't', .json = "{\"x\": {\"y\": [1]}}"},
	{.letter = 'u', .json = "[%\"t\"]", .repeats = 3000},
	{.letter = 'v', .json = "[%]", .no_json = true, .repeats = 100},
	{.letter = 'w', .json = "\"\\u0000\"", .no_json = true},
	{.letter = 'x', .json = "\"a\0b\"", .n = 5, .no_json = true},
	{.letter = 'y', .json = "\"\xff\xc0\xaf\"", .no_json = true},
	{.letter = 'z', .json = "\"\\ud800\"", .no_json = true},
	{.letter = 'A', .json = "\"\t\"", .no_json = true},
	{.letter = 'B', .json = "nan", .no_json = true},
	{.letter = 'C', .json = "'x'", .no_json = true},
	{.letter = 'D', .json = "", .no_json = true},
	{.letter = 'E', .json = "0x10", .no_json = true},
};
#define VALUES (sizeof(values) / sizeof(values[0]))

static void add_repeated(struct buffer *body, const struct value *v)
{
	const char *percent = strchr(v->json, '%');
	bool nested = v->json[0] == '[' && v->json[2] == ']';

	buffer_add(body, v->json, (size_t)(percent - v->json));
	for (unsigned i = 0; i < v->repeats; i++)
		buffer_printf(body, "%s", nested ? "[" : v->json[0] == '[' ? "\"t\"," : "y");
	for (unsigned i = 0; nested && i < v->repeats; i++)
		buffer_add(body, "]", 1);
	buffer_printf(body, "%s", percent + 1);
}

static void add_value(struct buffer *body, const struct value *v)
{
	if (v->repeats)
		add_repeated(body, v);
	else
		buffer_add(body, v->json, v->n ? v->n : strlen(v->json));
}

/* ---- fields ---- */

static const struct field {
	const char *method, *path;
	const char *body;     /* `@` stands for the value */
	const char *name;     /* as errors must call it */
	const char *accepted; /* the letters of the values that may be accepted */
} fields[] = {
	{"PATCH", API "/dut/" A, "{\"comment\": @}", "comment", "ahijkm"},
	{"PATCH", API "/dut/" A, "{\"firmware_boot_time\": @}", "firmware_boot_time", "ad"},
	{"PATCH", API "/dut/" B, "{\"is_retired\": @}", "is_retired", "b"},
	{"PATCH", API "/dut/" A, "{\"manual_tags\": @}", "manual_tags", "ao"},
	{"PATCH", API "/dut/" A, "{\"comment\": \"kept?\", \"pdu_off_delay\": @}", "pdu_off_delay", "d"},
	{"PATCH", API "/dut/" A, "{\"comment\": \"kept?\", \"ready_for_service\": @}", "ready_for_service", "b"},
	{"PATCH", API "/dut/" A, "{\"comment\": \"kept?\", \"unknown\": @}", "unknown", ""},
	{"PATCH", API "/dut/" A, "{\"comment\": \"kept?\", \"comment\": @}", "comment", ""},
	{"POST", API "/dut/", "{\"mac_address\": \"52:54:00:00:00:09\", \"base_name\": @}", "base_name", "i"},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": @}", "mac_address", ""},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:08\", \"id\": @}", "id", "i"},
	{"PUT", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"tags\": @}", "tags", "ao"},
	{"POST", API "/machine", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"manual_tags\": @}", "manual_tags",
	 "ao"},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"ip_address\": @}", "ip_address", "a"},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"local_tty_device\": @}",
	 "local_tty_device", "ahik"},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"ready_for_service\": @}",
	 "ready_for_service", "b"},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"is_retired\": @}", "is_retired", "b"},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"firmware_boot_time\": @}",
	 "firmware_boot_time", "ad"},
	{"POST", API "/dut/", "{\"base_name\": \"new\", \"mac_address\": \"52:54:00:00:00:09\", \"pdu\": @}", "pdu", ""},
	{"PATCH", API "/pdu/DUMMY/port/2", "{\"min_off_time\": 7, \"state\": @}", "state", ""},
	{"PATCH", API "/pdu/DUMMY/port/2", "{\"min_off_time\": 7, \"reserved\": @}", "reserved", "b"},
	{"PATCH", API "/pdu/DUMMY/port/2", "{\"reserved\": false, \"min_off_time\": @}", "min_off_time", "d"},
	{"PATCH", API "/pdu/DUMMY/port/2", "{\"reserved\": true, \"unknown\": @}", "unknown", ""},
	{"POST", API "/dut/discover", "{\"port_id\": 3, \"pdu\": @}", "pdu", ""},
	{"POST", API "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": @}", "port", ""},
	{"POST", API "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 3, \"timeout\": @}", "timeout", "d"},
	{"POST", API "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 3, \"unknown\": @}", "unknown", ""},
	{"POST", API "/dut/" A "/quick_check", "{\"unknown\": @}", "unknown", ""},
	{"POST", API "/dut/" A "/cancel_job", "{\"unknown\": @}", "unknown", ""},
};

static const struct field metadata[] = {
	{"POST", API "/jobs", "{\"version\": @}", "version", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": @}", "callback", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": @}}", "callback.port", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000, \"host\": @}, \"target\": {\"id\": \"no\"}}",
	 "callback.host", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": @}", "target", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": @}}", "target.id", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\", \"tags\": @}}", "target.tags",
	 ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"job_id\": @}", "job_id",
	 ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"environ\": @}", "environ",
	 ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"environ\": {\"A\": @}}",
	 "environ.A", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"minio\": @}", "minio", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"minio\": {\"groups\": @}}",
	 "minio.groups", ""},
	{"POST", API "/jobs",
	 "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"minio\": {\"credentials\": @}}",
	 "minio.credentials", ""},
	{"POST", API "/jobs",
	 "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"minio\": {\"credentials\": {\"access_key\": @, "
	 "\"secret_key\": \"12345678\"}}}",
	 "minio.credentials.access_key", ""},
	{"POST", API "/jobs",
	 "{\"version\": 1, \"callback\": {\"port\": 2000}, \"target\": {\"id\": \"no\"}, \"minio\": {\"credentials\": {\"access_key\": "
	 "\"alice\", \"secret_key\": @}, \"groups\": [\"g\"]}}",
	 "minio.credentials.secret_key", ""},
	{"POST", API "/jobs", "{\"version\": 1, \"callback\": {\"port\": 2000}, \"job_desc_url\": @}", "job_desc_url", ""},
};

/* What a refused request may not change: the file, the machines, what is discovered. */
static char *all_of(const struct farm *farm)
{
	char *duts, *discovery, *text = file_get(farm->db_path), *all;

	assert_int_equal(farm_request("GET", "/duts", NULL, &duts), 200);
	assert_int_equal(farm_request("GET", "/dut/discover", NULL, &discovery), 200);
	all = gw_sprintf("%s\n%s\n%s\nreserved: %s %s", text, duts, discovery, farm_get("/pdu/DUMMY/port/2", "reserved"),
			 farm_get("/pdu/DUMMY/port/2", "min_off_time"));
	free(text);
	free(duts);
	free(discovery);
	return all;
}

static const char job[] = "version: 1\ntarget: {id: nobody}\nconsole_patterns: {session_end: {regex: x}}\n"
			  "deployment: {start: {kernel: {data: k}}}\n";

static struct reply try_value(const struct field *f, const struct value *v, bool is_form)
{
	struct buffer body = {0};
	const char *at = strchr(f->body, '@');
	struct reply reply;

	if (is_form)
		buffer_printf(&body, "--XX\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"m\"\r\n"
				     "Content-Type: application/json\r\n\r\n");
	buffer_add(&body, f->body, (size_t)(at - f->body));
	add_value(&body, v);
	buffer_printf(&body, "%s", at + 1);
	if (is_form)
		buffer_printf(&body,
			      "\r\n--XX\r\nContent-Disposition: form-data; name=\"job\"; filename=\"j\"\r\n"
			      "Content-Type: application/x-yaml\r\n\r\n%s\r\n--XX--\r\n",
			      job);
	reply = request(f->method, f->path, is_form ? "multipart/form-data; boundary=XX" : "application/json", &body);
	buffer_finish(&body);
	return reply;
}

static bool names_it(const struct reply *reply, const struct field *f, const struct value *v)
{
	const char *dot = strrchr(f->name, '.');

	return strstr(reply->text, dot ? dot + 1 : f->name) ||
	       (v->no_json && (strstr(reply->text, "not JSON") || strstr(reply->text, "nested too deep")));
}

/* A job with a good metadata goes no further than its target, which nobody is: not 400. */
static bool is_as_it_should(const struct reply *reply, const struct field *f, const struct value *v)
{
	if (reply->status == 200)
		return strchr(f->accepted, v->letter);
	return reply->status >= 400 && reply->status < 500 && (reply->status != 400 || names_it(reply, f, v));
}

/* What follows from an accepted value by itself: a discovery ends, pdud says the new time, a new machine gets its console's port. */
static void settle(struct farm *farm, const struct field *f, const char *answer)
{
	char id[64], *path;

	if (strstr(f->path, "discover")) {
		farm_do("DELETE", "/dut/discover", NULL);
		farm_await(farm, "/pdu/DUMMY/port/3", "state", "OFF");
	} else if (strcmp(f->name, "min_off_time") == 0) {
		farm_await(farm, "/pdu/DUMMY/port/2", "min_off_time", "0.5");
	} else if (strstr(f->body, "\"min_off_time\": 7")) {
		farm_await(farm, "/pdu/DUMMY/port/2", "min_off_time", "7");
	} else if (sscanf(answer, "{\"id\":\"%63[^\"]", id) == 1) {
		path = gw_sprintf("/dut/%s", id);
		farm_await_value(farm, path, "logs_endpoint/port");
		free(path);
	}
}

/* How many were neither refused by name nor among the accepted, or changed something although they were refused. All are shown. */
static unsigned abuse(struct farm *farm, const struct field *f, bool is_form)
{
	char *before = all_of(farm), *after;
	unsigned wrong = 0;

	for (size_t i = 0; i < VALUES; i++) {
		struct reply reply = try_value(f, &values[i], is_form);
		bool bad = !is_as_it_should(&reply, f, &values[i]);

		if (reply.status == 200)
			settle(farm, f, reply.text);
		after = all_of(farm);
		if (bad || (reply.status != 200 && strcmp(before, after) != 0)) {
			print_error("%s %s %s with %c (%.60s): %d %.300s%s\n", f->method, f->path, f->body, values[i].letter,
				    values[i].json, reply.status, reply.text, bad ? "" : ", but something has changed");
			wrong++;
		}
		free(reply.text);
		free(before);
		before = after;
	}
	free(before);
	return wrong;
}

static void promise_36_every_bad_value_of_every_field_is_refused_by_name_and_changes_nothing(void **state)
{
	unsigned wrong = 0;

	farm_do("PATCH", "/pdu/DUMMY/port/3", "{\"state\": \"off\"}");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		wrong += abuse(*state, &fields[i], false);
	assert_int_equal(wrong, 0);
}

static void promise_36_every_bad_metadata_of_a_job_is_refused_by_name(void **state)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < sizeof(metadata) / sizeof(metadata[0]); i++)
		wrong += abuse(*state, &metadata[i], true);
	assert_int_equal(wrong, 0);
}

/* ---- targets, sizes ---- */

static const struct raw {
	const char *request; /* without Host and the end of the head */
	size_t body;         /* bytes of zeros behind it */
	int status;
	const char *text;
} raws[] = {
	{"GET " API "/dut/%00 HTTP/1.1", 0, 400, "%00"},
	{"GET " API "/dut/%ff HTTP/1.1", 0, 400, "not UTF-8"},
	{"GET " API "/dut/%zz HTTP/1.1", 0, 400, "two hex digits"},
	{"GET " API "/dut/../../etc/passwd HTTP/1.1", 0, 400, "'.' or '..'"},
	{"GET " API "/dut/%2e%2e%2fpasswd HTTP/1.1", 0, 400, "'.' or '..'"},
	{"GET " API "/dut/%0d%0aX: HTTP/1.1", 0, 400, "control character"},
	{"GET " API "/dut/" A "/training/loop/99999999999999999999 HTTP/1.1", 0, 404, "training loop"},
	{"GET " API "/dut/" A "/training/loop/-1 HTTP/1.1", 0, 404, "training loop"},
	{"GET " API "/pdu/DUMMY/port/%F0%9F%92%A9 HTTP/1.1", 0, 404, "no port"},
	{"GET " API "/duts HTTP/1.1\r\nContent-Length: 1", 1, 413, "takes no body"},
	{"PATCH " API "/dut/" A " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 65537", 65537, 413, "65536 bytes"},
	{"PATCH " API "/dut/" A " HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 65536", 65536, 400, "line 1"},
	{"PATCH " API "/dut/" A " HTTP/1.1\r\nContent-Type: text/yaml\r\nContent-Length: 2", 2, 415, "application/json"},
	{"POST " API "/jobs HTTP/1.1\r\nContent-Type: multipart/form-data\r\nContent-Length: 2", 2, 400, "boundary"},
	{"POST " API "/jobs HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=X\r\nContent-Length: 10745806849", 0, 413,
	 "10745806848 bytes"},
	{"POST " API "/jobs HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=X\r\nContent-Length: 18446744073709551616", 0, 413, ""},
	{"POST " API "/jobs HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=X\r\nContent-Length: 1048577", 1048577, 400,
	 "boundary"},
	{"POST " API "/dut/nobody/quick_check HTTP/1.1", 0, 404, "nobody"},
	{"TRACE " API "/duts HTTP/1.1", 0, 405, "accepted: GET, HEAD"},
	{"G@T " API "/duts HTTP/1.1", 0, 400, ""},
	{"PATCH " API "/duts HTTP/1.1", 0, 405, "accepted: GET, HEAD"},
};

static void promise_36_targets_and_sizes_have_their_bounds(void **state)
{
	static const char zeros[1048577];
	char *before = all_of(*state), *after;

	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		char *head = gw_sprintf("%s\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n", raws[i].request);
		struct reply reply = exchange(head, zeros, raws[i].body);

		if (reply.status != raws[i].status || !strstr(reply.text, raws[i].text))
			fail_msg("%s: %d %s", raws[i].request, reply.status, reply.text);
		free(reply.text);
		free(head);
	}
	after = all_of(*state);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

/* ---- names and sites ---- */

static int status_for(const char *method, const char *path, const char *headers)
{
	char *head = gw_sprintf("%s %s HTTP/1.1\r\n%sConnection: close\r\n\r\n", method, path, headers);
	struct reply reply = exchange(head, NULL, 0);

	free(head);
	free(reply.text);
	return reply.status;
}

static void promise_37_rest_is_served_by_its_names_alone(void **state)
{
	static const char *const ours[] = {"10.42.0.1",    "127.0.0.1:80",     "localhost", "ci-gateway",
					   "test-gateway", "farm.example.org", "LAB"};
	char host[300], name[256] = "";

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		snprintf(host, sizeof(host), "Host: %s\r\n", ours[i]);
		assert_int_equal(status_for("GET", API "/duts", host), 200);
	}
	gethostname(name, sizeof(name) - 1);
	snprintf(host, sizeof(host), "Host: %s\r\n", name);
	assert_int_equal(status_for("GET", API "/duts", host), 200);
	assert_int_equal(status_for("GET", API "/duts", "Host: example.org\r\n"), 421);
	assert_int_equal(status_for("GET", API "/duts", "Host: rebound.evil.example\r\n"), 421);
	assert_int_equal(status_for("GET", API "/duts", ""), 400);
}

static void promise_37_another_sites_page_cannot_switch_power_or_anything_else(void **state)
{
	static const char evil[] = "Host: 127.0.0.1\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n";
	static const char fetched[] = "Host: 127.0.0.1\r\nSec-Fetch-Site: cross-site\r\nContent-Length: 0\r\n";
	static const char *const changes[][2] = {
		{"PATCH", API "/pdu/DUMMY/port/2"},
		{"PATCH", API "/dut/" A},
		{"DELETE", API "/dut/" A},
		{"POST", API "/dut/"},
		{"PUT", API "/machine"},
		{"POST", API "/dut/discover"},
		{"DELETE", API "/dut/discover"},
		{"POST", API "/dut/" A "/quick_check"},
		{"POST", API "/dut/" A "/cancel_job"},
		{"POST", API "/jobs"},
		{"POST", API "/database/check"},
	};
	char *before = all_of(*state), *after;

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		assert_int_equal(status_for(changes[i][0], changes[i][1], evil), 400);
		assert_int_equal(status_for(changes[i][0], changes[i][1], fetched), 400);
	}
	after = all_of(*state);
	assert_string_equal(after, before);
	free(before);
	free(after);
}

static void a_name_that_is_none_is_refused_at_the_start(void **state)
{
	static const char *const argv[] = {GW_BUILD_ROOT "/executord/executord", "--check", NULL};
	static const char *const env[] = {"EXECUTOR_HOST_NAMES=lab http://lab", "FARM_NAME=test", NULL};
	struct proc check;

	proc_start(&check, "check", argv, env);
	assert_int_equal(proc_wait(&check), 2);
	assert_true(proc_has_said(&check, "EXECUTOR_HOST_NAMES: 'http://lab' is not a host name; accepted: names of letters, digits, '.', "
					  "'-' and '_' with spaces between"));
}

/* ---- crowds ---- */

#define SLOW 300
#define IDLE 2000

static bool is_closed(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

static unsigned closed_of(const int *fds, size_t n)
{
	unsigned closed = 0;

	for (size_t i = 0; i < n; i++)
		closed += is_closed(fds[i]);
	return closed;
}

static void await_closed(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&p, 1, PROC_PATIENCE_MS), 1);
	assert_true(is_closed(fd));
}

static void promise_35_a_good_get_is_answered_while_300_are_slow_and_2000_idle(void **state)
{
	static const char *const begun[] = {"G", "GET " API "/duts HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "};
	static int slow[SLOW], idle[IDLE];
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	for (size_t i = 0; i < IDLE; i++)
		idle[i] = connect_from(2);
	for (size_t i = 0; i < SLOW; i++) {
		slow[i] = connect_from(3);
		assert_true(send(slow[i], begun[i % 2], strlen(begun[i % 2]), MSG_NOSIGNAL) > 0);
	}
	assert_int_equal(status_for("GET", API "/full-state", "Host: 127.0.0.1\r\n"), 200);
	assert_int_equal(status_for("GET", API "/dut/" A, "Host: 127.0.0.1\r\n"), 200);
	assert_int_equal(closed_of(idle, IDLE), 0);
	for (size_t i = 0; i < SLOW; i++) /* after 10 s in all */
		await_closed(slow[i]);
	assert_int_equal(closed_of(idle, IDLE), 0);
	for (size_t i = 0; i < SLOW; i++)
		close(slow[i]);
	for (size_t i = 0; i < IDLE; i++)
		close(idle[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_36_every_bad_value_of_every_field_is_refused_by_name_and_changes_nothing),
		cmocka_unit_test(promise_36_every_bad_metadata_of_a_job_is_refused_by_name),
		cmocka_unit_test(promise_36_targets_and_sizes_have_their_bounds),
		cmocka_unit_test(promise_37_rest_is_served_by_its_names_alone),
		cmocka_unit_test(promise_37_another_sites_page_cannot_switch_power_or_anything_else),
		cmocka_unit_test(a_name_that_is_none_is_refused_at_the_start),
		cmocka_unit_test(promise_35_a_good_get_is_answered_while_300_are_slow_and_2000_idle),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
