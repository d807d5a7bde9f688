#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "registration/http.h"

/* Decodes a copy of exactly that size, so that a read beyond it shows. */
static enum http_progress decode(const char *bytes, size_t n, bool ended, int *status, char *body, size_t size)
{
	char *copy = malloc(n + 1);
	struct http_answer answer = {0};
	enum http_progress progress;

	memcpy(copy, bytes, n);
	progress = http_answer_decode(copy, n, ended, &answer);
	if (progress == HTTP_DONE) {
		*status = answer.status;
		snprintf(body, size, "%s", answer.body);
		assert_int_equal(strlen(answer.body), answer.len);
	}
	free(copy);
	return progress;
}

/* Whole only with its last byte; before that there is more to come, or, if nothing comes, it is bad. */
static void assert_answer(const char *bytes, int status, const char *body)
{
	int got = 0;
	char text[256];

	assert_int_equal(decode(bytes, strlen(bytes), false, &got, text, sizeof(text)), HTTP_DONE);
	assert_int_equal(got, status);
	assert_string_equal(text, body);
	for (size_t n = 0; n < strlen(bytes); n++) {
		assert_int_equal(decode(bytes, n, false, &got, text, sizeof(text)), HTTP_MORE);
		assert_int_equal(decode(bytes, n, true, &got, text, sizeof(text)), HTTP_BAD);
	}
}

static void assert_bad(const char *bytes)
{
	int status;
	char text[256];

	assert_int_equal(decode(bytes, strlen(bytes), false, &status, text, sizeof(text)), HTTP_BAD);
}

static void an_answer_with_its_length_is_read(void **state)
{
	assert_answer("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length:  2 \r\n\r\n{}", 200, "{}");
	assert_answer("HTTP/1.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 400, "");
}

static void an_answer_in_chunks_is_put_together(void **state)
{
	assert_answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;ext=1\r\n, all chun\r\n2\r\nks\r\n0\r\n\r\n",
		      200, "hello, all chunks");
	assert_answer("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTrailer: x\r\n\r\n", 404, "");
}

static void without_a_length_the_end_ends_it(void **state)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\nall of it";
	int status;
	char text[64];

	assert_int_equal(decode(answer, sizeof(answer) - 1, false, &status, text, sizeof(text)), HTTP_MORE);
	assert_int_equal(decode(answer, sizeof(answer) - 1, true, &status, text, sizeof(text)), HTTP_DONE);
	assert_string_equal(text, "all of it");
}

static void what_is_not_http_is_bad(void **state)
{
	assert_bad("SSH-2.0-OpenSSH\r\n\r\n");
	assert_bad("HTTP/1.1 OK\r\n\r\n");
	assert_bad("HTTP/1.1 700 Too Far\r\n\r\n");
	assert_bad("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n");
	assert_bad("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n");
	assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
	assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
	assert_bad("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc");
}

static void headers_without_end_are_bad(void **state)
{
	size_t n = 100 * 1024;
	char *bytes = malloc(n), text[8];
	int status;

	memset(bytes, 'a', n);
	assert_int_equal(decode(bytes, n, false, &status, text, sizeof(text)), HTTP_BAD);
	free(bytes);
}

static void a_gateway_is_an_address_or_a_name_in_etc_hosts(void **state)
{
	struct http_server server;
	struct failure why;

	assert_true(http_server_find(&server, "", "10.42.0.1:8000", &why));
	assert_string_equal(server.address, "10.42.0.1");
	assert_int_equal(server.port, 8000);
	assert_true(http_server_find(&server, "", "localhost", &why));
	assert_string_equal(server.address, "127.0.0.1");
	assert_int_equal(server.port, 80);
	assert_false(http_server_find(&server, "", "10.42.0.1:99999", &why));
	assert_string_equal(why.text, "-m: '10.42.0.1:99999' is not a gateway; accepted: HOST or HOST:PORT");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_with_its_length_is_read), cmocka_unit_test(an_answer_in_chunks_is_put_together),
		cmocka_unit_test(without_a_length_the_end_ends_it),  cmocka_unit_test(what_is_not_http_is_bad),
		cmocka_unit_test(headers_without_end_are_bad),       cmocka_unit_test(a_gateway_is_an_address_or_a_name_in_etc_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
