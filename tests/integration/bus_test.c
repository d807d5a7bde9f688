/* The bus between processes: this test is executord, a second process (this program again, since nng does not survive a fork) is pdud. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
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
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libbus/bus.h"
#include "libbus/wire.h"
#include "libgateway/log.h"

#define PATIENCE_MS 60000 /* only a failing test waits that long */

/* ---- pdud ---- */

static struct pdud {
	struct loop loop;
	struct bus bus;
} p;

/* Answers with a PDU per message of the configuration it got, or none. */
static void on_snapshot(void *owner, const void *body, struct bus_call *call)
{
	char name[] = "APC", state[] = "OK";
	struct msg_pdu_state pdu = {.name = name, .state = state};
	struct msg_pdu_snapshot all = {0};

	all.pdus.v = &pdu;
	all.pdus.n = 1;
	bus_answer(call, &all);
}

static void on_take(void *owner, const void *body, struct bus_call *call)
{
	struct gw_error err = {0};

	gw_fail(&err, GW_BUSY, "port 3 of APC is held by job-7\xff");
	bus_answer_error(call, &err);
}

static void on_never(void *owner, const void *body, struct bus_call *call)
{
}

static void on_release(void *owner, const void *body, struct bus_call *call)
{
	struct msg_port_state state = {0}; /* our own mistake: needed texts are missing */

	bus_answer(call, &state);
}

/* Publishes as many events as the port's number says, then answers. */
static void on_port_set(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_port_set *set = body;
	char port[16], on[] = "ON";
	struct msg_port_state state = {.pdu = set->pdu, .port = port, .state = on};

	for (int i = 1, n = atoi(set->port); i <= n; i++) {
		snprintf(port, sizeof(port), "%d", i);
		bus_publish(&p.bus, MSG_PORT_STATE, &state);
	}
	log_info("published %s", set->port);
	bus_answer(call, &state);
}

static const struct bus_handler pdud_handlers[] = {
	{MSG_PDU_CHANGE, on_never},
	{MSG_PDU_CONFIGURE, on_never},
	{MSG_PDU_SNAPSHOT, on_snapshot},
	{MSG_PORT_SET, on_port_set},
	{MSG_LEASE_TAKE, on_take},
	{MSG_LEASE_RENEW, on_never},
	{MSG_LEASE_POWER, on_never},
	{MSG_LEASE_RELEASE, on_release},
	{MSG_LEASE_REVOKE, on_never},
	{MSG_LEASE_LEAVE, on_never},
	{0, NULL},
};

/* pdud DIR NAME: a line "ready" on standard output once it has joined. */
static int pdud_main(const char *dir, const char *name)
{
	struct gw_error err = {0};

	log_init(name, "debug");
	if (loop_init(&p.loop, &err) && bus_join(&p.bus, &p.loop, dir, BUS_PDUD, name, pdud_handlers, &p, &err)) {
		if (write(STDOUT_FILENO, "ready\n", 6) != 6)
			return 4;
		loop_run_until_stopped(&p.loop, &err);
	}
	log_failure(name, &err);
	bus_finish(&p.bus);
	loop_finish(&p.loop);
	return gw_exit_code(&err);
}

/* ---- executord: the test ---- */

#define EVENTS_MAX 20000
static struct t {
	char dir[80];
	pid_t pdud;
	int log; /* pdud's standard error */
	struct loop loop;
	struct bus bus;
	int ups, downs, gaps, done_calls;
	struct gw_error err; /* of the last `done` */
	char answer[128];
	int n_events, events[EVENTS_MAX], events_before_done;
} t;

static void start_pdud_as(const char *name)
{
	int out[2], errors[2];
	char ready[6];

	assert_int_equal(pipe2(out, O_CLOEXEC) | pipe2(errors, O_CLOEXEC), 0);
	t.pdud = fork();
	if (t.pdud == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(errors[1], STDERR_FILENO);
		execl("/proc/self/exe", "bus_test", "pdud", t.dir, name, NULL);
		_exit(127);
	}
	close(out[1]);
	close(errors[1]);
	t.log = errors[0];
	assert_int_equal(read(out[0], ready, 6), 6);
	close(out[0]);
}

static void start_pdud(void)
{
	start_pdud_as("pdud");
}

static int end_pdud(int signum)
{
	int status = 0;

	kill(t.pdud, signum);
	assert_int_equal(waitpid(t.pdud, &status, 0), t.pdud);
	t.pdud = 0;
	return status;
}

static void on_patience(void *data)
{
	*(bool *)data = true;
}

static void show_pdud_log(void)
{
	char text[4096];
	ssize_t n;

	fcntl(t.log, F_SETFL, O_NONBLOCK);
	while ((n = read(t.log, text, sizeof(text))) > 0)
		print_error("%.*s", (int)n, text);
}

/* Runs the loop until `*value` is at least `wanted`. */
static void await(const int *value, int wanted)
{
	struct loop_timer timer = {0};
	bool over = false;

	loop_timer_start(&t.loop, &timer, PATIENCE_MS, on_patience, &over);
	while (*value < wanted && !over)
		uv_run(&t.loop.uv, UV_RUN_ONCE);
	loop_timer_finish(&timer);
	if (*value < wanted)
		show_pdud_log();
	assert_true(*value >= wanted);
}

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	t.ups += what == BUS_PEER_UP;
	t.downs += what == BUS_PEER_DOWN;
	t.gaps += what == BUS_PEER_GAP;
}

static void on_port_state(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_port_state *state = body;

	assert_null(call);
	assert_true(t.n_events < EVENTS_MAX);
	t.events[t.n_events++] = atoi(state->port);
}

static void on_job(void *owner, const void *body, struct bus_call *call)
{
	bus_answer(call, NULL);
}

static const struct bus_handler executord_handlers[] = {
	{MSG_JOB_HELLO, on_job},         {MSG_JOB_RUNNING, on_job},  {MSG_JOB_ENDED, on_job},
	{MSG_PORT_STATE, on_port_state}, {MSG_GITLAB_TOKEN, on_job}, {0, NULL},
};

static void on_done(void *data, const void *answer, const struct gw_error *err)
{
	assert_true((answer != NULL) == (err->kind == GW_OK));
	t.done_calls++;
	t.err = *err;
	t.events_before_done = t.n_events;
}

static void on_snapshot_done(void *data, const void *answer, const struct gw_error *err)
{
	const struct msg_pdu_snapshot *all = answer;

	on_done(data, answer, err);
	if (all && all->pdus.n == 1)
		snprintf(t.answer, sizeof(t.answer), "%s %s", all->pdus.v[0].name, all->pdus.v[0].state);
}

static char a_capability[] = "c", pdu_name[] = "APC";
static const struct msg_capability capability = {.capability = a_capability};

static void ask(enum bus_type type, const void *body, int deadline_ms)
{
	bus_ask(&t.bus, "pdud", type, body, deadline_ms, on_done, &t);
}

/* Has pdud publish n events; waits for the answer. */
static void have_published(int n)
{
	char port[16];
	struct msg_port_set set = {.pdu = pdu_name, .port = port, .on = true};

	snprintf(port, sizeof(port), "%d", n);
	ask(MSG_PORT_SET, &set, 0);
	await(&t.done_calls, t.done_calls + 1);
	assert_int_equal(t.err.kind, GW_OK);
}

static void join(void)
{
	struct gw_error err = {0};

	if (!bus_join(&t.bus, &t.loop, t.dir, BUS_EXECUTORD, NULL, executord_handlers, &t, &err))
		fail_msg("%s", err.text);
}

static void watch_pdud(void)
{
	bus_watch(&t.bus, "pdud", on_peer, &t);
	await(&t.ups, 1);
}

static int setup(void **state)
{
	struct gw_error err = {0};

	memset(&t, 0, sizeof(t));
	snprintf(t.dir, sizeof(t.dir), "%s/run-XXXXXX", getenv("TMPDIR"));
	assert_non_null(mkdtemp(t.dir));
	assert_int_equal(chmod(t.dir, 0777), 0);
	assert_true(loop_init(&t.loop, &err));
	return 0;
}

static int teardown(void **state)
{
	if (t.pdud)
		end_pdud(SIGKILL);
	if (t.log)
		close(t.log);
	bus_finish(&t.bus);
	loop_finish(&t.loop);
	return 0;
}

static void a_request_gets_its_answer(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	bus_ask(&t.bus, "pdud", MSG_PDU_SNAPSHOT, NULL, 0, on_snapshot_done, &t);
	assert_int_equal(t.done_calls, 0); /* never inside bus_ask */
	await(&t.done_calls, 1);
	assert_string_equal(t.answer, "APC OK");
	assert_int_equal(end_pdud(SIGTERM), 0);
	await(&t.downs, 1);
}

static void an_error_keeps_its_kind_and_its_text(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	ask(MSG_LEASE_TAKE, &capability, 0);
	await(&t.done_calls, 1);
	assert_int_equal(t.err.kind, GW_BUSY);
	assert_string_equal(t.err.text, "port 3 of APC is held by job-7?"); /* what is not UTF-8 does not stop it */
}

static void no_answer_in_time_is_an_error(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	ask(MSG_LEASE_RENEW, &capability, 50);
	await(&t.done_calls, 1);
	assert_int_equal(t.err.kind, GW_UNREACHABLE);
	assert_string_equal(t.err.text, "pdud: lease.renew: no answer within 50 ms");
	assert_true(bus_peer_up(&t.bus, "pdud"));
}

static void a_killed_peer_fails_each_request_once_and_comes_up_again(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	for (int i = 0; i < 3; i++)
		ask(MSG_LEASE_RENEW, &capability, PATIENCE_MS);
	have_published(1); /* so the three before it have been read */
	end_pdud(SIGKILL);
	await(&t.downs, 1);
	assert_int_equal(t.done_calls, 1 + 3);
	assert_int_equal(t.err.kind, GW_UNREACHABLE);
	assert_string_equal(t.err.text, "pdud has gone");
	ask(MSG_LEASE_TAKE, &capability, 0);
	assert_int_equal(t.done_calls, 1 + 3);
	await(&t.done_calls, 1 + 4);
	assert_string_equal(t.err.text, "lease.take: pdud is not there");
	start_pdud(); /* over the socket and the lock that the killed one left */
	await(&t.ups, 2);
	ask(MSG_LEASE_TAKE, &capability, 0);
	await(&t.done_calls, 1 + 5);
	assert_int_equal(t.err.kind, GW_BUSY);
	assert_int_equal(t.gaps, 0);
}

static void a_peer_that_starts_later_comes_up(void **state)
{
	join();
	bus_watch(&t.bus, "pdud", on_peer, &t);
	start_pdud();
	await(&t.ups, 1);
	end_pdud(SIGTERM);
	await(&t.downs, 1);
	start_pdud();
	await(&t.ups, 2);
}

static void what_is_unwatched_fails_soon(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	ask(MSG_LEASE_RENEW, &capability, 0);
	bus_unwatch(&t.bus, "pdud");
	assert_int_equal(t.done_calls, 0);
	await(&t.done_calls, 1);
	assert_string_equal(t.err.text, "pdud is not listened to any more");
	ask(MSG_LEASE_RENEW, &capability, 0);
	await(&t.done_calls, 2);
	assert_string_equal(t.err.text, "lease.renew: pdud is not known here");
	assert_int_equal(t.downs, 0);
}

static void a_forgotten_request_is_not_done(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	bus_ask(&t.bus, "pdud", MSG_LEASE_TAKE, &capability, 0, on_done, &t.answer);
	bus_forget(&t.bus, &t.answer);
	have_published(1);
	assert_int_equal(t.done_calls, 1);
}

static void events_come_in_order_and_before_the_answer_they_preceded(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	have_published(3000); /* far more than a socket holds */
	assert_int_equal(t.events_before_done, 3000);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(t.events[i], i + 1);
	assert_int_equal(t.gaps, 0);
}

static void await_pdud_log(const char *text)
{
	char log[65536] = "";
	size_t got = 0;
	ssize_t n = 1;

	while (!strstr(log, text) && got < sizeof(log) - 1 && (n = read(t.log, log + got, sizeof(log) - 1 - got)) > 0)
		got += (size_t)n;
	assert_non_null(strstr(log, text));
}

static void a_listener_that_does_not_read_is_told_of_its_loss(void **state)
{
	char n[] = "9000";
	struct msg_port_set set = {.pdu = pdu_name, .port = n, .on = true};

	start_pdud();
	join();
	watch_pdud();
	ask(MSG_PORT_SET, &set, 0);
	await_pdud_log("published 9000"); /* meanwhile our loop does not run */
	await(&t.done_calls, 1);
	await(&t.gaps, 1);
	assert_true(t.n_events > 4000 && t.n_events < 9000);
	for (int i = 0; i < t.n_events; i++)
		assert_int_equal(t.events[i], i + 1);
	have_published(2); /* and it goes on as if nothing had been */
	assert_int_equal(t.gaps, 1);
	assert_int_equal(t.events[t.n_events - 1], 2);
}

static void many_requests_at_once_are_all_answered(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	for (int i = 0; i < 2000; i++)
		ask(MSG_LEASE_TAKE, &capability, PATIENCE_MS);
	await(&t.done_calls, 2000);
	assert_int_equal(t.err.kind, GW_BUSY);
}

static void a_body_out_of_bounds_is_not_sent(void **state)
{
	struct msg_capability empty = {0};

	start_pdud();
	join();
	watch_pdud();
	ask(MSG_LEASE_TAKE, &empty, 0);
	await(&t.done_calls, 1);
	assert_int_equal(t.err.kind, GW_BAD_INPUT);
	assert_string_equal(t.err.text, "lease.take: capability: needed");
}

static void an_answer_that_does_not_fit_is_an_error_that_names_the_field(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	ask(MSG_LEASE_RELEASE, &capability, 0);
	await(&t.done_calls, 1);
	assert_int_equal(t.err.kind, GW_INTERNAL);
	assert_string_equal(t.err.text, "answer to lease.release: pdu: needed");
}

static void a_request_of_the_wrong_sender_is_refused(void **state)
{
	struct msg_artifact_get get = {.capability = a_capability};

	start_pdud();
	join();
	watch_pdud();
	ask(MSG_JOB_RUNNING, &(struct msg_job_id){.job = a_capability}, 0);
	await(&t.done_calls, 1);
	assert_int_equal(t.err.kind, GW_REFUSED);
	assert_string_equal(t.err.text, "job.running is not for executord to ask");
	ask(MSG_BOOT_SCRIPT, &(struct msg_boot_script){.mac = a_capability}, 0);
	await(&t.done_calls, 2);
	assert_string_equal(t.err.text, "boot.script is not answered by pdud");
	ask(MSG_ARTIFACT_GET, &get, 0);
	await(&t.done_calls, 3);
	assert_string_equal(t.err.text, "artifact.get is not for executord to ask");
}

static void a_second_instance_is_refused_with_the_holders_pid(void **state)
{
	static const struct bus_handler handlers[] = {
		{MSG_ARTIFACT_GET, on_job},  {MSG_ARTIFACT_MAKE, on_job},    {MSG_ARTIFACT_IMAGE, on_job},     {MSG_ARTIFACT_NBD, on_job},
		{MSG_ARTIFACT_TEXT, on_job}, {MSG_ARTIFACT_RELEASE, on_job}, {MSG_ARTIFACT_CONFIGURE, on_job}, {0, NULL}};
	struct gw_error err = {0};
	char text[256];
	struct stat st;

	start_pdud_as("artifactd");
	assert_false(bus_join(&t.bus, &t.loop, t.dir, BUS_ARTIFACTD, NULL, handlers, &t, &err));
	assert_int_equal(err.kind, GW_BUSY);
	snprintf(text, sizeof(text), "bus: %s/artifactd.lock: process %d already runs", t.dir, (int)t.pdud);
	assert_string_equal(err.text, text);
	snprintf(text, sizeof(text), "%s/artifactd.bus", t.dir);
	assert_int_equal(stat(text, &st), 0); /* the first one's socket is left alone */
	assert_int_equal(st.st_mode & 0777, 0660);
}

static void a_missing_handler_refuses_to_start(void **state)
{
	static const struct bus_handler handlers[] = {{MSG_ARTIFACT_GET, on_job},
						      {MSG_ARTIFACT_MAKE, on_job},
						      {MSG_ARTIFACT_IMAGE, on_job},
						      {MSG_ARTIFACT_NBD, on_job},
						      {MSG_ARTIFACT_TEXT, on_job},
						      {MSG_ARTIFACT_CONFIGURE, on_job},
						      {0, NULL}};
	struct gw_error err = {0};

	assert_false(bus_join(&t.bus, &t.loop, t.dir, BUS_ARTIFACTD, NULL, handlers, &t, &err));
	assert_int_equal(err.kind, GW_INTERNAL);
	assert_string_equal(err.text, "bus: artifactd answers artifact.release but has no handler for it");
	assert_null(t.bus.state);
}

static void what_is_under_way_at_the_end_is_done_once(void **state)
{
	start_pdud();
	join();
	watch_pdud();
	ask(MSG_LEASE_RENEW, &capability, 0);
	bus_finish(&t.bus);
	assert_int_equal(t.done_calls, 1);
	assert_string_equal(t.err.text, "executord stops");
}

/* ---- a stranger: a socket without our code, towards pdud ---- */

static struct {
	int fd;
	uint32_t id;
} stranger;

static int connect_pdud(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/pdud.bus", t.dir);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void stranger_connect(void)
{
	stranger.fd = connect_pdud();
	assert_true(stranger.fd >= 0);
}

/* What pdud answers to these bytes. */
static const char *stranger_asks_bytes(const char *text, size_t len)
{
	static char answer[BUS_FRAME_HEAD + 1024];
	unsigned char head[BUS_FRAME_HEAD];
	size_t got = 0, frame = 0;
	uint32_t id = 0;
	ssize_t n;

	bus_frame_head(++stranger.id, len, head);
	assert_int_equal(send(stranger.fd, head, sizeof(head), 0), sizeof(head));
	assert_int_equal(send(stranger.fd, text, len, 0), len);
	while (!frame) {
		n = recv(stranger.fd, answer + got, sizeof(answer) - 1 - got, 0);
		assert_true(n > 0);
		got += (size_t)n;
		assert_true(bus_frame_decode(answer, got, &id, &frame));
	}
	assert_int_equal(id, stranger.id);
	assert_int_equal(got, frame);
	answer[got] = '\0';
	return answer + BUS_FRAME_HEAD;
}

static const char *stranger_asks(const char *text)
{
	return stranger_asks_bytes(text, strlen(text));
}

static const char *hello_as(const char *daemon, int version)
{
	char text[256];

	snprintf(text, sizeof(text), "{\"ask\":\"bus.hello\",\"body\":{\"version\":%d,\"daemon\":\"%s\",\"pid\":%d,\"seq\":0}}", version,
		 daemon, (int)getpid());
	return stranger_asks(text);
}

static void another_version_is_refused(void **state)
{
	start_pdud();
	join();
	stranger_connect();
	assert_string_equal(hello_as("executord", 2),
			    "{\"error\":\"version 2 of the bus is not spoken here; accepted: 1\",\"kind\":\"REFUSED\"}");
	assert_string_equal(stranger_asks("{\"ask\":\"pdu.snapshot\",\"body\":{}}"),
			    "{\"error\":\"pdu.snapshot before bus.hello\",\"kind\":\"REFUSED\"}");
	assert_non_null(strstr(hello_as("executord", 1), "{\"answer\":{\"version\":1,\"daemon\":\"pdud\""));
	close(stranger.fd);
}

static void a_name_is_its_lock_holders_alone(void **state)
{
	char expected[256];

	start_pdud();
	stranger_connect();
	snprintf(expected, sizeof(expected),
		 "{\"error\":\"process %d says to be executord but does not hold its lock (process 0 does)\",\"kind\":\"REFUSED\"}",
		 (int)getpid());
	assert_string_equal(hello_as("executord", 1), expected);
	assert_string_equal(hello_as("../executord", 1), "{\"error\":\"daemon: '../executord' is not a name\",\"kind\":\"BAD_INPUT\"}");
	close(stranger.fd);
}

static void a_message_that_does_not_fit_costs_only_itself(void **state)
{
	static const struct {
		const char *message, *error;
	} bad[] = {
		{"", "it is empty; accepted: a JSON object"},
		{"garbage", NULL},
		{"[]", NULL},
		{"{}", "a message has one of: ask, answer, error, event, seq"},
		{"{\"ask\":\"lease.take\"}", "body: needed in a message with 'ask'"},
		{"{\"ask\":\"lease.take\",\"body\":{},\"x\":1}", "there is more in a message with 'ask' than is accepted"},
		{"{\"ask\":\"lease.steal\",\"body\":{}}", "'lease.steal' is not a type of request"},
		{"{\"ask\":\"port.state\",\"body\":{}}", "'port.state' is not a type of request"},
		{"{\"ask\":\"lease.take\",\"body\":[]}", "body: not an object"},
		{"{\"ask\":\"lease.take\",\"body\":{}}", "lease.take: capability: needed"},
		{"{\"ask\":\"lease.take\",\"body\":{\"capability\":7}}", "lease.take: capability: not a text"},
		{"{\"ask\":\"lease.take\",\"body\":{\"capability\":\"c\",\"of\":1}}", "lease.take: of: not a field of 'capability'"},
		{"{\"answer\":{}}", "that is not for an asker to say"},
		{"{\"seq\":-1}", "seq: not a count"},
	};

	start_pdud();
	join();
	stranger_connect();
	hello_as("executord", 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *answer = stranger_asks(bad[i].message);
		char expected[256];

		snprintf(expected, sizeof(expected), "{\"error\":\"%s\",\"kind\":\"BAD_INPUT\"}", bad[i].error ? bad[i].error : "");
		if (bad[i].error)
			assert_string_equal(answer, expected);
		else
			assert_non_null(strstr(answer, "\"kind\":\"BAD_INPUT\""));
	}
	assert_non_null(strstr(stranger_asks("{\"ask\":\"pdu.snapshot\",\"body\":{}}"), "{\"answer\":{\"pdus\":"));
	close(stranger.fd);
}

static void a_message_with_a_nul_is_refused(void **state)
{
	static const char message[] = "{\"ask\":\"pdu.snapshot\",\0\"body\":{}}";

	start_pdud();
	join();
	stranger_connect();
	hello_as("executord", 1);
	assert_non_null(strstr(stranger_asks_bytes(message, sizeof(message) - 1), "\"kind\":\"BAD_INPUT\""));
	close(stranger.fd);
}

/* Sends `n` bytes, and again; returns whether pdud closed the connection before `most` had been sent. */
static bool is_cut_off(const void *bytes, size_t n, size_t most)
{
	int fd = connect_pdud();
	size_t sent = 0;
	ssize_t did = 1;

	while (sent < most && (did = send(fd, bytes, n, MSG_NOSIGNAL)) > 0)
		sent += (size_t)did;
	close(fd);
	return did <= 0;
}

static void a_huge_or_endless_message_costs_its_senders_connection_alone(void **state)
{
	static unsigned char bytes[65536];

	start_pdud();
	join();
	watch_pdud();
	memset(bytes, 0xff, sizeof(bytes));
	assert_true(is_cut_off(bytes, sizeof(bytes), 64 * 1024 * 1024));
	bus_frame_head(1, BUS_MESSAGE_MAX + 1, bytes);
	assert_true(is_cut_off(bytes, sizeof(bytes), 64 * 1024 * 1024));
	have_published(1);
	assert_int_equal(t.downs, 0);
}

static void a_peer_that_hangs_up_at_once_costs_nobody_else(void **state)
{
	start_pdud();
	join();
	for (int i = 0; i < 300; i++)
		close(connect_pdud());
	watch_pdud();
	have_published(1);
}

/* Says something to pdud as this user and group. */
enum said { ANSWERED = 0, CUT_OFF = 1, FAILED = 2 };
static enum said say_as(uid_t uid, gid_t gid)
{
	static const char words[] = "\0\0\0\2\0\0\0\1{}"; /* a message of 2 bytes, id 1 */
	char answer[BUS_FRAME_HEAD + 2];
	int status = -1, fd;
	pid_t pid;

	pid = fork();
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(gid) < 0 || setuid(uid) < 0 || (fd = connect_pdud()) < 0)
			_exit(FAILED);
		if (send(fd, words, sizeof(words) - 1, MSG_NOSIGNAL) < 0)
			_exit(errno == EPIPE || errno == ECONNRESET ? CUT_OFF : FAILED);
		_exit(recv(fd, answer, sizeof(answer), MSG_WAITALL) == sizeof(answer) ? ANSWERED : CUT_OFF);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_foreign_user_is_refused(void **state)
{
	char path[256];

	start_pdud();
	snprintf(path, sizeof(path), "%s/pdud.bus", t.dir);
	assert_int_equal(chmod(getenv("TMPDIR"), 0755), 0); /* mktemp's own mode, where there is no tmpfs */
	assert_int_equal(chmod(path, 0666), 0);             /* as if an admin had opened it to everybody */
	assert_int_equal(say_as(65534, 65534), CUT_OFF);
	assert_int_equal(say_as(65534, getegid()), ANSWERED);
	assert_int_equal(say_as(0, 65534), ANSWERED);
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(say_as(65534, 65534), FAILED);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_request_gets_its_answer),
		TEST(an_error_keeps_its_kind_and_its_text),
		TEST(no_answer_in_time_is_an_error),
		TEST(a_killed_peer_fails_each_request_once_and_comes_up_again),
		TEST(a_peer_that_starts_later_comes_up),
		TEST(what_is_unwatched_fails_soon),
		TEST(a_forgotten_request_is_not_done),
		TEST(events_come_in_order_and_before_the_answer_they_preceded),
		TEST(a_listener_that_does_not_read_is_told_of_its_loss),
		TEST(many_requests_at_once_are_all_answered),
		TEST(a_body_out_of_bounds_is_not_sent),
		TEST(an_answer_that_does_not_fit_is_an_error_that_names_the_field),
		TEST(a_request_of_the_wrong_sender_is_refused),
		TEST(a_second_instance_is_refused_with_the_holders_pid),
		TEST(a_missing_handler_refuses_to_start),
		TEST(what_is_under_way_at_the_end_is_done_once),
		TEST(another_version_is_refused),
		TEST(a_name_is_its_lock_holders_alone),
		TEST(a_message_that_does_not_fit_costs_only_itself),
		TEST(a_message_with_a_nul_is_refused),
		TEST(a_huge_or_endless_message_costs_its_senders_connection_alone),
		TEST(a_peer_that_hangs_up_at_once_costs_nobody_else),
		TEST(a_foreign_user_is_refused),
	};

	if (argc == 4 && strcmp(argv[1], "pdud") == 0)
		return pdud_main(argv[2], argv[3]);
	log_init("bus_test", "debug");
	cmocka_set_test_filter(getenv("ONLY"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
