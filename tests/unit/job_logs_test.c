#include <fcntl.h>
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

#include "executord/job_logs.h"

static char folder[64];

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

/* Of 1000 bytes, written so many seconds ago. */
static void put(const char *name, int age)
{
	struct timespec times[2] = {{.tv_sec = 2000000000 - age}, {.tv_sec = 2000000000 - age}};
	char bytes[1000] = {0};
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(futimens(fd, times), 0);
	close(fd);
}

static bool is_there(const char *name)
{
	return access(path_of(name), F_OK) == 0;
}

static int start(void **state)
{
	snprintf(folder, sizeof(folder), "%s/job_logs.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(folder));
	put("user-1-1.log", 40);
	put("user-1-2.log", 30);
	put("boot_loop-1-3.log", 20);
	put("user-1-4.log", 10);
	return 0;
}

static int stop(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void nothing_goes_while_there_is_room(void **state)
{
	struct gw_error err = {0};

	assert_true(job_logs_prune(folder, 4000, NULL, 0, &err));
	assert_true(is_there("user-1-1.log") && is_there("user-1-2.log") && is_there("boot_loop-1-3.log") && is_there("user-1-4.log"));
}

static void the_oldest_go_first(void **state)
{
	struct gw_error err = {0};

	assert_true(job_logs_prune(folder, 2500, NULL, 0, &err));
	assert_false(is_there("user-1-1.log") || is_there("user-1-2.log"));
	assert_true(is_there("boot_loop-1-3.log") && is_there("user-1-4.log"));
}

static void what_is_used_stays_and_counts(void **state)
{
	char first[] = "user-1-1", no_whole_name[] = "boot_loop-1";
	char *const kept[] = {first, no_whole_name};
	struct gw_error err = {0};

	assert_true(job_logs_prune(folder, 1000, kept, 2, &err));
	assert_true(is_there("user-1-1.log"));
	assert_false(is_there("user-1-2.log") || is_there("boot_loop-1-3.log") || is_there("user-1-4.log"));
}

static void what_is_no_log_is_left_alone(void **state)
{
	struct gw_error err = {0};

	put("notes.txt", 100);
	assert_int_equal(mkdir(path_of("folder.log"), 0700), 0);
	assert_int_equal(symlink("/etc/passwd", path_of("link.log")), 0);
	assert_true(job_logs_prune(folder, 0, NULL, 0, &err));
	assert_true(is_there("notes.txt") && is_there("folder.log") && is_there("link.log"));
	assert_false(is_there("user-1-4.log"));
}

static void a_folder_that_is_not_there_yet_is_fine(void **state)
{
	struct gw_error err = {0};

	assert_true(job_logs_prune(path_of("nowhere"), 0, NULL, 0, &err));
	assert_false(job_logs_prune(path_of("user-1-1.log"), 0, NULL, 0, &err));
	assert_non_null(strstr(err.text, "user-1-1.log: Not a directory"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_goes_while_there_is_room, start, stop),
		cmocka_unit_test_setup_teardown(the_oldest_go_first, start, stop),
		cmocka_unit_test_setup_teardown(what_is_used_stays_and_counts, start, stop),
		cmocka_unit_test_setup_teardown(what_is_no_log_is_left_alone, start, stop),
		cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_yet_is_fine, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
