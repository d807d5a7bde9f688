/* A watched file that becomes another because a directory on the way to it, or a symlink in the place of one, does. */
#include <poll.h>
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

#include "libmars/watch.h"

static char dir[256];
static struct mars_watch *watch;

/* In the test's directory; there are four of them at a time. */
static const char *at(const char *name)
{
	static char paths[4][600];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *file = fopen(at(name), "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A folder with the file in it. */
static void put_folder(const char *name, const char *text)
{
	char file[300];

	assert_int_equal(mkdir(at(name), 0755), 0);
	snprintf(file, sizeof(file), "%s/db", name);
	put(file, text);
}

static void lead(const char *name, const char *target)
{
	assert_int_equal(symlink(target, at(name)), 0);
}

/* As `ln -sfn` and Kubernetes do it: there is always one. */
static void lead_elsewhere(const char *name, const char *target)
{
	lead("next", target);
	assert_int_equal(rename(at("next"), at(name)), 0);
}

static int begin(void **state)
{
	snprintf(dir, sizeof(dir), "%s/mars_watch.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	put_folder("v1", "one");
	put_folder("v2", "two");
	return 0;
}

static int end(void **state)
{
	char command[300];

	mars_watch_destroy(watch);
	watch = NULL;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void start(const char *name)
{
	struct gw_error err = {0};

	watch = mars_watch_create(at(name), &err);
	if (!watch)
		fail_msg("%s", err.text);
}

static void assert_seen(void)
{
	struct pollfd p = {.fd = mars_watch_fd(watch), .events = POLLIN};

	do
		assert_int_equal(poll(&p, 1, 10000), 1);
	while (!mars_watch_read(watch));
}

static bool nothing_is_pending(void)
{
	return !mars_watch_read(watch);
}

static void assert_watched(const char *name)
{
	assert_true(nothing_is_pending());
	put(name, "edited");
	assert_seen();
}

static void a_folders_symlink_that_leads_elsewhere_is_seen(void **state)
{
	lead("config", "v1");
	start("config/db");
	assert_watched("v1/db");
	lead_elsewhere("config", "v2");
	assert_seen();
	assert_watched("v2/db");
	put("v1/db", "nobody's now");
	assert_true(nothing_is_pending());
}

static void a_folders_symlink_removed_and_made_anew_is_seen_each_time(void **state)
{
	lead("config", "v1");
	start("config/db");
	assert_int_equal(unlink(at("config")), 0);
	assert_seen();
	lead("config", "v2");
	assert_seen();
	assert_watched("v2/db");
}

/* The file is a symlink into `..data`, and that one into the folder of the version that counts. */
static void a_config_map_that_is_swapped_is_seen(void **state)
{
	assert_int_equal(mkdir(at("config"), 0755), 0);
	put_folder("config/..1", "one");
	lead("config/..data", "..1");
	lead("config/db", "..data/db");
	start("config/db");
	assert_watched("config/..1/db");
	put_folder("config/..2", "two");
	assert_true(nothing_is_pending());
	lead_elsewhere("config/..data", "..2");
	assert_seen();
	assert_int_equal(unlink(at("config/..1/db")), 0);
	assert_int_equal(rmdir(at("config/..1")), 0);
	assert_watched("config/..2/db");
}

static void a_symlink_behind_a_folders_symlink_is_watched(void **state)
{
	lead("config", "current");
	lead("current", "v2/../v1");
	start("config/db");
	assert_watched("v1/db");
	lead_elsewhere("current", at("v2"));
	assert_seen();
	assert_watched("v2/db");
}

static void a_folder_renamed_into_the_place_of_another_is_seen(void **state)
{
	start("v1/db");
	assert_int_equal(rename(at("v1"), at("old")), 0);
	assert_seen();
	assert_int_equal(rename(at("v2"), at("v1")), 0);
	assert_seen();
	assert_watched("v1/db");
	put("old/db", "nobody's now");
	assert_true(nothing_is_pending());
}

static void a_folder_removed_and_made_anew_is_seen(void **state)
{
	start("v1/db");
	assert_int_equal(unlink(at("v1/db")), 0);
	assert_seen();
	assert_int_equal(rmdir(at("v1")), 0);
	assert_seen();
	put_folder("v1", "one again");
	assert_seen();
	assert_watched("v1/db");
}

static void what_a_folders_symlink_will_lead_to_is_awaited(void **state)
{
	lead("config", "v1");
	start("config/db");
	lead_elsewhere("config", "to/come");
	assert_seen();
	assert_int_equal(mkdir(at("to"), 0755), 0);
	assert_seen();
	put_folder("to/come", "three");
	assert_seen();
	assert_watched("to/come/db");
}

static void a_file_whose_folder_is_not_there_is_not_watched(void **state)
{
	struct gw_error err = {0};
	char want[700];

	assert_null(mars_watch_create(at("nowhere/db"), &err));
	snprintf(want, sizeof(want), "cannot watch the directory of %s: No such file or directory", at("nowhere/db"));
	assert_string_equal(err.text, want);
}

static void symlinks_in_a_circle_are_not_followed_for_ever(void **state)
{
	struct gw_error err = {0};
	char want[700];

	lead("config", "config");
	assert_null(mars_watch_create(at("config/db"), &err));
	snprintf(want, sizeof(want), "cannot watch the directory of %s: Too many levels of symbolic links", at("config/db"));
	assert_string_equal(err.text, want);
	lead("db", "db");
	start("db");
	lead_elsewhere("db", "v1/db");
	assert_seen();
	assert_watched("v1/db");
}

/* As /root is to a daemon with a user of its own. */
static void a_folder_above_that_may_not_be_read_is_left_out(void **state)
{
	uid_t me = geteuid();

	lead("v2/config", "../v1");
	assert_int_equal(chmod(at("v2"), me ? 0100 : 0711), 0);
	assert_int_equal(chmod(dir, 0711), 0);
	assert_int_equal(me ? 0 : seteuid(65534), 0);
	watch = mars_watch_create(at("v2/config/db"), NULL);
	assert_int_equal(seteuid(me), 0);
	assert_int_equal(chmod(at("v2"), 0755), 0);
	assert_non_null(watch);
	assert_watched("v1/db");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_folders_symlink_that_leads_elsewhere_is_seen),
		TEST(a_folders_symlink_removed_and_made_anew_is_seen_each_time),
		TEST(a_config_map_that_is_swapped_is_seen),
		TEST(a_symlink_behind_a_folders_symlink_is_watched),
		TEST(a_folder_renamed_into_the_place_of_another_is_seen),
		TEST(a_folder_removed_and_made_anew_is_seen),
		TEST(what_a_folders_symlink_will_lead_to_is_awaited),
		TEST(a_file_whose_folder_is_not_there_is_not_watched),
		TEST(symlinks_in_a_circle_are_not_followed_for_ever),
		TEST(a_folder_above_that_may_not_be_read_is_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
