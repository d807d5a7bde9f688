#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/fetch_url.h"
#include "libgateway/percent.h"
#include "libgateway/url.h"

typedef bool reader(const char *url, struct url_host *host, struct gw_error *err);
static reader *const readers[] = {url_host_of, fetch_url_host_of}; /* the second is libcurl */

static void a_url_gives_its_host_and_port_by_either_reader(void **state)
{
	static const struct {
		const char *url, *host;
		int port;
		bool tls, has_port;
	} rows[] = {{"http://ci-gateway", "ci-gateway", 80, false, false},
		    {"https://ci-gateway/x", "ci-gateway", 443, true, false},
		    {"HTTPS://CI_gateway.example.", "CI_gateway.example.", 443, true, false},
		    {"http://10.42.0.1:8005/api?x=1", "10.42.0.1", 8005, false, true},
		    {"http://10.42.0.1?x=1", "10.42.0.1", 80, false, false},
		    {"http://10.42.0.1#x", "10.42.0.1", 80, false, false},
		    {"http://host:/", "host", 80, false, false},
		    {"http://host:080", "host", 80, false, true},
		    {"https://host:65535/a%20b/c", "host", 65535, true, true},
		    {"http://user:secret@[fd77::1]:81/", "fd77::1", 81, false, true},
		    {"http://user@host", "host", 80, false, false},
		    {"http://@host:81", "host", 81, false, true},
		    {"http://user:@host/a@b:82", "host", 80, false, false},
		    {"http://us%40er:se%3Acret@host", "host", 80, false, false},
		    {"http://[::1]", "::1", 80, false, false},
		    {"https://[FD77:0:0::1]:8443/x", "fd77::1", 8443, true, true}};
	struct gw_error err = {0};
	struct url_host host;

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		if (!readers[i % 2](rows[i / 2].url, &host, &err))
			fail_msg("%s", err.text);
		assert_string_equal(host.host, rows[i / 2].host);
		assert_int_equal(host.port, rows[i / 2].port);
		assert_int_equal(host.tls, rows[i / 2].tls);
		assert_int_equal(host.has_port, rows[i / 2].has_port);
	}
}

static void what_is_no_url_of_a_host_is_refused_by_either_reader(void **state)
{
	static const char *const urls[] = {
		"",
		"not a url",
		"ci-gateway",
		"ci-gateway:80",
		"//ci-gateway",
		"/x",
		"file:///etc/passwd",
		"ftp://host/x",
		"httpx://host",
		"http",
		"http:",
		"http:host",
		"http://",
		"http:///",
		"http://?x",
		"http://#x",
		"http://:80",
		"http://:80/x",
		"http://user@",
		"http://user:secret@:80/",
		"http://host:x",
		"http://host:8x",
		"http://host:-1",
		"http://host:+1",
		"http://host: 80",
		"http://host:65536",
		"http://host:99999999999999999999",
		"http://host:80:80",
		"http://[::1",
		"http://::1",
		"http://[::1]x",
		"http://[::1]:x",
		"http://[]",
		"http://[::g]",
		"http://[1::2::3]",
		"http://[10.42.0.1]",
		"http://[host]",
		" http://host",
		"http://host ",
		"http:// host",
		"http://ho st",
		"http://host/a b",
		"http://us er@host",
		"http://host\n",
		"http://ho\tst",
		"http://host/\r\nX: y",
		"http://host/\x7f",
		"http://\x01host",
		"http://ho<st",
		"http://ho\"st",
		"http://ho^st",
		"http://ho{st",
		"http://ho`st",
		"http://ho\\st",
		"http://ho%00st",
		"http://ho%20st",
		"http://ho%2fst",
	};
	struct gw_error err = {0};
	struct url_host host;

	for (size_t i = 0; i < 2 * sizeof(urls) / sizeof(urls[0]); i++)
		if (readers[i % 2](urls[i / 2], &host, &err))
			fail_msg("reader %zu accepts '%s': %s", i % 2, urls[i / 2], host.host);
}

static void a_refusal_says_what_is_accepted_without_the_secrets(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct gw_error err = {0};
		struct url_host host;

		assert_false(readers[i]("ftp://user:secret@host/x?token=secret", &host, &err));
		assert_int_equal(err.kind, GW_BAD_INPUT);
		assert_string_equal(err.text,
				    "'ftp://host/x' is not a URL that is understood; accepted: http://HOST... or https://HOST...");
	}
}

/* What libcurl would make something of, an option of the gateway need not have. */
static void what_no_resolver_may_be_asked_is_refused(void **state)
{
	static const char *const urls[] = {"http:///host",       "http:/host",           "http://host:0",
					   "http://h\xc3\xb6st", "http://host/\xc3\xb6", "http://[fe80::1%25eth0]",
					   "http://[v1.x]",      "http://ho%61st",       "http://ho%zzst",
					   "http://ho!st",       "http://a,b",           "http://a;b",
					   "http://a&b=c"};
	struct gw_error err = {0};
	struct url_host host;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		if (url_host_of(urls[i], &host, &err))
			fail_msg("'%s' is not refused: %s", urls[i], host.host);
}

/* What a host name has room for, and no more. */
static void a_host_of_255_bytes_is_the_longest(void **state)
{
	struct gw_error err = {0};
	struct url_host host;
	char url[300];

	for (size_t i = 0; i < 2; i++) {
		snprintf(url, sizeof(url), "http://%0255d:80/", 0);
		url[7] = 'a';
		assert_true(readers[i](url, &host, &err));
		assert_int_equal(strlen(host.host), 255);
		snprintf(url, sizeof(url), "http://%0256d:80/", 0);
		url[7] = 'a';
		assert_false(readers[i](url, &host, &err));
	}
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
		cmocka_unit_test(a_url_gives_its_host_and_port_by_either_reader),
		cmocka_unit_test(what_is_no_url_of_a_host_is_refused_by_either_reader),
		cmocka_unit_test(a_refusal_says_what_is_accepted_without_the_secrets),
		cmocka_unit_test(what_no_resolver_may_be_asked_is_refused),
		cmocka_unit_test(a_host_of_255_bytes_is_the_longest),
		cmocka_unit_test(what_is_shown_of_a_url_has_no_secrets),
		cmocka_unit_test(loopback_and_unknown_names_are_here),
		cmocka_unit_test(what_is_not_plain_is_escaped_byte_by_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
