/* saladd by its sockets: this test plays the machines, the client and the readers. In a network namespace of its own, so ports are fixed.
 */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

#include "libbus/bus.h"
#include "libgateway/error.h"
#include "libgateway/loop.h"
#include "tests/harness/net.h"
#include "tests/harness/proc.h"

#define SALADD   GW_BUILD_ROOT "/saladd/saladd"
#define REST     8005
#define CONSOLES 8100
#define READERS  25
#define MEGABYTE (1024 * 1024)

static struct proc salad;

static void start_with(const char *url, const char *more)
{
	char runtime[600], salad_url[256];
	const char *env[] = {"LOG_LEVEL=debug", "ASAN_OPTIONS=quarantine_size_mb=1", runtime, salad_url, more, NULL};

	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", getenv("TMPDIR"));
	snprintf(salad_url, sizeof(salad_url), "SALAD_URL=%s", url);
	proc_start(&salad, "saladd", (const char *[]){SALADD, NULL}, env);
}

static void start(void)
{
	start_with("http://ci-gateway:8005", NULL);
	proc_await(&salad, "saladd info: listening on 0.0.0.0: REST on port 8005, TCP consoles on port 8100");
}

static int setup(void **state)
{
	start();
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(proc_end(&salad, SIGTERM), 0);
	unlink(tmp_path("saladd.clients"));
	return 0;
}

/* What REST says of a machine: `key`'s number (a boolean is 0 or 1). */
static int ask(const char *id, const char *key)
{
	char *path = gw_sprintf("/api/v1/machine/%s", id), *answer;
	cJSON *json, *value;
	int status, number;

	answer = net_http(REST, "GET", path, NULL, &status);
	assert_int_equal(status, 200);
	json = cJSON_Parse(answer);
	value = cJSON_GetObjectItemCaseSensitive(json, key);
	assert_non_null(value);
	number = cJSON_IsBool(value) ? cJSON_IsTrue(value) : value->valueint;
	cJSON_Delete(json);
	free(answer);
	free(path);
	return number;
}

static int client_of(const char *id)
{
	int fd = net_connect((uint16_t)ask(id, "tcp_port"));

	proc_await(&salad, "a client has come");
	return fd;
}

static int reader_of(const char *id)
{
	return net_connect((uint16_t)ask(id, "tcp_port_logs"));
}

/* What was sent before has been dealt with when the pong is there. */
static void settle(int console)
{
	net_send(console, "SALAD.ping");
	net_expect(console, "SALAD.pong\n");
}

/* A machine's console that has said its id. */
static int machine(const char *id)
{
	int fd = net_connect(CONSOLES);
	char *line = gw_sprintf("SALAD.machine_id=%s\n", id);

	net_send(fd, line);
	settle(fd);
	free(line);
	return fd;
}

static void assert_http(const char *method, const char *path, int status, const char *body)
{
	int got;
	char *answer = net_http(REST, method, path, NULL, &got);

	assert_string_equal(answer, body);
	assert_int_equal(got, status);
	free(answer);
}

/* Bytes that differ from their neighbours, without a line end. */
static char *pattern(size_t n, size_t from)
{
	char *bytes = gw_calloc(1, n + 1);

	for (size_t i = 0; i < n; i++)
		bytes[i] = (char)('a' + (from + i) * 7 % 25);
	return bytes;
}

static void expect_pattern(int fd, size_t n, size_t from)
{
	char *got = net_read(fd, n), *expected = pattern(n, from);

	assert_memory_equal(got, expected, n);
	free(got);
	free(expected);
}

static size_t saladd_kib(const char *what)
{
	char path[64], *text, *line;
	size_t kib = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)salad.pid);
	text = file_get(path);
	line = strstr(text, what);
	assert_non_null(line);
	sscanf(line + strlen(what), ": %zu kB", &kib);
	free(text);
	return kib;
}

/* ---- REST ---- */

static void rest_makes_a_machine_that_is_asked_for(void **state)
{
	char *expected;
	int port, logs;

	assert_http("GET", "/api/v1/machine", 200, "{\"machines\":{}}");
	port = ask("52:54:00:11:22:0a", "tcp_port");
	logs = ask("52:54:00:11:22:0a", "tcp_port_logs");
	assert_true(port > 0 && logs > 0 && port != logs);
	expected = gw_sprintf("{\"machines\":{\"52:54:00:11:22:0a\":{\"id\":\"52:54:00:11:22:0a\",\"tcp_port\":%d,\"tcp_port_logs\":%d,"
			      "\"has_client\":false}}}",
			      port, logs);
	assert_http("GET", "/api/v1/machine/", 200, expected);
	free(expected);
}

static void rest_says_what_is_wrong(void **state)
{
	int console = machine("m");

	assert_http("GET", "/api/v1/machine/a%20b", 400,
		    "{\"error\":\"'a b' is not a machine id; accepted: 1 to 128 printable ASCII characters without spaces\"}");
	assert_http("POST", "/api/v1/machine/m/reset", 501,
		    "{\"error\":\"machine m: its console is a TCP connection, which has no reset; only USB consoles have one\"}");
	assert_http("POST", "/api/v1/machine/nobody/reset", 501, "{\"error\":\"machine nobody has no console to reset\"}");
	close(console);
}

/* ---- ids ---- */

static void bytes_before_the_first_id_reach_the_client(void **state)
{
	int client = client_of("m"), console = net_connect(CONSOLES);

	net_send(console, "iPXE 1.0\r\n");
	settle(console);
	net_send(console, "[    0.0] Command line: SALAD.machine_id=m quiet\r\n");
	net_expect(client, "iPXE 1.0\r\nSALAD.ping[    0.0] Command line: SALAD.machine_id=m quiet\r\n");
	close(console);
	close(client);
}

static void the_newest_64_kib_before_the_first_id_are_kept(void **state)
{
	int client = client_of("m"), console = net_connect(CONSOLES);
	char *bytes = pattern(300000, 0);

	net_send_bytes(console, bytes, 300000);
	settle(console);
	net_send(console, "SALAD.machine_id=m\n");
	expect_pattern(client, 65536 - strlen("SALAD.ping"), 300000 + strlen("SALAD.ping") - 65536);
	net_expect(client, "SALAD.pingSALAD.machine_id=m\n");
	free(bytes);
	close(console);
	close(client);
}

static void a_new_connection_with_an_id_in_use_takes_it_over(void **state)
{
	int client = client_of("m"), old = machine("m"), new;

	net_expect(client, "SALAD.machine_id=m\nSALAD.ping");
	new = machine("m");
	proc_await(&salad,
		   "saladd warning: machine m: a new connection says that it is this machine's console; it takes over, the old one is "
		   "closed");
	net_expect_end(old);
	net_expect(client, "SALAD.machine_id=m\nSALAD.ping");
	net_send(client, "typed");
	net_expect(new, "typed");
	close(new);
	close(client);
}

static void a_forged_id_of_another_leaves_the_owner_its_stream(void **state)
{
	int owner = machine("owner"), liar = machine("liar"), client = client_of("owner");

	for (int i = 0; i < 3; i++)
		net_send(liar, "SALAD.machine_id=owner\r\nstolen");
	settle(liar);
	proc_await(&salad,
		   "saladd warning: machine liar: its console says SALAD.machine_id=owner; ignored: a connection keeps its first id");
	net_send(owner, "mine");
	net_expect(client, "mine");
	net_send(client, "x");
	net_expect(owner, "x");
	close(liar);
	close(owner);
	close(client);
}

static void a_bad_id_is_reported_escaped_and_the_next_one_counts(void **state)
{
	int console = net_connect(CONSOLES);

	net_send(console, "SALAD.machine_id=\x1b]0;x\x07\n");
	proc_await(&salad, "a console's SALAD.machine_id=\\x1b]0;x\\x07... is ignored; accepted: 1 to 128 printable ASCII characters");
	net_send(console, "SALAD.machine_id=good\n");
	proc_await(&salad, "saladd info: machine good: its console is connected");
	assert_http("GET", "/api/v1/machine/%1b]0;x%07", 400, "{\"error\":\"the URL has a control character in its path\"}");
	close(console);
}

/* ---- the client ---- */

static void bytes_go_both_ways_as_they_are(void **state)
{
	char all[256], *got;
	int console = machine("m"), client = client_of("m");

	for (int i = 0; i < 256; i++)
		all[i] = (char)i;
	net_send_bytes(console, all, sizeof(all));
	got = net_read(client, sizeof(all));
	assert_memory_equal(got, all, sizeof(all));
	free(got);
	net_send_bytes(client, all, sizeof(all));
	got = net_read(console, sizeof(all));
	assert_memory_equal(got, all, sizeof(all));
	free(got);
	close(console);
	close(client);
}

static void a_second_client_is_told_so_and_a_later_one_is_welcome(void **state)
{
	int first, second;

	assert_int_equal(ask("m", "has_client"), 0);
	first = client_of("m");
	assert_int_equal(ask("m", "has_client"), 1);
	second = net_connect((uint16_t)ask("m", "tcp_port"));
	net_send(second, "hello?");
	net_expect(second, "A client is already connected, re-try later!\r\n");
	net_expect_end(second);
	close(first);
	proc_await(&salad, "machine m: its client has left");
	assert_int_equal(ask("m", "has_client"), 0);
	close(client_of("m"));
}

static void what_is_typed_before_the_machine_connects_waits_for_it(void **state)
{
	int client = client_of("m"), console;

	net_send(client, "early");
	ask("m", "has_client"); /* a new connection's request is read after what was typed before */
	console = net_connect(CONSOLES);
	net_send(console, "SALAD.machine_id=m\n");
	net_expect(console, "early");
	close(client);
	close(console);
}

static void a_client_gets_nothing_from_before_it_came(void **state)
{
	int console = machine("m"), client;

	net_send(console, "of somebody else's job");
	settle(console);
	client = client_of("m");
	net_send(console, "mine");
	net_expect(client, "mine");
	close(console);
	close(client);
}

/* ---- readers ---- */

static void readers_get_the_raw_bytes_and_one_too_many_is_told_so(void **state)
{
	int console = machine("m"), readers[READERS], late;

	for (int i = 0; i < READERS; i++)
		readers[i] = reader_of("m");
	late = reader_of("m");
	net_expect(late, "Reached the maximum number of log clients for this machine, re-try later!\r\n");
	net_expect_end(late);
	net_send(readers[0], "not heard");
	net_send(console, "\x1b[1mraw\r\n");
	for (int i = 0; i < READERS; i++)
		net_expect(readers[i], "\x1b[1mraw\r\n");
	for (int i = 0; i < READERS; i++)
		close(readers[i]);
	settle(console);
	late = reader_of("m");
	ask("m", "has_client"); /* the reader's connection was accepted before this one */
	net_send(console, "again");
	net_expect(late, "again");
	close(late);
	close(console);
}

static void a_reader_that_does_not_read_is_disconnected_and_the_others_lose_nothing(void **state)
{
	int console = machine("m"), client = client_of("m"), deaf = reader_of("m"), one = 1;
	char *bytes = pattern(MEGABYTE, 0);

	setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &one, sizeof(one));
	for (int i = 0; i < 16; i++) {
		net_send_bytes(console, bytes, MEGABYTE);
		expect_pattern(client, MEGABYTE, 0);
	}
	proc_await(&salad, "saladd warning: machine m: a reader of its log does not read; it is disconnected");
	free(bytes);
	close(deaf);
	close(client);
	close(console);
}

/* ---- floods ---- */

static void ten_megabytes_without_a_line_end_arrive_whole_in_bounded_memory(void **state)
{
	int console = machine("m"), client = client_of("m");
	size_t before = saladd_kib("VmHWM");
	char *bytes = pattern(MEGABYTE, 0);

	for (int i = 0; i < 10; i++) {
		net_send_bytes(console, bytes, MEGABYTE);
		expect_pattern(client, MEGABYTE, 0);
	}
	assert_in_range(saladd_kib("VmHWM") - before, 0, 8 * 1024);
	free(bytes);
	close(client);
	close(console);
}

/* Sends without blocking until nothing more is taken. Returns how much was. */
static size_t send_until_held_back(int fd, size_t most)
{
	char *bytes = pattern(most, 0);
	size_t sent = 0;
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	ssize_t n = 1;

	while (sent < most && poll(&p, 1, 1000) == 1 && n > 0) {
		n = send(fd, bytes + sent, most - sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
	free(bytes);
	return sent;
}

static void a_slow_client_holds_the_machine_back_and_loses_nothing(void **state)
{
	int console = machine("m"), client = client_of("m");
	size_t most = 64 * MEGABYTE, before = saladd_kib("VmHWM"), sent;

	sent = send_until_held_back(console, most);
	assert_in_range(sent, 1, most - 1);
	assert_in_range(saladd_kib("VmHWM") - before, 0, 8 * 1024);
	expect_pattern(client, sent, 0);
	settle(console);
	net_expect(client, "SALAD.ping");
	close(client);
	close(console);
}

static void a_machine_that_does_not_listen_holds_its_client_back(void **state)
{
	int console = machine("m"), client = client_of("m");
	size_t most = 64 * MEGABYTE, sent = send_until_held_back(client, most);

	assert_in_range(sent, 1, most - 1);
	expect_pattern(console, sent, 0);
	close(client);
	close(console);
}

static void pings_without_end_leave_the_others_alone(void **state)
{
	int liar = net_connect(CONSOLES), console = machine("m");

	for (int i = 0; i < 20000; i++)
		net_send(liar, "SALAD.ping");
	settle(console);
	close(liar);
	close(console);
}

/* ---- restarts ---- */

static void after_a_kill_both_ends_connect_again_and_the_client_misses_nothing(void **state)
{
	int console = machine("m"), client = client_of("m"), other = machine("without-client");

	proc_end(&salad, SIGKILL);
	start();
	net_expect_end(other);
	close(console);
	console = machine("m"); /* the machine is first */
	net_send(console, "kept for its client");
	other = machine("without-client");
	net_send(other, "for nobody");
	settle(other);
	settle(console);
	close(client);
	client = client_of("m");
	net_expect(client, "SALAD.machine_id=m\nSALAD.pingkept for its clientSALAD.ping");
	close(client);
	proc_await(&salad, "its client has left");
	client = client_of("without-client");
	net_send(other, "live");
	net_expect(client, "live");
	close(client);
	close(other);
	close(console);
}

static void a_salad_on_another_host_is_not_started(void **state)
{
	assert_int_equal(proc_end(&salad, SIGTERM), 0);
	start_with("http://192.0.2.1:8005", NULL);
	proc_await(&salad, "saladd info: SALAD_URL names another host, 192.0.2.1: not started here");
	assert_int_equal(proc_wait(&salad), 0);
}

static void a_loopback_url_is_served_on_loopback_alone(void **state)
{
	assert_int_equal(proc_end(&salad, SIGTERM), 0);
	start_with("http://127.0.0.1", "SALAD_TCPCONSOLE_PORT=8101");
	proc_await(&salad, "saladd info: listening on 127.0.0.1: REST on port 8005, TCP consoles on port 8101");
}

static void a_port_in_use_and_a_bad_option_are_named(void **state)
{
	struct proc second;
	const char *argv[] = {SALADD, NULL};
	char runtime[600];

	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", tmp_path("other"));
	proc_start(&second, "second", argv, (const char *[]){"SALAD_PORT=8006", runtime, NULL});
	proc_await(&second, "saladd error: saladd: cannot listen on 0.0.0.0 port 8100: Address already in use");
	assert_int_equal(proc_wait(&second), 1);
	proc_start(&second, "third", argv, (const char *[]){"SALAD_TCPCONSOLE_PORT=serial", NULL});
	proc_await(&second, "SALAD_TCPCONSOLE_PORT: 'serial' is not a whole number; accepted: 0 to 65535");
	assert_int_equal(proc_wait(&second), 2);
}

/* ---- the bus: this test is executord ---- */

static struct {
	struct loop loop;
	struct bus bus;
	int ups, answers, changes;
	struct gw_error err;
	size_t n_consoles;  /* of the last answer */
	char consoles[512]; /* "ID PORT LOGS CLIENT " of each, of as many as there is room for */
	char changed[256];
} farm;

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	farm.ups += what == BUS_PEER_UP;
}

static void on_job(void *owner, const void *body, struct bus_call *call)
{
	bus_answer(call, NULL);
}

static void print_console(char *out, size_t size, const struct msg_console *c)
{
	size_t used = strlen(out);

	snprintf(out + used, size - used, "%s %d %d %d ", c->id, (int)c->tcp_port, (int)c->tcp_port_logs, c->has_client);
}

static void on_changed(void *owner, const void *body, struct bus_call *call)
{
	farm.changed[0] = '\0';
	print_console(farm.changed, sizeof(farm.changed), body);
	farm.changes++;
}

static void on_consoles(void *data, const void *answer, const struct gw_error *err)
{
	const struct msg_consoles *all = answer;

	farm.answers++;
	farm.err = *err;
	farm.consoles[0] = '\0';
	farm.n_consoles = all ? all->consoles.n : 0;
	for (size_t i = 0; i < farm.n_consoles && strlen(farm.consoles) < sizeof(farm.consoles) - 1; i++)
		print_console(farm.consoles, sizeof(farm.consoles), &all->consoles.v[i]);
}

static const struct bus_handler executord_handlers[] = {
	{MSG_JOB_HELLO, on_job},           {MSG_JOB_RUNNING, on_job},  {MSG_JOB_ENDED, on_job},
	{MSG_CONSOLE_CHANGED, on_changed}, {MSG_GITLAB_TOKEN, on_job}, {0, NULL},
};

static void on_patience(void *data)
{
	*(bool *)data = true;
}

static void await(const int *value, int wanted)
{
	struct loop_timer timer = {0};
	bool over = false;

	loop_timer_start(&farm.loop, &timer, PROC_PATIENCE_MS, on_patience, &over);
	while (*value < wanted && !over)
		uv_run(&farm.loop.uv, UV_RUN_ONCE);
	loop_timer_finish(&timer);
	assert_true(*value >= wanted);
}

static void ask_consoles(char **ids, size_t n)
{
	struct msg_console_want want = {.ids = {ids, n}};

	bus_ask(&farm.bus, "saladd", MSG_CONSOLE_LIST, &want, PROC_PATIENCE_MS, on_consoles, &farm);
	await(&farm.answers, farm.answers + 1);
}

/* What REST says of it, as print_console prints it. */
static char *console_text(const char *id)
{
	return gw_sprintf("%s %d %d %d ", id, ask(id, "tcp_port"), ask(id, "tcp_port_logs"), ask(id, "has_client"));
}

static void change_consoles(char *id, char *gone)
{
	struct msg_console_change change = {.ids = {&id, id ? 1 : 0}, .gone = {&gone, gone ? 1 : 0}};

	bus_ask(&farm.bus, "saladd", MSG_CONSOLE_CHANGE, &change, PROC_PATIENCE_MS, on_consoles, &farm);
	await(&farm.answers, farm.answers + 1);
}

static void join_as_executord(void)
{
	memset(&farm, 0, sizeof(farm));
	assert_true(loop_init(&farm.loop, &farm.err));
	assert_true(bus_join(&farm.bus, &farm.loop, getenv("TMPDIR"), BUS_EXECUTORD, NULL, executord_handlers, &farm, &farm.err));
	bus_watch(&farm.bus, "saladd", on_peer, &farm);
	await(&farm.ups, 1);
}

static void leave_the_bus(void)
{
	bus_finish(&farm.bus);
	loop_finish(&farm.loop);
}

static void executord_names_its_machines_and_hears_of_new_ones(void **state)
{
	char first[] = "52:54:00:11:22:00", bad[] = "a b", later[] = "later", *ids[] = {first, bad}, *expected;
	int console;

	join_as_executord();
	ask_consoles(ids, 1);
	expected = console_text(first);
	assert_string_equal(farm.consoles, expected);
	free(expected);
	await(&farm.changes, 1); /* its own doing is told too */
	console = machine("new");
	await(&farm.changes, 2);
	expected = console_text("new");
	assert_string_equal(farm.changed, expected);
	free(expected);
	change_consoles(later, first); /* the answer has that alone */
	expected = console_text("later");
	assert_string_equal(farm.consoles, expected);
	free(expected);
	change_consoles(bad, NULL);
	assert_string_equal(farm.err.text, "'a b' is not a machine id; accepted: 1 to 128 printable ASCII characters without spaces");
	ask_consoles(ids, 2);
	assert_string_equal(farm.err.text, "'a b' is not a machine id; accepted: 1 to 128 printable ASCII characters without spaces");
	close(console);
	leave_the_bus();
}

/* Ports of machines whose consoles are not there would cost two sockets each. */
static void of_ten_thousand_machines_each_gets_its_ports_once_it_is_there(void **state)
{
	enum { MACHINES = 10000 };
	static char names[MACHINES][16];
	static char *ids[MACHINES];
	int late, asked;
	char *expected;

	for (int i = 0; i < MACHINES; i++) {
		snprintf(names[i], sizeof(names[i]), "dut-%05d", i);
		ids[i] = names[i];
	}
	join_as_executord();
	ask_consoles(ids, MACHINES);
	assert_int_equal(farm.err.kind, GW_OK);
	assert_in_range(farm.n_consoles, 100, MACHINES / 2);
	await(&farm.changes, (int)farm.n_consoles);
	late = machine("dut-09999");
	await(&farm.changes, farm.changes + 1);
	expected = console_text("dut-09999");
	assert_string_equal(farm.changed, expected); /* executord hears of them, so that REST shows them */
	free(expected);
	asked = client_of("dut-09998");
	close(asked);
	close(late);
	leave_the_bus();
}

static void a_second_saladd_of_the_same_gateway_does_not_start(void **state)
{
	struct proc second;
	const char *argv[] = {SALADD, NULL};
	char runtime[600];

	snprintf(runtime, sizeof(runtime), "EXECUTOR_RUNTIME_DIR=%s", getenv("TMPDIR"));
	proc_start(&second, "second", argv, (const char *[]){runtime, NULL});
	proc_await(&second, "saladd error: saladd: *saladd.lock: process * already runs");
	assert_int_equal(proc_wait(&second), 1);
}

/* The first line of the answer. */
static void assert_refused(const char *head, const char *line)
{
	int fd = net_connect(REST);
	char *answer;

	net_send(fd, head);
	answer = net_await(fd, "\r\n\r\n");
	if (strncmp(answer, line, strlen(line)) != 0)
		fail_msg("%s gets %s", head, answer);
	free(answer);
	close(fd);
}

static void promise_37_strangers_names_and_other_sites_get_nothing_and_make_no_machine(void **state)
{
	assert_refused("GET /api/v1/machine HTTP/1.1\r\nHost: evil.example\r\n\r\n", "HTTP/1.1 421 ");
	assert_refused("GET /api/v1/machine/made HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\n\r\n", "HTTP/1.1 400 ");
	assert_refused("GET /api/v1/machine/made HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n", "HTTP/1.1 400 ");
	assert_refused(
		"POST /api/v1/machine/m/reset HTTP/1.1\r\nHost: localhost\r\nOrigin: http://evil.example\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 400 ");
	assert_refused("GET /api/v1/machine HTTP/1.1\r\nHost: ci-gateway:8005\r\n\r\n", "HTTP/1.1 200 ");
	assert_http("GET", "/api/v1/machine", 200, "{\"machines\":{}}");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(rest_makes_a_machine_that_is_asked_for),
		TEST(rest_says_what_is_wrong),
		TEST(promise_37_strangers_names_and_other_sites_get_nothing_and_make_no_machine),
		TEST(bytes_before_the_first_id_reach_the_client),
		TEST(the_newest_64_kib_before_the_first_id_are_kept),
		TEST(a_new_connection_with_an_id_in_use_takes_it_over),
		TEST(a_forged_id_of_another_leaves_the_owner_its_stream),
		TEST(a_bad_id_is_reported_escaped_and_the_next_one_counts),
		TEST(bytes_go_both_ways_as_they_are),
		TEST(a_second_client_is_told_so_and_a_later_one_is_welcome),
		TEST(what_is_typed_before_the_machine_connects_waits_for_it),
		TEST(a_client_gets_nothing_from_before_it_came),
		TEST(readers_get_the_raw_bytes_and_one_too_many_is_told_so),
		TEST(a_reader_that_does_not_read_is_disconnected_and_the_others_lose_nothing),
		TEST(ten_megabytes_without_a_line_end_arrive_whole_in_bounded_memory),
		TEST(a_slow_client_holds_the_machine_back_and_loses_nothing),
		TEST(a_machine_that_does_not_listen_holds_its_client_back),
		TEST(pings_without_end_leave_the_others_alone),
		TEST(after_a_kill_both_ends_connect_again_and_the_client_misses_nothing),
		TEST(a_salad_on_another_host_is_not_started),
		TEST(a_loopback_url_is_served_on_loopback_alone),
		TEST(a_port_in_use_and_a_bad_option_are_named),
		TEST(a_second_saladd_of_the_same_gateway_does_not_start),
		TEST(executord_names_its_machines_and_hears_of_new_ones),
		TEST(of_ten_thousand_machines_each_gets_its_ports_once_it_is_there),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
