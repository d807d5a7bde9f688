#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/http_path.h"

static const struct http_route routes[] = {
	{"GET", "/api/v1/duts", NULL, 0},           {"GET", "/api/v1/dut/{id}", NULL, 0}, {"PATCH", "/api/v1/dut/{id}", NULL, 100},
	{"GET", "/boot/{name}/boot.ipxe", NULL, 0}, {"GET", "/files/{rest*}", NULL, 0},   {NULL},
};

static const struct http_route *find(const char *method, const char *uri, char *arg, char *allow)
{
	struct http_target target;
	struct http_args args;
	struct gw_error err = {0};
	const struct http_route *route = NULL;

	arg[0] = '\0';
	if (http_target_decode(&target, uri, &err)) {
		route = http_route_find(routes, method, &target, &args, allow, 128);
		if (route && args.n)
			strcpy(arg, args.v[0].value);
	} else {
		strcpy(arg, err.text);
	}
	http_target_finish(&target);
	return route;
}

static void slashes_and_escapes_are_put_right(void **state)
{
	char arg[1024], allow[128];

	assert_ptr_equal(find("GET", "//api/v1///duts/", arg, allow), &routes[0]);
	assert_ptr_equal(find("HEAD", "/api/v1/duts?x=1", arg, allow), &routes[0]);
	assert_ptr_equal(find("GET", "http://host/api/v1/dut/52%3a54", arg, allow), &routes[1]);
	assert_string_equal(arg, "52:54");
	assert_ptr_equal(find("GET", "/api/v1/dut/a%2Fb", arg, allow), &routes[1]);
	assert_string_equal(arg, "a/b");
	assert_ptr_equal(find("GET", "/files/a//b/c", arg, allow), &routes[4]);
	assert_string_equal(arg, "a/b/c");
}

static void another_method_is_told_what_is_allowed(void **state)
{
	char arg[1024], allow[128];

	assert_null(find("DELETE", "/api/v1/dut/x", arg, allow));
	assert_string_equal(allow, "GET, HEAD, PATCH");
	assert_null(find("GET", "/api/v1/dut", arg, allow));
	assert_string_equal(allow, "");
}

static void what_no_handler_should_see_is_refused(void **state)
{
	static const char *const bad[][2] = {
		{"/a%00b", "the URL has a %00"},
		{"/a%0ab", "the URL has a control character in its path"},
		{"/a%zz", "the URL has a '%' that is not followed by two hex digits"},
		{"/a%2", "the URL has a '%' that is not followed by two hex digits"},
		{"/%ff", "the URL is not UTF-8"},
		{"/a/../b", "the URL has '.' or '..' in its path"},
		{"/a/%2e%2e/b", "the URL has '.' or '..' in its path"},
		{"/files/x%2f..%2fy", "the URL has '.' or '..' in its path"},
		{"*", "the URL's path does not start with '/'"},
	};
	char arg[1024], allow[128];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(find("GET", bad[i][0], arg, allow));
		assert_string_equal(arg, bad[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slashes_and_escapes_are_put_right),
		cmocka_unit_test(another_method_is_told_what_is_allowed),
		cmocka_unit_test(what_no_handler_should_see_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
