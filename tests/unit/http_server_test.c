/* The HTTP server and the client of libgateway against each other on one loop, and the server against bytes that no client sends. */
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

#include <sys/socket.h>
#include <unistd.h>

#include "libgateway/activation.h"
#include "libgateway/http_client.h"
#include "libgateway/http_internal.h"
#include "libgateway/http_server.h"
#include "libgateway/loop.h"

static struct {
	struct loop loop;
	struct http_server *server;
	struct http_client *client;
	uint16_t port;
	struct http_request *held; /* by GET /later */
	struct loop_timer later;
	struct http_shared *shared;
	struct http_stream *stream;
	bool stream_closed;
	unsigned drained;
	unsigned echoed; /* how often a body reached its handler */
	unsigned gone;   /* what a head kept for a request went with it */
	bool stops_when_gone;
} t;

static void get_hello(void *owner, struct http_request *rq)
{
	http_answer(rq, 200, "text/plain", "hello", 5);
}

static void post_echo(void *owner, struct http_request *rq)
{
	struct gw_error err = {0};
	cJSON *json = http_body_json(rq, &err);

	t.echoed++;
	if (json)
		http_answer_json(rq, 200, json);
	else
		http_answer_error(rq, &err);
}

static void post_form(void *owner, struct http_request *rq)
{
	const struct http_part *job = http_part(rq, "job");
	char text[256];

	if (!job) {
		http_answer_status(rq, 400, "no part 'job'");
		return;
	}
	snprintf(text, sizeof(text), "%s|%s|%.*s", job->filename ? job->filename : "-", job->content_type ? job->content_type : "-",
		 (int)job->len, job->data);
	http_answer(rq, 200, "text/plain", text, strlen(text));
}

static void answer_held(void *data)
{
	http_answer(t.held, 200, "text/plain", "at last", 7);
	t.held = NULL;
}

static void get_later(void *owner, struct http_request *rq)
{
	t.held = rq;
	loop_timer_start(&t.loop, &t.later, 10, answer_held, NULL);
}

static void get_never(void *owner, struct http_request *rq)
{
	t.held = rq;
}

static void get_shared(void *owner, struct http_request *rq)
{
	http_answer_shared(rq, t.shared);
}

static void get_redirect(void *owner, struct http_request *rq)
{
	http_answer_header(rq, "Location", "/hello");
	http_answer(rq, 302, "text/plain", "", 0);
}

static void on_stream_closed(void *data)
{
	t.stream_closed = true;
	t.stream = NULL;
	loop_stop(&t.loop);
}

static void get_stream(void *owner, struct http_request *rq)
{
	t.stream = http_answer_stream(rq, "text/event-stream", on_stream_closed, NULL);
	http_stream_send(t.stream, "data: 1\n\n", 9);
}

static void on_drained(void *data)
{
	if (t.drained++ == 0)
		http_stream_send(t.stream, "data: more\n\n", 12);
}

static void get_drained(void *owner, struct http_request *rq)
{
	t.drained = 0;
	t.stream = http_answer_stream(rq, "text/event-stream", on_stream_closed, NULL);
	http_stream_on_drained(t.stream, on_drained);
	http_stream_send(t.stream, "data: 1\n\n", 9);
	assert_int_equal(http_stream_unread(t.stream), 9);
}

static void get_file(void *owner, struct http_request *rq)
{
	FILE *file = tmpfile();

	fputs("0123456789", file);
	fflush(file);
	http_answer_file(rq, dup(fileno(file)), 10, "tag", "application/octet-stream");
	fclose(file);
}

static void refuse_in_words(struct http_request *rq, int status, const char *text)
{
	char words[600];

	snprintf(words, sizeof(words), "no: %s", text);
	http_answer(rq, status, "text/plain", words, strlen(words));
}

static void on_gone(void *data)
{
	assert_string_equal(data, "kept");
	free(data);
	t.gone++;
	if (t.stops_when_gone)
		loop_stop(&t.loop);
}

static bool keep(void *owner, struct http_request *rq)
{
	assert_null(http_request_kept(rq));
	http_request_keep(rq, gw_strdup("kept"), on_gone);
	return true;
}

/* What was kept, and the body as it came. */
static void put_plain(void *owner, struct http_request *rq)
{
	char text[256];

	snprintf(text, sizeof(text), "%s|%s", (const char *)http_request_kept(rq), http_body(rq, NULL));
	http_answer(rq, 200, "text/plain", text, strlen(text));
}

/* All its headers as they came, in order. */
static void get_headers(void *owner, struct http_request *rq)
{
	const char *name, *value;
	char text[256] = "";

	for (size_t i = 0; http_header_at(rq, i, &name, &value); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s=%s;", name, value);
	http_answer(rq, 200, "text/plain", text, strlen(text));
}

static const struct http_route routes[] = {
	{"GET", "/headers", get_headers, 0},
	{"GET", "/hello", get_hello, 0},
	{"POST", "/echo", post_echo, 64},
	{"POST", "/form", post_form, 4096},
	{"GET", "/later", get_later, 0},
	{"GET", "/never", get_never, 0},
	{"GET", "/shared", get_shared, 0},
	{"GET", "/redirect", get_redirect, 0},
	{"GET", "/stream", get_stream, 0},
	{"GET", "/drained", get_drained, 0},
	{"GET", "/file", get_file, 0},
	{"POST", "/json", post_echo, 64, "application/json"},
	{"POST", "/words", post_form, 64, "multipart/form-data", refuse_in_words},
	{"PUT", "/plain", put_plain, 64, .head = keep, .plain = true},
	{NULL},
};

static int setup(void **state)
{
	struct gw_error err = {0};
	int fd;

	assert_true(loop_init(&t.loop, &err));
	fd = activation_tcp_listen("127.0.0.1", 0, 128, &err);
	t.port = activation_port_of(fd);
	t.server = http_server_start(&t.loop, fd, routes, NULL, NULL, &err);
	t.client = http_client_create(&t.loop, &err);
	t.shared = http_shared_create("application/json", "{\"x\":1}", 7);
	assert_non_null(t.server);
	assert_non_null(t.client);
	return 0;
}

static int teardown(void **state)
{
	http_client_destroy(t.client);
	http_server_stop(t.server);
	http_shared_release(t.shared);
	loop_timer_finish(&t.later);
	loop_finish(&t.loop);
	return 0;
}

/* ---- one request of our own client ---- */

struct outcome {
	int status;
	char body[4096], etag[64];
	struct gw_error err;
	unsigned times;
};

static void on_done(void *data, const struct http_answer *answer, const struct gw_error *err)
{
	struct outcome *o = data;

	o->times++;
	o->err = *err;
	o->status = answer ? answer->status : 0;
	if (answer) {
		snprintf(o->body, sizeof(o->body), "%s", answer->body);
		snprintf(o->etag, sizeof(o->etag), "%s", answer->etag ? answer->etag : "");
	}
	loop_stop(&t.loop);
}

static void run(void)
{
	t.loop.stopping = false;
	uv_run(&t.loop.uv, UV_RUN_DEFAULT);
}

static struct outcome ask(struct http_ask ask, const char *path)
{
	struct outcome o = {0};
	struct gw_error err = {0};
	char *url = gw_sprintf("http://127.0.0.1:%u%s", t.port, path);

	ask.url = url;
	ask.done = on_done;
	ask.data = &o;
	assert_non_null(http_client_ask(t.client, &ask, &err));
	free(url);
	run();
	assert_int_equal(o.times, 1);
	return o;
}

static void a_get_is_answered(void **state)
{
	struct outcome o = ask((struct http_ask){0}, "//hello/");

	assert_int_equal(o.status, 200);
	assert_string_equal(o.body, "hello");
}

static void unknown_paths_and_methods_are_told_apart(void **state)
{
	struct outcome o = ask((struct http_ask){0}, "/nothing");

	assert_int_equal(o.status, 404);
	assert_string_equal(o.body, "{\"error\":\"there is no /nothing\"}");
	o = ask((struct http_ask){.method = "DELETE"}, "/hello");
	assert_int_equal(o.status, 405);
	assert_string_equal(o.body, "{\"error\":\"DELETE is not accepted for /hello; accepted: GET, HEAD\"}");
}

static void a_head_keeps_something_for_its_request(void **state)
{
	static const char *const headers[] = {"Content-Type: multipart/form-data; boundary=XX", NULL};
	struct outcome o = ask((struct http_ask){.method = "PUT", .body = "--XX\r\nbroken", .body_len = 12, .headers = headers}, "/plain");

	assert_int_equal(o.status, 200);
	assert_string_equal(o.body, "kept|--XX\r\nbroken");
}

static void what_was_kept_goes_with_a_client_that_left_in_its_body(void **state)
{
	static const char head[] = "PUT /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\r\n--XX";
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(t.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(write(fd, head, sizeof(head) - 1), sizeof(head) - 1);
	close(fd);
	t.gone = 0;
	t.stops_when_gone = true;
	run();
	t.stops_when_gone = false;
	assert_int_equal(t.gone, 1);
}

static void a_body_is_bounded_and_checked(void **state)
{
	char large[100];
	struct outcome o = ask((struct http_ask){.method = "POST", .body = "{\"a\":1}", .body_len = 7}, "/echo");

	assert_int_equal(o.status, 200);
	assert_string_equal(o.body, "{\"a\":1}");
	o = ask((struct http_ask){.method = "POST", .body = "{\"a\":1,\"a\":2}", .body_len = 13}, "/echo");
	assert_int_equal(o.status, 400);
	assert_string_equal(o.body, "{\"error\":\"the body: the key 'a' is given twice\"}");
	memset(large, ' ', sizeof(large));
	t.echoed = 0;
	o = ask((struct http_ask){.method = "POST", .body = large, .body_len = sizeof(large)}, "/echo");
	assert_int_equal(o.status, 413);
	assert_string_equal(o.body, "{\"error\":\"the body is too large; accepted: 64 bytes\"}");
	assert_int_equal(t.echoed, 0);
}

static const struct type_row {
	const char *header, *body;
	int status;
	const char *answer;
} type_rows[] = {
	{"Content-Type: application/json", "{}", 200, "{}"},
	{"Content-Type: Application/JSON;charset=utf-8", "{}", 200, "{}"},
	{"Content-Type: text/plain", "{}", 415, "{\"error\":\"the body's Content-Type is 'text/plain'; accepted: application/json\"}"},
	{"Content-Type: application/jsonp", "{}", 415,
	 "{\"error\":\"the body's Content-Type is 'application/jsonp'; accepted: application/json\"}"},
	{"Content-Type:", "{}", 415, "{\"error\":\"the body's Content-Type is missing; accepted: application/json\"}"},
	{"Content-Type: text/plain", "", 400, "{\"error\":\"the body: it is empty; accepted: a JSON object\"}"}, /* of no body: no matter */
};

static void a_body_of_another_type_is_refused(void **state)
{
	for (size_t i = 0; i < sizeof(type_rows) / sizeof(type_rows[0]); i++) {
		const char *const headers[] = {type_rows[i].header, NULL};
		struct outcome o = ask(
			(struct http_ask){
				.method = "POST", .headers = headers, .body = type_rows[i].body, .body_len = strlen(type_rows[i].body)},
			"/json");

		assert_int_equal(o.status, type_rows[i].status);
		assert_string_equal(o.body, type_rows[i].answer);
	}
}

static void a_route_says_its_refusals_in_its_own_form(void **state)
{
	static const char *const form[] = {"Content-Type: multipart/form-data; boundary=XX", NULL};
	char large[100];
	struct outcome o = ask((struct http_ask){.method = "POST", .headers = form, .body = "--XX\r\nbroken", .body_len = 12}, "/words");

	assert_int_equal(o.status, 400);
	assert_string_equal(o.body, "no: multipart: the headers of part 1 do not end within 4096 bytes");
	memset(large, ' ', sizeof(large));
	o = ask((struct http_ask){.method = "POST", .headers = form, .body = large, .body_len = sizeof(large)}, "/words");
	assert_int_equal(o.status, 413);
	assert_string_equal(o.body, "no: the body is too large; accepted: 64 bytes");
	o = ask((struct http_ask){.method = "POST", .body = "{}", .body_len = 2}, "/words");
	assert_int_equal(o.status, 415);
	assert_non_null(strstr(o.body, "no: the body's Content-Type is "));
}

static void a_form_gives_its_parts(void **state)
{
	static const char *const headers[] = {"Content-Type: multipart/form-data; boundary=XX", NULL};
	static const char body[] = "--XX\r\nContent-Disposition: form-data; name=\"metadata\"; filename=\"m\"\r\nContent-Type: "
				   "application/json\r\n\r\n{}\r\n--XX\r\nContent-Disposition: form-data; name=\"job\"; "
				   "filename=\"job.yml\"\r\nContent-Type: application/x-yaml\r\n\r\na: 1\n\r\n--XX--\r\n";
	struct outcome o = ask((struct http_ask){.method = "POST", .headers = headers, .body = body, .body_len = sizeof(body) - 1},
			       "/form");

	assert_int_equal(o.status, 200);
	assert_string_equal(o.body, "job.yml|application/x-yaml|a: 1\n");
	o = ask((struct http_ask){.method = "POST", .headers = headers, .body = "--XX\r\nbroken", .body_len = 12}, "/form");
	assert_int_equal(o.status, 400);
	assert_non_null(strstr(o.body, "multipart"));
}

static void an_answer_may_come_later(void **state)
{
	assert_string_equal(ask((struct http_ask){0}, "/later").body, "at last");
}

static void shared_bytes_have_an_etag_that_spares_them(void **state)
{
	struct outcome o = ask((struct http_ask){0}, "/shared");
	char *header = gw_sprintf("If-None-Match: %s", o.etag);
	const char *headers[] = {header, NULL};

	assert_string_equal(o.body, "{\"x\":1}");
	o = ask((struct http_ask){.headers = headers}, "/shared");
	assert_int_equal(o.status, 304);
	assert_string_equal(o.body, "");
	free(header);
}

static void a_file_is_served_in_ranges(void **state)
{
	static const char *const range[] = {"Range: bytes=2-4", NULL}, *const beyond[] = {"Range: bytes=10-", NULL};

	assert_string_equal(ask((struct http_ask){0}, "/file").body, "0123456789");
	assert_string_equal(ask((struct http_ask){.headers = range}, "/file").body, "234");
	assert_int_equal(ask((struct http_ask){.headers = range}, "/file").status, 206);
	assert_int_equal(ask((struct http_ask){.headers = beyond}, "/file").status, 416);
}

static void redirects_are_followed_when_asked_for(void **state)
{
	assert_int_equal(ask((struct http_ask){0}, "/redirect").status, 302);
	assert_string_equal(ask((struct http_ask){.redirects = 2}, "/redirect").body, "hello");
}

static bool nobody(void *data, const struct sockaddr *address)
{
	return false;
}

static void an_address_that_is_not_allowed_is_not_connected_to(void **state)
{
	struct outcome o = ask((struct http_ask){.address_allowed = nobody}, "/hello");

	assert_int_equal(o.status, 0);
	assert_int_not_equal(o.err.kind, GW_OK);
}

/* On a machine that stands still for a moment the client gives up before the server has read what it asks: then it asks again, and waits
 * longer. */
static void an_answer_that_does_not_come_is_given_up(void **state)
{
	for (unsigned ms = 50; !t.held; ms *= 2)
		assert_int_equal(ask((struct http_ask){.total_ms = ms}, "/never").err.kind, GW_UNREACHABLE);
	http_answer(t.held, 200, "text/plain", "", 0); /* its client has gone: harmless */
	t.held = NULL;
}

static void too_much_answer_is_cut(void **state)
{
	struct outcome o = ask((struct http_ask){.answer_max = 3}, "/hello");

	assert_int_equal(o.err.kind, GW_BAD_INPUT);
}

static void nobody_listens(void **state)
{
	struct sockaddr_in mine = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(mine);
	struct outcome o = {0};
	struct gw_error err = {0};
	struct http_ask a = {.done = on_done, .data = &o};
	int fd = socket(AF_INET, SOCK_STREAM, 0); /* it has a port, and does not listen */
	char *url;

	assert_int_equal(bind(fd, (struct sockaddr *)&mine, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&mine, &size), 0);
	a.url = url = gw_sprintf("http://127.0.0.1:%u/", ntohs(mine.sin_port));
	assert_non_null(http_client_ask(t.client, &a, &err));
	run();
	assert_int_equal(o.err.kind, GW_UNREACHABLE);
	close(fd);
	free(url);
	a.url = "file:///etc/passwd";
	assert_null(http_client_ask(t.client, &a, &err));
	assert_int_equal(err.kind, GW_BAD_INPUT);
}

/* ---- raw bytes ---- */

struct raw {
	int fd;
	struct loop_fd watch;
	char got[4096];
	size_t n;
	const char *until; /* NULL: the end of file */
};

static void on_raw(void *data, int events)
{
	struct raw *r = data;
	ssize_t n = read(r->fd, r->got + r->n, sizeof(r->got) - 1 - r->n);

	if (n > 0)
		r->n += (size_t)n;
	r->got[r->n] = 0;
	if (n <= 0 || (r->until && strstr(r->got, r->until)))
		loop_stop(&t.loop);
}

/* Sends and collects what comes until `until` or the end of file. */
static void raw_talk(struct raw *r, const char *bytes, const char *until)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(t.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct gw_error err = {0};

	*r = (struct raw){.fd = socket(AF_INET, SOCK_STREAM, 0), .until = until};
	assert_int_equal(connect(r->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(write(r->fd, bytes, strlen(bytes)), (ssize_t)strlen(bytes));
	assert_true(loop_fd_start(&t.loop, &r->watch, r->fd, UV_READABLE, on_raw, r, &err));
	run();
}

static void raw_close(struct raw *r)
{
	loop_fd_finish(&r->watch);
	close(r->fd);
}

/* A request in chunks has headers of its own in the answer (Connection: close), which are not for everybody. */
static void a_request_in_chunks_gets_shared_bytes_too(void **state)
{
	static const char head[] = "GET /shared HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n%s\r\n0\r\n\r\n";
	char *request = gw_sprintf(head, "");
	struct raw r;

	raw_talk(&r, request, NULL);
	assert_non_null(strstr(r.got, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(r.got, "Connection: close\r\n"));
	assert_non_null(strstr(r.got, "Content-Type: application/json\r\n"));
	assert_non_null(strstr(r.got, "\r\n\r\n{\"x\":1}"));
	raw_close(&r);
	free(request);
	request = gw_sprintf(head, "If-None-Match: *\r\n");
	raw_talk(&r, request, NULL);
	assert_non_null(strstr(r.got, "HTTP/1.1 304 Not Modified\r\n"));
	assert_non_null(strstr(r.got, "ETag: \""));
	assert_null(strstr(r.got, "{\"x\":1}"));
	raw_close(&r);
	free(request);
}

static void each_header_can_be_looked_at_those_of_one_name_too(void **state)
{
	struct raw r;

	raw_talk(&r, "GET /headers HTTP/1.1\r\nHost: x\r\nX-Amz-Date: 1\r\nx-amz-date:2  \r\nConnection: close\r\n\r\n", NULL);
	assert_non_null(strstr(r.got, "\r\n\r\nHost=x;X-Amz-Date=1;x-amz-date=2;Connection=close;"));
	raw_close(&r);
}

static void an_unclear_length_is_refused_and_nothing_behind_it_is_served(void **state)
{
	struct raw r;

	t.echoed = 0;
	raw_talk(&r,
		 "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /hello "
		 "HTTP/1.1\r\nHost: "
		 "x\r\n\r\n",
		 NULL);
	assert_non_null(strstr(r.got, "HTTP/1.1 400"));
	assert_null(strstr(r.got, "hello"));
	assert_int_equal(t.echoed, 0);
	raw_close(&r);
}

static void slow_headers_are_cut(void **state)
{
	struct raw r;

	http_server_set_deadlines(t.server, 100, 1024, 60000);
	raw_talk(&r, "GET /hello HTTP/1.1\r\nHost:", NULL);
	assert_int_equal(r.n, 0);
	raw_close(&r);
}

static void a_slow_body_is_cut(void **state)
{
	struct raw r;

	http_server_set_deadlines(t.server, 100, 1024, 60000);
	t.echoed = 0;
	raw_talk(&r, "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{", NULL);
	assert_int_equal(t.echoed, 0);
	raw_close(&r);
}

static void a_stream_goes_on_until_its_client_leaves(void **state)
{
	struct raw r;

	raw_talk(&r, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n", "data: 1");
	http_stream_send(t.stream, "data: 2\n\n", 9);
	r.until = "data: 2";
	run();
	assert_non_null(strstr(r.got, "data: 2"));
	raw_close(&r);
	while (t.stream) { /* the peer's end is noticed at the latest with the next bytes */
		t.loop.stopping = false;
		http_stream_send(t.stream, "data: 3\n\n", 9);
		uv_run(&t.loop.uv, UV_RUN_ONCE);
	}
	assert_true(t.stream_closed);
}

static void a_streams_owner_learns_when_all_of_it_was_taken(void **state)
{
	struct raw r;

	raw_talk(&r, "GET /drained HTTP/1.1\r\nHost: x\r\n\r\n", "data: more");
	assert_non_null(strstr(r.got, "data: 1"));
	assert_int_equal(t.drained, 1 + (http_stream_unread(t.stream) == 0)); /* and once more behind what it sent */
	assert_int_equal(http_stream_unread(NULL), 0);
	raw_close(&r);
	while (t.stream) {
		t.loop.stopping = false;
		http_stream_send(t.stream, "data: 3\n\n", 9);
		uv_run(&t.loop.uv, UV_RUN_ONCE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_get_is_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_paths_and_methods_are_told_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(a_head_keeps_something_for_its_request, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_kept_goes_with_a_client_that_left_in_its_body, setup, teardown),
		cmocka_unit_test_setup_teardown(a_body_is_bounded_and_checked, setup, teardown),
		cmocka_unit_test_setup_teardown(a_body_of_another_type_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_route_says_its_refusals_in_its_own_form, setup, teardown),
		cmocka_unit_test_setup_teardown(a_form_gives_its_parts, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_may_come_later, setup, teardown),
		cmocka_unit_test_setup_teardown(shared_bytes_have_an_etag_that_spares_them, setup, teardown),
		cmocka_unit_test_setup_teardown(a_request_in_chunks_gets_shared_bytes_too, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_is_served_in_ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(redirects_are_followed_when_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(an_address_that_is_not_allowed_is_not_connected_to, setup, teardown),
		cmocka_unit_test_setup_teardown(an_answer_that_does_not_come_is_given_up, setup, teardown),
		cmocka_unit_test_setup_teardown(too_much_answer_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_listens, setup, teardown),
		cmocka_unit_test_setup_teardown(each_header_can_be_looked_at_those_of_one_name_too, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unclear_length_is_refused_and_nothing_behind_it_is_served, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_headers_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_body_is_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stream_goes_on_until_its_client_leaves, setup, teardown),
		cmocka_unit_test_setup_teardown(a_streams_owner_learns_when_all_of_it_was_taken, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
