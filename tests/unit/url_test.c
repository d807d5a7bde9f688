#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <curl/curl.h>

#include "libgateway/url.h"

static void a_url_gives_its_host_and_port(void **state)
{
	static const struct {
		const char *url, *host;
		int port;
		bool tls;
	} rows[] = {{"http://ci-gateway", "ci-gateway", 80, false},
		    {"https://ci-gateway/x", "ci-gateway", 443, true},
		    {"http://10.42.0.1:8005/api?x=1", "10.42.0.1", 8005, false},
		    {"http://user:secret@[fd77::1]:81/", "fd77::1", 81, false}};
	struct gw_error err = {0};
	struct url_host host;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(url_host_of(rows[i].url, &host, &err));
		assert_string_equal(host.host, rows[i].host);
		assert_int_equal(host.port, rows[i].port);
		assert_int_equal(host.tls, rows[i].tls);
	}
}

static void other_schemes_and_nonsense_are_refused_without_their_secrets(void **state)
{
	struct gw_error err = {0};
	struct url_host host;

	assert_false(url_host_of("file:///etc/passwd", &host, &err));
	assert_false(url_host_of("ftp://user:secret@host/x?token=secret", &host, &err));
	assert_string_equal(err.text, "'ftp://host/x' is not a URL that is understood; accepted: http://HOST... or https://HOST...");
	assert_false(url_host_of("http://", &host, &err));
	assert_false(url_host_of("not a url", &host, &err));
}

static void what_is_shown_of_a_url_has_no_secrets(void **state)
{
	static const struct {
		const char *url, *shown;
	} rows[] = {{"http://user:secret@host/path?token=secret#x", "http://host/path"},
		    {"http://host/a@b", "http://host/a@b"},
		    {"http://a@b@host/", "http://host/"},
		    {"nonsense", "nonsense"}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *shown = url_shown(rows[i].url);
		assert_string_equal(shown, rows[i].shown);
		free(shown);
	}
}

static void loopback_and_unknown_names_are_here(void **state)
{
	assert_true(url_host_is_here("127.0.0.1"));
	assert_true(url_host_is_here("localhost"));
	assert_true(url_host_is_here("ci-gateway.invalid"));
	assert_false(url_host_is_here("192.0.2.1"));
}

static void what_is_not_plain_is_escaped_byte_by_byte(void **state)
{
	struct buffer out = {0};

	url_escape(&out, "aZ0-._~ /:&=%\n\xc3\xa9", "");
	assert_string_equal(out.data, "aZ0-._~%20%2F%3A%26%3D%25%0A%C3%A9");
	buffer_finish(&out);
	url_escape(&out, "52:54/x", ":");
	assert_string_equal(out.data, "52:54%2Fx");
	buffer_finish(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_url_gives_its_host_and_port),
		cmocka_unit_test(other_schemes_and_nonsense_are_refused_without_their_secrets),
		cmocka_unit_test(what_is_shown_of_a_url_has_no_secrets),
		cmocka_unit_test(loopback_and_unknown_names_are_here),
		cmocka_unit_test(what_is_not_plain_is_escaped_byte_by_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
