#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "saladd/known.h"

static char *path_of(char folder[])
{
	assert_non_null(mkdtemp(folder));
	return gw_sprintf("%s/saladd.ports", folder);
}

static void remove_folder(const char *folder, const char *path)
{
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
}

static void put_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void what_is_set_is_there_at_the_next_start(void **state)
{
	char folder[] = "/tmp/known.XXXXXX", *path = path_of(folder);
	struct known known;

	known_load(&known, gw_strdup(path));
	assert_null(known_find(&known, "usb-1-2:1.0"));
	known_set(&known, "usb-1-2:1.0", "52:54:00:11:22:00");
	known_set(&known, "ttyS0", "other");
	known_set(&known, "usb-1-2:1.0", "b");
	known_set(&known, "", "of no place");
	known_finish(&known);
	known_load(&known, gw_strdup(path));
	assert_int_equal(known.n, 2);
	assert_string_equal(known_find(&known, "usb-1-2:1.0"), "b");
	assert_string_equal(known_find(&known, "ttyS0"), "other");
	known_finish(&known);
	remove_folder(folder, path);
	free(path);
}

static void lines_that_are_none_are_left_out(void **state)
{
	static const char text[] = "a one\n\nb\nc \n two\nd  x\ne three words\nf \x7f\ng caf\xc3\xa9\nh last";
	struct known known = {0};

	known_decode(&known, text, sizeof(text) - 1);
	assert_int_equal(known.n, 2);
	assert_string_equal(known_find(&known, "a"), "one");
	assert_string_equal(known_find(&known, "h"), "last");
	known_finish(&known);
}

static void the_one_that_was_set_longest_ago_is_forgotten(void **state)
{
	struct known known = {0};
	char key[16];

	for (int i = 0; i < KNOWN_MAX; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		known_put(&known, key, "m");
	}
	known_put(&known, "k0", "again");
	known_put(&known, "new", "m");
	assert_int_equal(known.n, KNOWN_MAX);
	assert_null(known_find(&known, "k1"));
	assert_string_equal(known_find(&known, "k0"), "again");
	assert_string_equal(known_find(&known, "new"), "m");
	known_finish(&known);
}

static void a_file_of_another_or_a_link_is_not_read(void **state)
{
	char folder[] = "/tmp/known.XXXXXX", *path = path_of(folder), *link = gw_sprintf("%s.link", path);
	struct known known;

	put_file(path, "a one\n");
	assert_int_equal(symlink(path, link), 0);
	known_load(&known, gw_strdup(link));
	assert_int_equal(known.n, 0);
	known_finish(&known);
	unlink(link);
	if (geteuid() == 0 && chown(path, 12345, (gid_t)-1) == 0) {
		known_load(&known, gw_strdup(path));
		assert_int_equal(known.n, 0);
		known_finish(&known);
	}
	remove_folder(folder, path);
	free(link);
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_set_is_there_at_the_next_start),
		cmocka_unit_test(lines_that_are_none_are_left_out),
		cmocka_unit_test(the_one_that_was_set_longest_ago_is_forgotten),
		cmocka_unit_test(a_file_of_another_or_a_link_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
