/* What the REST API keeps shut: to machines of the farm all but reading and registering themselves; and checks of databases that are too
 * large or too many. A real executord, a machine on its network. In a network namespace of its own. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "tests/harness/dutnet.h"
#include "tests/harness/farm.h"
#include "tests/harness/net.h"

#define A  "52:54:00:00:00:01" /* another machine */
#define ME "52:54:00:00:00:77" /* the machine that asks */

static const char db[] = "pdus:\n"
			 "  DUMMY: {driver: dummy, config: {ports: [one, two, three]}}\n"
			 "duts:\n"
			 "  '" A "': {base_name: box, pdu: DUMMY, pdu_port_id: 0, pdu_off_delay: 0}\n";

static int start(void **state)
{
	static const char *const env[] = {"SERGENT_HARTMAN_BOOT_COUNT=-1", NULL};
	static const char *const opened[] = {"saladd info: listening on", "bootsd info: serving private", "bucketd info: listening on"};
	const struct farm_options options = {.db = db, .env = env, .no_vpdu = true, .no_files = true};
	struct farm *farm = farm_start(&options);
	char line[256];

	farm_await(farm, "/pdus", "pdus/DUMMY/state", "OK");
	farm_await_value(farm, "/dut/" A, "logs_endpoint/port");
	for (size_t i = 0; i < sizeof(opened) / sizeof(opened[0]); i++) {
		size_t from = 0;

		assert_true(proc_await_file(farm->supervisor.log_path, &from, opened[i], line, sizeof(line)));
	}
	dutnet_start(ME, "10.42.7.7/16");
	*state = farm;
	return 0;
}

static int stop(void **state)
{
	dutnet_end();
	farm_stop(*state);
	return 0;
}

/* ---- from a machine ---- */

struct row {
	const char *method, *path, *body;
	int status;
	const char *answer;
};

#define ERROR(text)  "{\"error\":\"" text "\"}"
#define ITSELF_ALONE 400, ERROR("a machine of the farm may only read and register itself")
#define NOT(field)   400, ERROR(field ": a machine of the farm may not set this of itself")
#define NOT_MAC(mac) 400, ERROR("a machine of the farm may only register itself, not " mac)
#define NOT_ID(id)   400, ERROR("id: a machine of the farm may only register itself, not '" id "'")
#define R1           "/api/v1"

static const struct row forbidden[] = {
	{"PATCH", R1 "/dut/" A, "{\"comment\": \"x\"}", ITSELF_ALONE},
	{"PATCH", R1 "/machine/" A, "{\"is_retired\": true}", ITSELF_ALONE},
	{"DELETE", R1 "/dut/" A, NULL, ITSELF_ALONE},
	{"POST", R1 "/dut/" A "/quick_check", NULL, ITSELF_ALONE},
	{"POST", R1 "//dut//" A "//cancel_job", "{}", ITSELF_ALONE},
	{"POST", R1 "/dut/discover", "{\"pdu\": \"DUMMY\", \"port_id\": 1}", ITSELF_ALONE},
	{"DELETE", R1 "/dut/discover", NULL, ITSELF_ALONE},
	{"PATCH", R1 "/pdu/DUMMY/port/1", "{\"state\": \"on\"}", ITSELF_ALONE},
	{"PATCH", R1 "/pdu/DUMMY/port/1", "{\"reserved\": true}", ITSELF_ALONE},
	{"GET", R1 "/events", NULL, 400, ERROR("a machine of the farm may not watch it")},
	{"GET", R1 "/database", NULL, ITSELF_ALONE}, /* costs time, and quotes the file */
	{"POST", R1 "/database/check", "duts: {}", ITSELF_ALONE},
	{"GET", R1 "/gitlab", NULL, ITSELF_ALONE},
	{"POST", R1 "/gitlab/prune", "{\"remove\": true}", ITSELF_ALONE},
	{"POST", R1 "/dut/", "{\"mac_address\": \"" A "\", \"base_name\": \"forged\"}", NOT_MAC(A)},
	{"PUT", R1 "/machine/", "{\"id\": \"" A "\", \"base_name\": \"forged\"}", NOT_MAC(A)},
	{"PATCH", R1 "/machine/", "{\"mac_address\": \"52:54:00:00:00:78\", \"base_name\": \"x\"}", NOT_MAC("52:54:00:00:00:78")},
	{"POST", R1 "/dut/", "{\"id\": \"" A "\", \"mac_address\": \"" ME "\"}", NOT_ID(A)},
	{"POST", R1 "/dut/", "{\"id\": \"another\", \"mac_address\": \"" ME "\", \"base_name\": \"x\"}", NOT_ID("another")},
	{"POST", R1 "/dut/", "{\"mac_address\": \"" ME "\", \"ready_for_service\": true}", NOT("ready_for_service")},
	{"POST", R1 "/dut/", "{\"mac_address\": \"" ME "\", \"is_retired\": false}", NOT("is_retired")},
	{"POST", R1 "/dut/", "{\"mac_address\": \"" ME "\", \"manual_tags\": [\"x\"]}", NOT("manual_tags")},
	{"POST", R1 "/dut/", "{\"mac_address\": \"" ME "\", \"firmware_boot_time\": 1}", NOT("firmware_boot_time")},
};

static const struct row allowed[] = {
	{"GET", R1 "/duts", NULL, 200, "{\"duts\":{*}}"},
	{"GET", R1 "/machines/", NULL, 200, "{\"machines\":{*}}"},
	{"GET", R1 "/dut/" A, NULL, 200, "{\"id\":\"" A "\",*}"},
	{"GET", R1 "/pdus", NULL, 200, "{\"pdus\":{*}}"},
	{"GET", R1 "/pdu/DUMMY/port/1", NULL, 200, "{\"label\":\"two\",*}"},
	{"GET", R1 "/full-state", NULL, 200, "{\"pdus\":{*}"},
	{"GET", R1 "/alarms", NULL, 200, "{\"alarms\":[]}"},
	{"GET", R1 "/dut/discover", NULL, 200, "{}"},
	{"GET", "/boot/" ME "/boot.ipxe?platform=pcbios&buildarch=i386", NULL, 200, "#!ipxe"},
	{"POST", R1 "/machine/",
	 "{\"base_name\": \"me\", \"tags\": [\"t\"], \"mac_address\": \"" ME
	 "\", \"ip_address\": \"10.42.7.7\", \"local_tty_device\": \"ttyS0\"}",
	 200, "{\"id\":\"" ME "\",\"state\":\"WAIT_FOR_CONFIG\",*}"},
	{"PATCH", R1 "/machine/", "{\"mac_address\": \"" ME "\", \"tags\": [\"u\"]}", 200, "{\"id\":\"" ME "\",*\"tags\":[\"u\"],*}"},
	{"PUT", R1 "/dut", "{\"id\": \"" ME "\", \"base_name\": \"me\"}", 200, "{\"id\":\"" ME "\",*}"},
};

static void walk_from_a_machine(const struct row *rows, size_t n)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < n; i++) {
		char *answer;
		int status = dutnet_request(rows[i].method, rows[i].path, rows[i].body, &answer);

		if (status != rows[i].status || !glob_line(rows[i].answer, answer, strcspn(answer, "\n"))) {
			print_error("%s %s %s\n  answered: %d %s\n  expected: %d %s\n", rows[i].method, rows[i].path,
				    rows[i].body ? rows[i].body : "", status, answer, rows[i].status, rows[i].answer);
			wrong++;
		}
		free(answer);
	}
	assert_int_equal(wrong, 0);
}

static void promise_28_a_machine_may_not_touch_anything_but_itself(void **state)
{
	const struct farm *farm = *state;
	char *before = file_get(farm->db_path), *after;

	walk_from_a_machine(forbidden, sizeof(forbidden) / sizeof(forbidden[0]));
	after = file_get(farm->db_path);
	assert_string_equal(after, before);
	assert_string_equal(farm_get("/pdu/DUMMY/port/1", "state"), "ON"); /* as the dummy starts */
	free(before);
	free(after);
}

static void promise_28_a_machine_may_read_and_register_itself(void **state)
{
	walk_from_a_machine(allowed, sizeof(allowed) / sizeof(allowed[0]));
	assert_string_equal(farm_get("/dut/" A, "base_name"), "box");
}

static void promise_28_a_machine_may_not_submit_a_job(void **state)
{
	char *answer;

	assert_int_equal(dutnet_request("POST", R1 "/jobs", NULL, &answer), 400);
	assert_string_equal(answer, "{\"version\":1,\"error_msg\":\"a machine of the farm may only read and register itself\"}");
	free(answer);
}

/* ---- a scan of all ports from a machine ---- */

/* What else is open closes at once, without a word. */
static const struct {
	uint16_t port;
	const char *question, *answer;
} doors[] = {
	{80, "GET /api/v1/duts HTTP/1.1\r\nHost: ci-gateway\r\n\r\n", "HTTP/1.1 200 "},
	{8005, "GET /api/v1/machine HTTP/1.1\r\nHost: ci-gateway\r\n\r\n", "HTTP/1.1 403 "},
	{8090, "GET /nothing HTTP/1.1\r\nHost: ci-gateway\r\n\r\n", "HTTP/1.1 404 "},
	{8100, "SALAD.ping\n", "SALAD.pong\n"},
	{9000, "GET / HTTP/1.1\r\nHost: ci-gateway\r\n\r\n", "HTTP/1.1 403 "},
};
#define DOORS (sizeof(doors) / sizeof(doors[0]))

static void ask_what_is_open(int fd, unsigned port, bool *found)
{
	for (size_t i = 0; i < DOORS; i++) {
		if (doors[i].port != port)
			continue;
		net_send(fd, doors[i].question);
		net_expect(fd, doors[i].answer);
		found[i] = true;
		close(fd);
		return;
	}
	net_expect_end(fd);
}

/* -1: nobody listens there. */
static int connect_from_a_machine(unsigned port)
{
	const struct sockaddr_in gateway = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(0x0a2a0001)};
	int fd = dutnet_socket(SOCK_STREAM);

	if (connect(fd, (const struct sockaddr *)&gateway, sizeof(gateway)) == 0)
		return fd;
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	return -1;
}

static void promise_28_a_scan_from_a_machine_finds_no_other_tcp_port(void **state)
{
	bool found[DOORS] = {false};
	unsigned open = 0;

	for (unsigned port = 1; port <= UINT16_MAX; port++) {
		int fd = connect_from_a_machine(port);

		if (fd < 0)
			continue;
		ask_what_is_open(fd, port, found);
		open++;
	}
	for (size_t i = 0; i < DOORS; i++)
		if (!found[i])
			fail_msg("port %u is not there", doors[i].port);
	assert_true(open >= DOORS + 2); /* the others are machines' consoles and logs */
}

/* Linux answers only a few scans of closed UDP ports a second: what is bound is looked up instead. */
static void promise_28_no_udp_port_but_dhcp_and_tftp_is_bound(void **state)
{
	char *text = file_get("/proc/self/net/udp"), *rest = text, *line = strsep(&rest, "\n");
	bool dhcp = false, tftp = false;

	while ((line = strsep(&rest, "\n")) && *line) {
		unsigned address, port;

		assert_int_equal(sscanf(line, " %*u: %x:%x", &address, &port), 2);
		if ((ntohl(address) >> 24) == 127)
			continue;
		dhcp |= port == 67;
		tftp |= port == 69;
		if (port != 67 && port != 69)
			fail_msg("UDP port %u is bound", port);
	}
	assert_true(dhcp);
	assert_true(tftp);
	free(text);
}

static void promise_28_a_console_and_its_log_are_the_gateways_alone(void **state)
{
	struct farm *farm = *state;
	char *answer;
	int port = atoi(farm_get("/dut/" A, "logs_endpoint/port")), status, fd = connect_from_a_machine((unsigned)port);

	net_expect_end(fd);
	proc_await(&farm->supervisor, "10.42.7.7, of the machines' network, is refused, and so are others of it");
	close(net_connect((uint16_t)port));
	status = dutnet_request("GET", ":8005/api/v1/machine/new", NULL, &answer); /* makes a machine where it is asked from the gateway */
	assert_int_equal(status, 403);
	assert_string_equal(answer, ERROR("a machine of the farm may not ask SALAD"));
	free(answer);
	status = dutnet_request("POST", ":8005/api/v1/machine/" A "/reset", NULL, &answer);
	assert_int_equal(status, 403);
	free(answer);
	answer = net_http(8005, "GET", "/api/v1/machine", NULL, &status);
	assert_int_equal(status, 200);
	assert_null(strstr(answer, "new"));
	free(answer);
}

/* ---- databases to be checked ---- */

enum { DUTS = 40000, ANSWER_MAX = 16 << 20 };

/* Valid, and its check takes a while. */
static char *large_database(size_t *len)
{
	char *text = gw_calloc((size_t)DUTS * 64 + 32, 1), *p = text;

	p += sprintf(p, "duts:\n");
	for (unsigned i = 0; i < DUTS; i++)
		p += sprintf(p, "  '52:54:01:%02x:%02x:%02x': {base_name: b}\n", i >> 16, i >> 8 & 0xff, i & 0xff);
	*len = (size_t)(p - text);
	return text;
}

static void send_check(int fd, const char *text, size_t len, size_t hold_back)
{
	char *head = gw_sprintf(
		"POST " R1 "/database/check HTTP/1.1\r\nHost: 10.42.0.1\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n", len);

	net_send(fd, head);
	net_send_bytes(fd, text, len - hold_back);
	free(head);
}

/* The caller frees. */
static char *read_to_its_end(int fd)
{
	char *text = gw_calloc(ANSWER_MAX + 1, 1);
	size_t used = 0;
	ssize_t n;

	while ((n = recv(fd, text + used, ANSWER_MAX - used, 0)) > 0)
		used += (size_t)n;
	return text;
}

/* What became of three checks that came to executord at once. */
static void check_three(const struct farm *farm, const char *text, size_t len, int *busy, int *valid)
{
	pid_t executord = farm_pid(farm, "executord");
	char *answer;
	int fds[3];

	*busy = *valid = 0;
	for (int i = 0; i < 3; i++) { /* all but the last byte of each */
		fds[i] = net_connect(80);
		send_check(fds[i], text, len, 1);
	}
	kill(executord, SIGSTOP);
	for (int i = 0; i < 3; i++)
		net_send_bytes(fds[i], text + len - 1, 1);
	kill(executord, SIGCONT);
	for (int i = 0; i < 3; i++) {
		answer = read_to_its_end(fds[i]);
		*busy += strstr(answer, " 409 ") && strstr(answer, "{\"error\":\"2 databases are being checked already; try again\"}");
		*valid += strstr(answer, " 200 ") && strstr(answer, "\"valid\":true");
		free(answer);
		close(fds[i]);
	}
}

/* One that was read late, when another was checked already, was not at once. */
static void a_third_check_at_once_is_refused(void **state)
{
	size_t len;
	char *text = large_database(&len);
	int busy = 0, valid = 3;

	for (int tries = 0; tries < 10 && valid == 3; tries++)
		check_three(*state, text, len, &busy, &valid);
	assert_int_equal(busy, 1);
	assert_int_equal(valid, 2);
	free(text);
}

static const struct {
	const char *path, *body;
	int status;
	const char *answer;
} checks[] = {
	{"/database/check", "duts: {}\n", 200,
	 "{\"file\":\"database\",\"loaded_at\":\"*\",\"valid\":true,\"errors\":[],\"warnings\":[],\"changes\":[*]}"},
	{"/database/check?name=mine.yaml", "duts: [\n", 200, "{\"file\":\"mine.yaml\",*\"valid\":false,\"errors\":[\"mine.yaml:*\"],*}"},
	{"/database/check?name=a%0ab", "", 400, ERROR("name: accepted: up to 128 bytes, without line ends")},
};

static void a_check_names_what_is_checked(void **state)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		char *answer;
		int status = farm_request("POST", checks[i].path, checks[i].body, &answer);

		if (status != checks[i].status || !glob_line(checks[i].answer, answer, strlen(answer)))
			fail_msg("%s: %d %s\nexpected: %s", checks[i].path, status, answer, checks[i].answer);
		free(answer);
	}
}

static void a_database_of_more_than_16_mib_is_refused(void **state)
{
	int fd = net_connect(80), status;
	char *answer;

	net_send(fd, "POST " R1 "/database/check HTTP/1.1\r\nHost: 10.42.0.1\r\nContent-Length: 16777217\r\nExpect: 100-continue\r\n\r\n");
	answer = net_await(fd, "}");
	assert_int_equal(sscanf(answer, "HTTP/1.1 %d", &status), 1);
	assert_int_equal(status, 413);
	assert_non_null(strstr(answer, ERROR("the body is too large; accepted: 16777216 bytes")));
	free(answer);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_28_a_machine_may_not_touch_anything_but_itself),
		cmocka_unit_test(promise_28_a_machine_may_read_and_register_itself),
		cmocka_unit_test(promise_28_a_machine_may_not_submit_a_job),
		cmocka_unit_test(promise_28_a_scan_from_a_machine_finds_no_other_tcp_port),
		cmocka_unit_test(promise_28_no_udp_port_but_dhcp_and_tftp_is_bound),
		cmocka_unit_test(promise_28_a_console_and_its_log_are_the_gateways_alone),
		cmocka_unit_test(a_check_names_what_is_checked),
		cmocka_unit_test(a_third_check_at_once_is_refused),
		cmocka_unit_test(a_database_of_more_than_16_mib_is_refused),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, start, stop);
}
