/* Bodies in files: forms taken apart where their parts meet pages and windows, a disk that is full, clients that leave. */
#include <arpa/inet.h>
#include <dirent.h>
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libgateway/activation.h"
#include "libgateway/http_client.h"
#include "libgateway/http_internal.h"
#include "libgateway/http_server.h"
#include "libgateway/loop.h"

#define PAGE     4096
#define WINDOW   (4 << 20) /* of http_multipart.c */
#define BODY_MAX (24U << 20)
#define HEAD                                                                                                                               \
	"--XX\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n{}\r\n--XX\r\nContent-Disposition: form-data; "                  \
	"name=\"file\"\r\n\r\n"
#define TAIL "\r\n--XX\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\na job\r\n--XX--\r\n"

static struct {
	struct loop loop;
	struct http_server *server;
	struct http_client *client;
	uint16_t port;
	const char *file; /* where the body goes; NULL: to a file without a name */
	bool refuse;      /* the head has no file for it */
	uint64_t spares;  /* of the file's disk */
	unsigned begun, handled;
} t;

/* ---- a form with a file in it ---- */

/* Nothing repeats soon, and it is full of what almost is a delimiter. */
static char *payload_of(size_t len)
{
	char *payload = gw_calloc(len + 1, 1);

	for (size_t i = 0; i < len; i++)
		payload[i] = i % 61 < 5 ? "\r\n--X"[i % 61] : (char)('a' + (i * 7 + i / 251) % 26);
	return payload;
}

static char *form_of(const char *payload, size_t len, size_t *form_len)
{
	char *form = gw_calloc(sizeof(HEAD) + len + sizeof(TAIL), 1);

	memcpy(form, HEAD, sizeof(HEAD) - 1);
	memcpy(form + sizeof(HEAD) - 1, payload, len);
	memcpy(form + sizeof(HEAD) - 1 + len, TAIL, sizeof(TAIL) - 1);
	*form_len = sizeof(HEAD) - 1 + len + sizeof(TAIL) - 1;
	return form;
}

static void assert_part(const struct http_part *part, const char *name, const char *data, size_t len)
{
	assert_string_equal(part->name, name);
	assert_int_equal(part->len, len);
	assert_memory_equal(part->data, data, len);
	assert_int_equal(part->data[len], '\0');
}

/* ---- the server ---- */

static bool into_a_file(void *owner, struct http_request *rq)
{
	int fd;

	if (t.refuse) {
		http_answer_status(rq, 507, "there is no room");
		return false;
	}
	fd = t.file ? open(t.file, O_RDWR | O_CLOEXEC) : memfd_create("body", MFD_CLOEXEC);

	t.begun++;
	assert_true(fd >= 0);
	http_body_into(rq, fd);
	http_body_spares(rq, t.spares);
	return true;
}

/* Says the length of each part, and whether the file has the bytes of `file` where it is said to have them. */
static void post_form(void *owner, struct http_request *rq)
{
	const struct http_part *metadata = http_part(rq, "metadata"), *file = http_part(rq, "file"), *job = http_part(rq, "job");
	uint64_t size;
	int fd = http_body_fd(rq, &size);
	char *read, text[128];

	t.handled++;
	if (!metadata || !file || !job) {
		http_answer_status(rq, 400, "a part is missing");
		return;
	}
	read = gw_calloc(file->len + 1, 1);
	assert_int_equal(pread(fd, read, file->len, (off_t)http_part_offset(rq, file)), (ssize_t)file->len);
	snprintf(text, sizeof(text), "%zu %zu %zu of %llu, %s", metadata->len, file->len, job->len, (unsigned long long)size,
		 memcmp(read, file->data, file->len) == 0 ? "same" : "different");
	free(read);
	http_answer(rq, 200, "text/plain", text, strlen(text));
}

static void post_bytes(void *owner, struct http_request *rq)
{
	uint64_t size;
	int fd = http_body_fd(rq, &size);
	char text[64], last = 0;

	t.handled++;
	assert_true(!size || pread(fd, &last, 1, (off_t)size - 1) == 1);
	snprintf(text, sizeof(text), "%llu bytes, the last is %d", (unsigned long long)size, last);
	http_answer(rq, 200, "text/plain", text, strlen(text));
}

static const struct http_route routes[] = {
	{"POST", "/form", post_form, BODY_MAX, "multipart/form-data", NULL, into_a_file},
	{"POST", "/bytes", post_bytes, BODY_MAX, NULL, NULL, into_a_file},
	{NULL},
};

static int setup(void **state)
{
	struct gw_error err = {0};
	int fd;

	memset(&t, 0, sizeof(t));
	assert_true(loop_init(&t.loop, &err));
	fd = activation_tcp_listen("127.0.0.1", 0, 128, &err);
	t.port = activation_port_of(fd);
	t.server = http_server_start(&t.loop, fd, routes, NULL, NULL, &err);
	t.client = http_client_create(&t.loop, &err);
	assert_non_null(t.server);
	assert_non_null(t.client);
	return 0;
}

static int teardown(void **state)
{
	http_client_destroy(t.client);
	http_server_stop(t.server);
	loop_finish(&t.loop);
	return 0;
}

struct outcome {
	int status;
	char body[512];
	struct gw_error err;
};

static void on_done(void *data, const struct http_answer *answer, const struct gw_error *err)
{
	struct outcome *o = data;

	o->err = *err;
	o->status = answer ? answer->status : 0;
	snprintf(o->body, sizeof(o->body), "%s", answer ? answer->body : "");
	loop_stop(&t.loop);
}

static struct outcome post(const char *path, const char *body, size_t len)
{
	static const char *const form[] = {"Content-Type: multipart/form-data; boundary=XX", NULL};
	static const char *const bytes[] = {"Content-Type: application/octet-stream", NULL};
	struct outcome o = {0};
	struct gw_error err = {0};
	char *url = gw_sprintf("http://127.0.0.1:%u%s", t.port, path);
	const struct http_ask ask = {.method = "POST",
				     .url = url,
				     .headers = strcmp(path, "/form") == 0 ? form : bytes,
				     .body = body,
				     .body_len = len,
				     .done = on_done,
				     .data = &o};

	assert_non_null(http_client_ask(t.client, &ask, &err));
	free(url);
	t.loop.stopping = false;
	uv_run(&t.loop.uv, UV_RUN_DEFAULT);
	return o;
}

/* ---- what comes ---- */

static void post_form_of(size_t payload_len)
{
	size_t len;
	char *payload = payload_of(payload_len), *form = form_of(payload, payload_len, &len);
	char *expected = gw_sprintf("2 %zu 5 of %zu, same", payload_len, len);
	struct outcome o = post("/form", form, len);

	assert_string_equal(o.body, expected);
	assert_int_equal(o.status, 200);
	free(expected);
	free(form);
	free(payload);
}

static void a_form_in_a_file_gives_its_parts_wherever_pages_end(void **state)
{
	const size_t head = sizeof(HEAD) - 1, whole = sizeof(HEAD) + sizeof(TAIL) - 2;

	for (int d = -3; d <= 3; d++) {
		post_form_of((size_t)(2 * PAGE - (int)head + d));  /* the part ends there */
		post_form_of((size_t)(2 * PAGE - (int)whole + d)); /* the body ends there */
	}
	post_form_of(0);
	post_form_of(2 * WINDOW + 12345);
}

static void a_body_in_a_file_is_whole_wherever_pages_end(void **state)
{
	static const size_t sizes[] = {0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, (5 << 20) + 1, BODY_MAX};
	char *body = gw_calloc(BODY_MAX, 1);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *expected = gw_sprintf("%zu bytes, the last is %d", sizes[i], sizes[i] ? 7 : 0);

		if (sizes[i])
			body[sizes[i] - 1] = 7;
		assert_string_equal(post("/bytes", body, sizes[i]).body, expected);
		free(expected);
	}
	free(body);
}

static void a_form_in_a_file_that_is_none_is_refused(void **state)
{
	assert_string_equal(post("/form", "--XX\r\nbroken", 12).body,
			    "{\"error\":\"multipart: the headers of part 1 do not end within 4096 bytes\"}");
	assert_string_equal(post("/form", "", 0).body, "{\"error\":\"multipart: the body does not hold its boundary\"}");
	assert_int_equal(t.handled, 0);
}

/* Without the server: each place where a delimiter can lie to the end of a window. */
static void no_delimiter_is_missed_where_windows_meet(void **state)
{
	int fd = memfd_create("form", MFD_CLOEXEC);

	for (int d = -12; d <= 12; d += 1) {
		size_t payload_len = (size_t)(WINDOW + d), len;
		char *payload = payload_of(payload_len), *form = form_of(payload, payload_len, &len), *mapped;
		struct http_parts parts;
		struct gw_error err = {0};

		assert_int_equal(pwrite(fd, form, len, 0), (ssize_t)len);
		assert_int_equal(ftruncate(fd, (off_t)len), 0);
		mapped = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
		assert_true(http_multipart_decode(&parts, "multipart/form-data; boundary=XX", mapped, len, true, &err));
		assert_int_equal(parts.n, 3);
		assert_part(&parts.v[0].part, "metadata", "{}", 2);
		assert_part(&parts.v[1].part, "file", payload, payload_len);
		assert_part(&parts.v[2].part, "job", "a job", 5);
		http_multipart_finish(&parts);
		munmap(mapped, len);
		free(form);
		free(payload);
	}
	close(fd);
}

static void a_body_too_large_is_refused_before_there_is_a_file(void **state)
{
	char *body = gw_calloc(BODY_MAX + 1, 1);
	struct outcome o = post("/bytes", body, BODY_MAX + 1);

	assert_int_equal(o.status, 413);
	assert_int_equal(t.begun, 0);
	free(body);
}

/* ---- what goes wrong ---- */

static void a_full_disk_is_answered_with_507_behind_all_of_the_body(void **state)
{
	char *body = gw_calloc(BODY_MAX, 1);
	struct outcome o;

	t.file = "/dev/full";
	o = post("/bytes", body, BODY_MAX);
	assert_string_equal(o.body, "{\"error\":\"the body cannot be kept: No space left on device\"}");
	assert_int_equal(o.status, 507);
	assert_int_equal(t.handled, 0);
	free(body);
}

/* The disk that is to keep more than it has. */
static void a_disk_with_less_than_is_spared_is_full_once_a_mebibyte_came(void **state)
{
	char *body = gw_calloc(BODY_MAX, 1), *path = gw_sprintf("%s/body-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	int fd = mkstemp(path);
	struct outcome o;

	assert_true(fd >= 0);
	t.file = path;
	t.spares = UINT64_MAX;
	o = post("/bytes", body, (1 << 20) - 1);
	assert_int_equal(o.status, 200);
	o = post("/bytes", body, 1 << 20);
	assert_string_equal(o.body, "{\"error\":\"the body cannot be kept: No space left on device\"}");
	assert_int_equal(o.status, 507);
	o = post("/bytes", body, BODY_MAX);
	assert_int_equal(o.status, 507);
	assert_int_equal(t.handled, 1);
	t.spares = 1;
	o = post("/bytes", body, BODY_MAX);
	assert_int_equal(o.status, 200);
	close(fd);
	unlink(path);
	free(path);
	free(body);
}

static void a_refusal_for_want_of_room_is_answered_behind_all_of_the_body(void **state)
{
	char *body = gw_calloc(BODY_MAX, 1);
	struct outcome o;

	t.refuse = true;
	o = post("/bytes", body, BODY_MAX);
	assert_string_equal(o.body, "{\"error\":\"there is no room\"}");
	assert_int_equal(o.status, 507);
	free(body);
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int connected(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(t.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Runs the loop until `done` of `counter`. */
static void run_until(const unsigned *counter, unsigned done)
{
	while (*counter < done)
		uv_run(&t.loop.uv, UV_RUN_ONCE);
}

static void run_until_descriptors(unsigned n)
{
	while (open_descriptors() > n)
		uv_run(&t.loop.uv, UV_RUN_ONCE);
}

static void send_text(int fd, const char *text, size_t len)
{
	assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void a_client_that_leaves_in_its_body_leaves_no_descriptor(void **state)
{
	static const char head[] = "POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome of it";
	unsigned before = open_descriptors();

	for (unsigned i = 1; i <= 10; i++) {
		int fd = connected();

		send_text(fd, head, sizeof(head) - 1);
		run_until(&t.begun, i);
		assert_true(open_descriptors() >= before + 3); /* both ends, and the file */
		close(fd);
		run_until_descriptors(before);
	}
	assert_int_equal(t.handled, 0);
}

/* Whether it goes before, while or after its form is taken apart. */
static void a_client_that_leaves_behind_its_form_leaves_no_descriptor(void **state)
{
	unsigned before = open_descriptors();
	char *payload = payload_of(60000), *form, *head;
	size_t len;

	form = form_of(payload, 60000, &len);
	head = gw_sprintf("POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: %zu\r\n\r\n",
			  len);
	for (unsigned i = 1; i <= 20; i++) {
		int fd = connected();

		send_text(fd, head, strlen(head));
		send_text(fd, form, len);
		for (unsigned k = 0; k < i % 5; k++)
			uv_run(&t.loop.uv, UV_RUN_NOWAIT);
		close(fd);
		run_until(&t.begun, i);
		run_until_descriptors(before);
	}
	free(head);
	free(form);
	free(payload);
}

static void a_server_that_stops_while_a_form_is_taken_apart_leaves_nothing(void **state)
{
	char *payload = payload_of(60000), *form, *head;
	size_t len;
	int fd = connected();

	form = form_of(payload, 60000, &len);
	head = gw_sprintf("POST /form HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: %zu\r\n\r\n",
			  len);
	send_text(fd, head, strlen(head));
	send_text(fd, form, len);
	run_until(&t.begun, 1);
	for (unsigned k = 0; k < 3; k++)
		uv_run(&t.loop.uv, UV_RUN_NOWAIT);
	http_server_stop(t.server);
	t.server = NULL;
	close(fd);
	free(head);
	free(form);
	free(payload);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_form_in_a_file_gives_its_parts_wherever_pages_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_body_in_a_file_is_whole_wherever_pages_end, setup, teardown),
		cmocka_unit_test_setup_teardown(a_form_in_a_file_that_is_none_is_refused, setup, teardown),
		cmocka_unit_test(no_delimiter_is_missed_where_windows_meet),
		cmocka_unit_test_setup_teardown(a_body_too_large_is_refused_before_there_is_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(a_full_disk_is_answered_with_507_behind_all_of_the_body, setup, teardown),
		cmocka_unit_test_setup_teardown(a_disk_with_less_than_is_spared_is_full_once_a_mebibyte_came, setup, teardown),
		cmocka_unit_test_setup_teardown(a_refusal_for_want_of_room_is_answered_behind_all_of_the_body, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_leaves_in_its_body_leaves_no_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(a_client_that_leaves_behind_its_form_leaves_no_descriptor, setup, teardown),
		cmocka_unit_test_setup_teardown(a_server_that_stops_while_a_form_is_taken_apart_leaves_nothing, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
