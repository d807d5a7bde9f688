#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bootsd/wanted.h"

static int answered, answered_with_a_file;
static char last_bytes[64];

static void on_http(void *data, struct http_request *rq, struct boot_file *file)
{
	fail();
}

static void on_tftp(void *data, const struct sockaddr_in *from, const void *bytes, size_t n, struct boot_file *file)
{
	answered++;
	answered_with_a_file += file != NULL;
	snprintf(last_bytes, sizeof(last_bytes), "%.*s", (int)n, (const char *)bytes);
}

static const struct wanted_answers answers = {on_http, on_tftp, NULL};

static int forget(void **state)
{
	answered = answered_with_a_file = 0;
	return 0;
}

static struct sockaddr_in port(int n)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a2a0707), .sin_port = htons((uint16_t)(1024 + n))};
}

/* As is_new says; false: it is not held. */
static bool ask(struct wanted_files *files, const char *path, int from, bool *is_new)
{
	struct sockaddr_in address = port(from);

	return wanted_tftp(files, path, &address, "request", 7, is_new);
}

static void a_file_is_asked_of_jobd_once_however_many_wait_for_it(void **state)
{
	struct wanted_files files = {0};
	bool is_new;

	assert_true(ask(&files, "/a", 1, &is_new));
	assert_true(is_new);
	assert_true(ask(&files, "/a", 2, &is_new));
	assert_false(is_new);
	wanted_give(&files, "/a", true, NULL, &answers);
	assert_int_equal(answered, 2);
	assert_int_equal(answered_with_a_file, 0);
	assert_string_equal(last_bytes, "request");
	assert_true(ask(&files, "/a", 1, &is_new));
	assert_true(is_new); /* there was none: jobd may find it now */
	wanted_finish(&files);
}

static void a_request_that_comes_again_counts_once(void **state)
{
	struct wanted_files files = {0};
	bool is_new;

	for (int i = 0; i < 1000; i++)
		assert_true(ask(&files, "/a", 1, &is_new));
	assert_int_equal(files.waiters, 1);
	wanted_give(&files, "/a", true, NULL, &answers);
	assert_int_equal(answered, 1);
	assert_int_equal(files.waiters, 0);
	wanted_finish(&files);
}

static void more_different_files_than_that_are_not_awaited(void **state)
{
	struct wanted_files files = {0};
	char path[32];
	bool is_new;

	for (int i = 0; i < WANTED_MAX; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		assert_true(ask(&files, path, i, &is_new));
		assert_true(is_new);
	}
	assert_false(ask(&files, "/one more", 1000, &is_new));
	assert_true(ask(&files, "/5", 1001, &is_new)); /* that one is awaited already */
	wanted_give(&files, "/5", true, NULL, &answers);
	assert_int_equal(answered, 2);
	assert_true(ask(&files, "/one more", 1000, &is_new));
	assert_true(is_new);
	wanted_finish(&files);
	assert_int_equal(answered, 2); /* by TFTP there is nothing to be said at the end */
	assert_int_equal(files.n, 0);
	assert_int_equal(files.waiters, 0);
}

static void more_requests_than_that_do_not_wait(void **state)
{
	struct wanted_files files = {0};
	bool is_new;

	for (int i = 0; i < WANTED_WAITERS; i++)
		assert_true(ask(&files, "/a", i, &is_new));
	assert_false(ask(&files, "/a", WANTED_WAITERS, &is_new));
	assert_false(ask(&files, "/b", WANTED_WAITERS, &is_new));
	assert_int_equal(files.n, 1);
	wanted_give(&files, "/a", true, NULL, &answers);
	assert_int_equal(answered, WANTED_WAITERS);
	assert_true(ask(&files, "/b", 1, &is_new));
	wanted_finish(&files);
}

static void note(void *data, const char *path, bool tftp)
{
	char *list = data;

	sprintf(list + strlen(list), "%s by %s ", path, tftp ? "tftp" : "http");
}

static void what_is_awaited_is_listed_by_path_and_protocol(void **state)
{
	struct wanted_files files = {0};
	char list[200] = "";
	bool is_new;

	assert_true(ask(&files, "/a", 1, &is_new));
	assert_true(ask(&files, "/b", 2, &is_new));
	wanted_each(&files, note, list);
	assert_string_equal(list, "/b by tftp /a by tftp ");
	wanted_give(&files, "/b", true, NULL, &answers);
	list[0] = '\0';
	wanted_each(&files, note, list);
	assert_string_equal(list, "/a by tftp ");
	wanted_give(&files, "/a", false, NULL, &answers); /* the same path by HTTP is another file */
	assert_int_equal(files.n, 1);
	wanted_finish(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_file_is_asked_of_jobd_once_however_many_wait_for_it, forget),
		cmocka_unit_test_setup(a_request_that_comes_again_counts_once, forget),
		cmocka_unit_test_setup(more_different_files_than_that_are_not_awaited, forget),
		cmocka_unit_test_setup(more_requests_than_that_do_not_wait, forget),
		cmocka_unit_test_setup(what_is_awaited_is_listed_by_path_and_protocol, forget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
