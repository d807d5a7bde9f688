/* The HTTP server against clients that mean harm: requests that two servers would read in two ways, strangers' names and pages, and crowds
 * of slow and idle connections. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libgateway/activation.h"
#include "libgateway/http_internal.h"
#include "libgateway/http_site.h"

static const char *const names[] = {"ci-gateway", "lab-gateway", NULL};

static struct {
	struct loop loop;
	struct http_server *server;
	uint16_t port;
	unsigned hellos, smuggled, posts;
	size_t body_len; /* of the last POST */
} t;

static void get_hello(void *owner, struct http_request *rq)
{
	t.hellos++;
	http_answer(rq, 200, "text/plain", "hello", 5);
}

static void get_smuggled(void *owner, struct http_request *rq)
{
	t.smuggled++;
	http_answer(rq, 200, "text/plain", "smuggled", 8);
}

static void post_body(void *owner, struct http_request *rq)
{
	t.posts++;
	http_body(rq, &t.body_len);
	http_answer(rq, 200, "text/plain", "posted", 6);
}

static void get_large(void *owner, struct http_request *rq)
{
	static const char zeros[8 << 20];

	http_answer(rq, 200, "text/plain", zeros, sizeof(zeros));
}

static const struct http_route routes[] = {
	{"GET", "/hello", get_hello, 0},   {"GET", "/smuggled", get_smuggled, 0}, {"POST", "/post", post_body, 1024},
	{"DELETE", "/post", post_body, 0}, {"GET", "/large", get_large, 0},       {NULL},
};

static int start_with(unsigned connections, unsigned per_address)
{
	const struct http_limits limits = {.connections = connections, .connections_per_address = per_address, .names = names};
	struct gw_error err = {0};
	int fd;

	memset(&t, 0, sizeof(t));
	assert_true(loop_init(&t.loop, &err));
	fd = activation_tcp_listen("127.0.0.1", 0, 512, &err);
	t.port = activation_port_of(fd);
	t.server = http_server_start(&t.loop, fd, routes, &limits, NULL, &err);
	assert_non_null(t.server);
	return 0;
}

static int setup(void **state)
{
	return start_with(0, 0);
}

static int teardown(void **state)
{
	http_server_stop(t.server);
	loop_finish(&t.loop);
	return 0;
}

/* ---- a client of raw bytes, on the server's own loop ---- */

struct client {
	int fd;
	struct loop_fd watch;
	char got[8192];
	size_t n;
	bool closed;
	const char *until; /* run() returns when `got` has it; NULL: at the end */
};

static void on_bytes(void *data, int events)
{
	struct client *c = data;
	char bytes[8192];
	ssize_t n = read(c->fd, bytes, sizeof(bytes));
	size_t room = sizeof(c->got) - 1 - c->n, take = n > 0 ? (size_t)n : 0;

	if (take > room)
		take = room;
	memcpy(c->got + c->n, bytes, take);
	c->n += take;
	c->got[c->n] = '\0';
	if (n <= 0) {
		c->closed = true;
		loop_fd_finish(&c->watch);
	}
	if (n <= 0 || (c->until && strstr(c->got, c->until)))
		loop_stop(&t.loop);
}

static void run(void)
{
	t.loop.stopping = false;
	uv_run(&t.loop.uv, UV_RUN_DEFAULT);
}

/* `host`: the last byte of 127.0.0.X that it comes from. */
static void client_open(struct client *c, unsigned host)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(t.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000 + host)};
	struct gw_error err = {0};

	*c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	assert_true(c->fd >= 0);
	/* its port is free for this server, though one that a test before had may still be remembered for another */
	assert_int_equal(setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int)), 0);
	assert_int_equal(bind(c->fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_true(loop_fd_start(&t.loop, &c->watch, c->fd, UV_READABLE, on_bytes, c, &err));
}

static void client_send(struct client *c, const void *bytes, size_t n)
{
	assert_int_equal(send(c->fd, bytes, n, MSG_NOSIGNAL), (ssize_t)n);
}

static void client_close(struct client *c)
{
	loop_fd_finish(&c->watch);
	close(c->fd);
}

/* Sends, and collects what comes until `until`, or the end. */
static void talk(struct client *c, const char *bytes, size_t n, const char *until)
{
	client_open(c, 1);
	client_send(c, bytes, n);
	c->until = until;
	run();
}

/* ---- one reading only ---- */

#define BYTES(text) text, sizeof(text) - 1
#define SMUGGLED    "GET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
#define POST        "POST /post HTTP/1.1\r\nHost: 127.0.0.1\r\n"

static const struct attack {
	const char *what, *bytes;
	size_t n;
	const char *status; /* of the only answer; NULL: closed without one, or with any 4xx */
} attacks[] = {
	{"CL and TE", BYTES(POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"TE and CL", BYTES(POST "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"two lengths", BYTES(POST "Content-Length: 0\r\nContent-Length: 44\r\n\r\n" SMUGGLED), "400"},
	{"two equal lengths", BYTES(POST "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED), "400"},
	{"a list of lengths", BYTES(POST "Content-Length: 2, 2\r\n\r\n{}" SMUGGLED), "400"},
	{"a negative length", BYTES(POST "Content-Length: -1\r\n\r\n" SMUGGLED), "400"},
	{"a length with a sign", BYTES(POST "Content-Length: +2\r\n\r\n{}" SMUGGLED), "400"},
	{"a length in hex", BYTES(POST "Content-Length: 0x2\r\n\r\n{}" SMUGGLED), "400"},
	{"a length beyond 64 bits", BYTES(POST "Content-Length: 18446744073709551618\r\n\r\n{}" SMUGGLED), "413"},
	{"an empty length", BYTES(POST "Content-Length:\r\n\r\n" SMUGGLED), "400"},
	{"a length with a space in its name", BYTES(POST "Content-Length : 44\r\n\r\n" SMUGGLED), "400"},
	{"TE with a space in its name", BYTES(POST "Transfer-Encoding : chunked\r\n\r\n" SMUGGLED), "400"},
	{"TE with a vertical tab", BYTES(POST "Transfer-Encoding: \vchunked\r\n\r\n" SMUGGLED), "400"},
	{"TE in quotes", BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n" SMUGGLED), "400"},
	{"TE twice", BYTES(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" SMUGGLED), "400"},
	{"TE gzip, chunked", BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n" SMUGGLED), "400"},
	{"TE identity", BYTES(POST "Transfer-Encoding: identity\r\n\r\n" SMUGGLED), "400"},
	{"TE in HTTP/1.0", BYTES("POST /post HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"a folded length", BYTES(POST "Content-Length:\r\n 44\r\n\r\n" SMUGGLED), "400"},
	{"a length that is continued", BYTES(POST "Content-Length: 4\r\n 4\r\n\r\n" SMUGGLED), "400"},
	{"a folded TE", BYTES(POST "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"a fold before the first header", BYTES("GET /hello HTTP/1.1\r\n Host: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n" SMUGGLED), "400"},
	{"a fold after the last header", BYTES("GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n \r\n\r\n" SMUGGLED), "400"},
	{"a bare LF after the first line", BYTES("GET /hello HTTP/1.1\nHost: 127.0.0.1\r\n\r\n" SMUGGLED), "400"},
	{"a bare LF after a header", BYTES(POST "X: 1\nContent-Length: 44\r\n\r\n" SMUGGLED), "400"},
	{"a bare LF at the end", BYTES("GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\n" SMUGGLED), "400"},
	{"a bare CR in a header", BYTES(POST "X: 1\rContent-Length: 44\r\n\r\n" SMUGGLED), "400"},
	{"a NUL in a header", BYTES(POST "X: 1\0\r\nContent-Length: 2\r\n\r\n{}" SMUGGLED), "400"},
	{"a NUL behind a length", BYTES(POST "Content-Length: 2\0 44\r\n\r\n{}" SMUGGLED), "400"},
	{"a NUL in a header's name", BYTES(POST "X\0Y: 1\r\n\r\n" SMUGGLED), "400"},
	{"a header without a colon", BYTES(POST "Content-Length 44\r\n\r\n" SMUGGLED), "400"},
	{"a header without a name", BYTES(POST ": 44\r\n\r\n" SMUGGLED), "400"},
	{"a header of bytes", BYTES(POST "X\xff: 1\r\n\r\n" SMUGGLED), "400"},
	{"two hosts", BYTES("GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n" SMUGGLED), "400"},
	{"no host", BYTES("GET /hello HTTP/1.1\r\nX: 1\r\n\r\n" SMUGGLED), "400"},
	{"no host and no header", BYTES("GET /hello HTTP/1.1\r\n\r\n" SMUGGLED), "400"},
	{"a chunk's size that is none", BYTES(POST "Transfer-Encoding: chunked\r\n\r\nxyz\r\n\r\n" SMUGGLED), "400"},
	{"a chunk's size with 0x", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"a negative chunk", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"an empty chunk size", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n\r\n{}\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"a chunk beyond 64 bits", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n" SMUGGLED), "413"},
	{"a chunk with a wrong end", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" SMUGGLED), "400"},
	{"a space before a chunk's size", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n 2\r\n{}\r\n0\r\n\r\n" SMUGGLED), "400"},
	{"chunks that end with a bare LF", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n" SMUGGLED), "200"},
	{"chunks with an extension", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n2;a=\"\n\"\r\n{}\r\n0\r\n\r\n" SMUGGLED), NULL},
	{"chunks, whole", BYTES(POST "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" SMUGGLED), "200"},
	{"a space in the target", BYTES("GET /hello /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" SMUGGLED), "400"},
	{"a control character in the target", BYTES("GET /hello\x01 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" SMUGGLED), "400"},
	{"HTTP/2.0", BYTES("GET /hello HTTP/2.0\r\nHost: 127.0.0.1\r\n\r\n" SMUGGLED), "4?5"},
	{"HTTP/0.9", BYTES("GET /hello\r\n\r\n" SMUGGLED), NULL},
	{"HTTP/1.10", BYTES("GET /hello HTTP/1.10\r\nHost: 127.0.0.1\r\n\r\n" SMUGGLED), NULL},
};

static bool has_status(const struct client *c, const char *status)
{
	char begin[32];

	snprintf(begin, sizeof(begin), "HTTP/1.1 %s ", status);
	return strncmp(c->got, begin, strlen(begin)) == 0 || (strncmp(c->got, "HTTP/1.0", 8) == 0 && strncmp(c->got + 9, status, 3) == 0);
}

static void promise_37_a_request_of_two_readings_is_refused_and_nothing_behind_it_served(void **state)
{
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++) {
		const struct attack *a = &attacks[i];
		struct client c;
		bool as_expected;

		t.smuggled = t.hellos = 0;
		talk(&c, a->bytes, a->n, NULL); /* returns at the end of the connection alone */
		as_expected = !a->status || a->status[1] == '?' ? !c.n || c.got[9] == '4' || c.got[9] == '5' : has_status(&c, a->status);
		if (!as_expected || t.smuggled || t.hellos)
			fail_msg("%s: %u requests were smuggled; it got: %s", a->what, t.smuggled + t.hellos, c.got);
		client_close(&c);
	}
}

/* The server has taken what was sent: on one machine it is there at once. */
static void let_it_read(void)
{
	for (int i = 0; i < 4; i++)
		uv_run(&t.loop.uv, UV_RUN_NOWAIT);
}

static void talk_in_bytes(const char *bytes, const char *until)
{
	struct client c;

	client_open(&c, 1);
	for (; *bytes; bytes++) {
		client_send(&c, bytes, 1);
		let_it_read();
	}
	c.until = until;
	if (!strstr(c.got, until))
		run();
	if (!strstr(c.got, until))
		fail_msg("it got: %s", c.got);
	client_close(&c);
}

static void plain_requests_are_served_however_they_arrive(void **state)
{
	static const char odd[] =
		"GET http://127.0.0.1/hello?x=1&y HTTP/1.1\r\nhOST:127.0.0.1\r\nX: \t a b \t \r\nEmpty:\r\nCookie: a=b; c=\"d\"\r\n"
		"Cookie: e=f\r\nX: \xc3\xa9\r\n\r\n";
	char *large = gw_calloc(16000, 1);
	struct client c;

	talk_in_bytes(odd, "hello");
	talk_in_bytes("POST /post HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 2\r\n\r\n{}", "posted");
	talk_in_bytes("\r\n\r\nGET /hello HTTP/1.0\r\n\r\n", "hello");
	strcpy(large, "GET /hello HTTP/1.1\r\nHost: ci-gateway\r\n");
	while (strlen(large) < 15000)
		sprintf(large + strlen(large), "X-%zu: %050d\r\n", strlen(large), 0);
	strcat(large, "\r\n");
	talk(&c, large, strlen(large), "hello");
	assert_true(has_status(&c, "200"));
	client_close(&c);
	talk_in_bytes(large, "hello");
	free(large);
}

static void requests_that_follow_each_other_are_each_served(void **state)
{
	static const char three[] = POST "Content-Length: 2\r\n\r\n{}" POST "Content-Length: 3\r\n\r\n{ }" SMUGGLED;
	struct client c;

	talk(&c, three, sizeof(three) - 1, "smuggled");
	assert_int_equal(t.posts, 2);
	assert_int_equal(t.body_len, 3);
	assert_int_equal(t.smuggled, 1);
	client_close(&c);
}

/* ---- whom it is for, and who sent it ---- */

static const struct site_row {
	const char *headers;
	const char *status;
} site_rows[] = {
	{"GET /hello HTTP/1.1\r\nHost: 10.42.0.1:8000\r\n", "200"},
	{"GET /hello HTTP/1.1\r\nHost: [fd77::1]\r\n", "200"},
	{"GET /hello HTTP/1.1\r\nHost: CI-Gateway:80\r\n", "200"},
	{"GET /hello HTTP/1.1\r\nHost: lab-gateway.\r\n", "200"},
	{"GET /hello HTTP/1.1\r\nHost: localhost\r\n", "200"},
	{"GET /hello HTTP/1.1\r\nHost: evil.example\r\n", "421"},
	{"GET /hello HTTP/1.1\r\nHost: ci-gateway.evil.example\r\n", "421"},
	{"GET /hello HTTP/1.1\r\nHost: 10.42.0.1.evil.example\r\n", "421"},
	{"GET /hello HTTP/1.1\r\nHost: ci-gateway:80@evil.example\r\n", "421"},
	{"GET /hello HTTP/1.1\r\nHost: \r\n", "421"},
	{"GET /hello HTTP/1.1\r\nHost: 10.42.1\r\n", "421"},
	{"GET http://evil.example/hello HTTP/1.1\r\nHost: ci-gateway\r\n", "421"},
	{"DELETE /post HTTP/1.1\r\nHost: evil.example\r\n", "421"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\n", "200"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\nOrigin: http://ci-gateway\r\n", "200"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway:80\r\nOrigin: http://ci-gateway\r\n", "200"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway:8000\r\nOrigin: http://ci-gateway\r\n", "400"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\nOrigin: http://evil.example\r\n", "400"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\nOrigin: null\r\n", "400"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\nSec-Fetch-Site: cross-site\r\n", "400"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\nSec-Fetch-Site: same-site\r\n", "400"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\nSec-Fetch-Site: same-origin\r\nOrigin: http://ci-gateway\r\n", "200"},
	{"DELETE /post HTTP/1.1\r\nHost: ci-gateway\r\nSec-Fetch-Site: none\r\n", "200"},
	{"GET /hello HTTP/1.1\r\nHost: ci-gateway\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n", "200"},
};

static void promise_37_other_names_are_refused_and_other_sites_change_nothing(void **state)
{
	for (size_t i = 0; i < sizeof(site_rows) / sizeof(site_rows[0]); i++) {
		char *bytes = gw_sprintf("%s\r\n", site_rows[i].headers);
		struct client c;

		t.posts = t.hellos = 0;
		talk(&c, bytes, strlen(bytes), "\r\n\r\n");
		if (!has_status(&c, site_rows[i].status) || t.posts + t.hellos != (site_rows[i].status[0] == '2'))
			fail_msg("%s: %s", site_rows[i].headers, c.got);
		client_close(&c);
		free(bytes);
	}
}

static void a_refusal_says_what_is_accepted(void **state)
{
	static const char stranger[] = "GET /hello HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
	static const char other[] = "DELETE /post HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: http://evil.example\r\nConnection: close\r\n\r\n";
	struct client c;

	talk(&c, stranger, sizeof(stranger) - 1, NULL);
	assert_non_null(strstr(c.got,
			       "{\"error\":\"Host: 'evil.example' is not this gateway; accepted: an IP address, its host name, and the "
			       "names in EXECUTOR_HOST_NAMES\"}"));
	client_close(&c);
	talk(&c, other, sizeof(other) - 1, NULL);
	assert_non_null(strstr(c.got, "{\"error\":\"a page of another site (http://evil.example) may not change anything here\"}"));
	client_close(&c);
}

/* ---- crowds ---- */

#define SLOW 300
#define IDLE 2000

static void allow_descriptors(void)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2 * (SLOW + IDLE) + 500)
		skip();
}

static unsigned closed_of(const struct client *v, size_t n)
{
	unsigned closed = 0;

	for (size_t i = 0; i < n; i++)
		closed += v[i].closed;
	return closed;
}

static void get_is_answered(unsigned host)
{
	static const char bytes[] = "GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
	struct client c;

	client_open(&c, host);
	client_send(&c, bytes, sizeof(bytes) - 1);
	c.until = "hello";
	while (!strstr(c.got, "hello") && !c.closed)
		run();
	assert_true(has_status(&c, "200"));
	client_close(&c);
}

static void open_crowd(struct client *slow, struct client *idle)
{
	static const char *const begun[] = {"G", "GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", POST "Content-Length: 50\r\n\r\n{"};

	for (size_t i = 0; i < IDLE; i++) {
		client_open(&idle[i], 2);
		let_it_read();
	}
	for (size_t i = 0; i < SLOW; i++) {
		client_open(&slow[i], 3);
		client_send(&slow[i], begun[i % 3], strlen(begun[i % 3]));
		let_it_read();
	}
}

static void promise_35_slow_clients_are_cut_and_idle_ones_wait_while_a_get_is_answered(void **state)
{
	struct client *slow = gw_calloc(SLOW, sizeof(*slow)), *idle = gw_calloc(IDLE, sizeof(*idle));

	allow_descriptors();
	http_server_set_deadlines(t.server, 3600000, 1024, 3600000); /* however long it takes until all are there */
	open_crowd(slow, idle);
	get_is_answered(4);
	get_is_answered(2); /* from where all the idle ones come, too */
	assert_int_equal(closed_of(slow, SLOW) + closed_of(idle, IDLE), 0);
	http_server_set_deadlines(t.server, 50, 1024, 60000);
	while (closed_of(slow, SLOW) < SLOW) {
		for (size_t i = 0; i < SLOW; i += 3) /* a byte now and then buys no time */
			if (!slow[i].closed)
				send(slow[i].fd, "E", 1, MSG_NOSIGNAL);
		run();
	}
	assert_int_equal(closed_of(idle, IDLE), 0);
	assert_int_equal(t.posts, 0);
	get_is_answered(4);
	for (size_t i = 0; i < SLOW; i++)
		client_close(&slow[i]);
	for (size_t i = 0; i < IDLE; i++)
		client_close(&idle[i]);
	free(slow);
	free(idle);
}

static void await_no_connection(void)
{
	while (t.server->connections)
		uv_run(&t.loop.uv, UV_RUN_ONCE);
}

static void promise_35_a_body_has_a_time_in_all(void **state)
{
	static const char bytes[] = POST "Content-Length: 1000\r\n\r\n";
	char body[900];
	struct client c;

	http_server_set_deadlines(t.server, 10000, 1, 100);
	client_open(&c, 1);
	client_send(&c, bytes, sizeof(bytes) - 1);
	memset(body, ' ', sizeof(body));
	client_send(&c, body, sizeof(body)); /* quick enough, but it never ends */
	run();
	assert_true(c.closed);
	assert_int_equal(t.posts, 0);
	client_close(&c);
}

static void promise_35_a_client_that_does_not_read_its_answer_is_cut(void **state)
{
	static const char bytes[] = "GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
	struct client c;

	http_server_set_deadlines(t.server, 50, 1024, 60000);
	client_open(&c, 1);
	loop_fd_events(&c.watch, 0);
	client_send(&c, bytes, sizeof(bytes) - 1);
	let_it_read();
	await_no_connection();
	client_close(&c);
}

static void promise_35_an_address_over_its_limit_drives_away_its_own_oldest_alone(void **state)
{
	struct client own[5], other;

	assert_int_equal(teardown(state), 0);
	assert_int_equal(start_with(64, 4), 0);
	client_open(&other, 2);
	for (size_t i = 0; i < 5; i++) {
		client_open(&own[i], 1);
		let_it_read();
	}
	while (!closed_of(own, 5))
		run();
	assert_true(own[0].closed);
	assert_int_equal(closed_of(own, 5), 1);
	assert_false(other.closed);
	get_is_answered(1);
	for (size_t i = 0; i < 5; i++)
		client_close(&own[i]);
	client_close(&other);
}

static void promise_35_where_all_are_taken_the_address_with_the_most_gives_way(void **state)
{
	struct client greedy[6], others[2];

	assert_int_equal(teardown(state), 0);
	assert_int_equal(start_with(8, 8), 0);
	client_open(&others[0], 2); /* the oldest of all */
	let_it_read();
	for (size_t i = 0; i < 6; i++)
		client_open(&greedy[i], 1);
	client_open(&others[1], 3);
	let_it_read();
	get_is_answered(4);
	assert_int_equal(closed_of(others, 2), 0);
	while (!closed_of(greedy, 6))
		run();
	assert_true(greedy[0].closed);
	assert_int_equal(closed_of(greedy, 6), 1);
	for (size_t i = 0; i < 6; i++)
		client_close(&greedy[i]);
	client_close(&others[0]);
	client_close(&others[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(promise_37_a_request_of_two_readings_is_refused_and_nothing_behind_it_served, setup,
						teardown),
		cmocka_unit_test_setup_teardown(plain_requests_are_served_however_they_arrive, setup, teardown),
		cmocka_unit_test_setup_teardown(requests_that_follow_each_other_are_each_served, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_37_other_names_are_refused_and_other_sites_change_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_says_what_is_accepted, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_35_slow_clients_are_cut_and_idle_ones_wait_while_a_get_is_answered, setup,
						teardown),
		cmocka_unit_test_setup_teardown(promise_35_a_body_has_a_time_in_all, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_35_a_client_that_does_not_read_its_answer_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_35_an_address_over_its_limit_drives_away_its_own_oldest_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_35_where_all_are_taken_the_address_with_the_most_gives_way, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
