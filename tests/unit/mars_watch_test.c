/* An admin's edits, by every way that editors save, while the database is in use. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/reload.h"
#include "libmars/save.h"
#include "libmars/watch.h"

#define DUT_1  "52:54:00:00:00:01"
#define FIRST  "duts:\n  " DUT_1 ":\n    pdu_off_delay: 30 # slow capacitors\n"
#define SECOND "duts:\n  " DUT_1 ":\n    pdu_off_delay: 31 # slow capacitors\n"
#define BAD    "duts:\n  " DUT_1 ":\n    pdu_off_delay: soon # slow capacitors\n"

/* However long an editor is kept from running, it is waited for: the linker leads libmars' clock through here. */
int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, now);
	*now = (struct timespec){1};
	return 0;
}

static char dir[256], db_path[300], other_path[300];
static struct mars_db *db;
static struct mars_watch *watch;

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int begin(void **state)
{
	struct gw_errors errs = {0};

	snprintf(dir, sizeof(dir), "%s/mars_watch.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(db_path, sizeof(db_path), "%s/mars_db.yaml", dir);
	snprintf(other_path, sizeof(other_path), "%s/other", dir);
	put(db_path, FIRST);
	watch = mars_watch_create(db_path, NULL);
	assert_non_null(watch);
	db = mars_db_open(db_path, NULL, &errs);
	assert_non_null(db);
	return 0;
}

static int end(void **state)
{
	char command[300];

	mars_watch_destroy(watch);
	mars_db_destroy(db);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static void await_change(void)
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

static double off_delay(void)
{
	const struct mars_dut *dut = mars_db_find_dut(db, DUT_1);

	return dut ? dut->pdu_off_delay : -1;
}

/* Reloads, and says how many changes there were; -1: it was not valid. */
static int reload(char *error, size_t size)
{
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	int n = mars_db_reload(db, &changes, &errs) ? (int)changes.n : -1;

	if (error)
		snprintf(error, size, "%s", errs.n ? errs.v[0].text : "");
	mars_changes_finish(&changes);
	gw_errors_finish(&errs);
	return n;
}

static void assert_seen(double delay)
{
	await_change();
	assert_int_equal(reload(NULL, 0), 1);
	assert_true(off_delay() == delay);
}

static void a_rename_over_the_file_is_seen(void **state)
{
	put(other_path, SECOND);
	assert_true(nothing_is_pending()); /* another file */
	assert_int_equal(rename(other_path, db_path), 0);
	assert_seen(31);
}

static void a_write_is_seen_when_it_is_closed(void **state)
{
	int fd = open(db_path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, SECOND, 10), 10);
	assert_true(nothing_is_pending()); /* half a file is not taken for the real one */
	assert_int_equal(write(fd, &SECOND[10], strlen(SECOND) - 10), strlen(SECOND) - 10);
	assert_int_equal(close(fd), 0);
	assert_seen(31);
}

static void sed_in_place_is_seen(void **state)
{
	char command[400];

	snprintf(command, sizeof(command), "sed -i 's/: 30/: 31/' %s", db_path);
	assert_int_equal(system(command), 0);
	assert_seen(31);
}

static void a_deleted_file_keeps_the_last_good_database_until_it_is_back(void **state)
{
	char error[512];

	assert_int_equal(unlink(db_path), 0);
	await_change();
	assert_int_equal(reload(error, sizeof(error)), -1);
	assert_non_null(strstr(error, "mars_db.yaml: No such file or directory"));
	assert_true(off_delay() == 30);
	put(db_path, SECOND);
	assert_seen(31);
	assert_string_equal(mars_db_error(db), "");
}

static void a_hard_link_put_in_place_is_seen(void **state)
{
	put(other_path, SECOND);
	assert_int_equal(unlink(db_path), 0);
	assert_int_equal(link(other_path, db_path), 0);
	assert_seen(31);
}

static void a_symlink_that_leads_elsewhere_is_seen_and_its_target_is_watched(void **state)
{
	char sub[300], target[320];

	snprintf(sub, sizeof(sub), "%s/elsewhere", dir);
	snprintf(target, sizeof(target), "%s/db", sub);
	assert_int_equal(mkdir(sub, 0755), 0);
	put(target, SECOND);
	assert_int_equal(unlink(db_path), 0);
	assert_int_equal(symlink("elsewhere/db", db_path), 0);
	assert_seen(31);
	put(target, FIRST);
	assert_seen(30);
}

/* The database is a symlink to elsewhere/db from here on. */
static void begin_symlink(char target[320])
{
	char sub[300];

	snprintf(sub, sizeof(sub), "%s/elsewhere", dir);
	snprintf(target, 320, "%s/db", sub);
	assert_int_equal(mkdir(sub, 0755), 0);
	put(target, FIRST);
	assert_int_equal(unlink(db_path), 0);
	assert_int_equal(symlink("elsewhere/db", db_path), 0);
	await_change();
	assert_int_equal(reload(NULL, 0), 0);
}

static void a_rename_over_a_symlinks_target_is_seen(void **state)
{
	char target[320];

	begin_symlink(target);
	put(other_path, SECOND);
	assert_true(nothing_is_pending());
	assert_int_equal(rename(other_path, target), 0);
	assert_seen(31);
}

/* It was not, once: nobody watched where there was nothing. And what was just made is not read before it is written. */
static void a_symlinks_target_deleted_and_made_anew_is_seen(void **state)
{
	char target[320];
	int fd;

	begin_symlink(target);
	assert_int_equal(unlink(target), 0);
	await_change();
	assert_int_equal(reload(NULL, 0), -1);
	fd = open(target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_true(nothing_is_pending());
	assert_int_equal(write(fd, SECOND, strlen(SECOND)), strlen(SECOND));
	assert_int_equal(close(fd), 0);
	assert_seen(31);
}

static void a_link_replaced_behind_the_symlink_is_seen(void **state)
{
	char target[320], last[340];

	begin_symlink(target);
	snprintf(last, sizeof(last), "%s/elsewhere/db-2", dir);
	put(last, SECOND);
	assert_true(nothing_is_pending());
	assert_int_equal(unlink(target), 0);
	assert_int_equal(symlink("db-2", target), 0);
	assert_seen(31);
	put(last, FIRST);
	assert_seen(30);
}

static void a_file_in_the_place_of_the_symlink_is_seen(void **state)
{
	char target[320];

	begin_symlink(target);
	put(other_path, SECOND);
	assert_int_equal(rename(other_path, db_path), 0);
	assert_seen(31);
	put(target, SECOND); /* it is nobody's now */
	assert_true(nothing_is_pending());
}

static void a_copy_over_the_file_is_seen(void **state)
{
	char command[800];

	put(other_path, SECOND);
	snprintf(command, sizeof(command), "cp %s %s", other_path, db_path);
	assert_int_equal(system(command), 0);
	assert_seen(31);
}

/* Its editor was quick: the next save has begun when the first is looked at. What it has until now is valid, and half. */
static void a_save_half_way_is_not_taken_for_the_real_one(void **state)
{
	int fd;

	put(other_path, SECOND);
	assert_int_equal(rename(other_path, db_path), 0);
	fd = open(db_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, SECOND, strlen("duts:\n")), strlen("duts:\n"));
	await_change();
	assert_int_equal(reload(NULL, 0), 0);
	assert_true(off_delay() == 30);
	assert_int_equal(write(fd, SECOND + strlen("duts:\n"), strlen(SECOND) - strlen("duts:\n")), strlen(SECOND) - strlen("duts:\n"));
	assert_int_equal(close(fd), 0);
	assert_seen(31);
}

/* An editor that has written half when the database is opened. It ends when it sees that. */
static void *end_save_when_opened(void *data)
{
	const int *fds = data; /* the file; what sees it opened */
	char events[4096];

	assert_true(read(fds[1], events, sizeof(events)) > 0);
	assert_int_equal(write(fds[0], SECOND + strlen("duts:\n"), strlen(SECOND) - strlen("duts:\n")), strlen(SECOND) - strlen("duts:\n"));
	assert_int_equal(close(fds[0]), 0);
	return NULL;
}

static void a_start_in_the_midst_of_a_save_waits_for_its_end(void **state)
{
	int fds[2] = {open(db_path, O_WRONLY | O_TRUNC | O_CLOEXEC), inotify_init1(IN_CLOEXEC)};
	struct gw_errors errs = {0};
	pthread_t editor;

	assert_true(fds[0] >= 0 && inotify_add_watch(fds[1], db_path, IN_OPEN) >= 0);
	assert_int_equal(write(fds[0], SECOND, strlen("duts:\n")), strlen("duts:\n"));
	assert_int_equal(pthread_create(&editor, NULL, end_save_when_opened, fds), 0);
	mars_db_destroy(db);
	db = mars_db_open(db_path, NULL, &errs);
	assert_int_equal(pthread_join(editor, NULL), 0);
	close(fds[1]);
	assert_non_null(db);
	assert_true(off_delay() == 31);
}

static void an_error_stays_while_it_is_being_put_right(void **state)
{
	int fd;

	put(db_path, BAD);
	await_change();
	assert_int_equal(reload(NULL, 0), -1);
	fd = open(db_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(reload(NULL, 0), 0);
	assert_non_null(strstr(mars_db_error(db), "'soon' is not a number of seconds"));
	assert_int_equal(write(fd, SECOND, strlen(SECOND)), strlen(SECOND));
	assert_int_equal(close(fd), 0);
	assert_seen(31);
	assert_string_equal(mars_db_error(db), "");
}

/* Of a hundred saves at once, by all ways, what counts is the last; they are looked at once. */
static void a_burst_of_saves_ends_with_the_last(void **state)
{
	char text[200];

	for (int i = 0; i <= 100; i++) {
		snprintf(text, sizeof(text), "duts:\n  " DUT_1 ":\n    pdu_off_delay: %d # slow capacitors\n", 100 + i);
		if (i % 3 == 0)
			assert_true(unlink(db_path) == 0 || i == 0);
		put(i % 3 == 1 ? other_path : db_path, text);
		if (i % 3 == 1)
			assert_int_equal(rename(other_path, db_path), 0);
	}
	assert_seen(200);
	assert_true(nothing_is_pending());
}

/* As an editor leaves it that truncates and then finds the disk full: it would have been a farm without machines. */
static void a_file_without_a_byte_is_no_database(void **state)
{
	char error[512];

	put(db_path, "");
	await_change();
	assert_int_equal(reload(error, sizeof(error)), -1);
	assert_string_equal(error, "mars_db.yaml:1:1: the file is empty; accepted: a database, {} for one without anything");
	assert_true(off_delay() == 30);
	put(db_path, "{}\n");
	await_change();
	assert_int_equal(reload(NULL, 0), 1);
	assert_int_equal(mars_db_dut_count(db), 0);
}

static void an_edit_with_a_typo_keeps_the_last_good_database(void **state)
{
	char error[512], want[600], found[512];

	put(db_path, BAD);
	await_change();
	assert_int_equal(reload(error, sizeof(error)), -1);
	assert_string_equal(error,
			    "mars_db.yaml:3:20: duts.'52:54:00:00:00:01'.pdu_off_delay: 'soon' is not a number of seconds; accepted: "
			    "0 to 3600");
	assert_true(off_delay() == 30);
	snprintf(found, sizeof(found), "%s", mars_db_error(db));
	memset(strstr(found, "read at ") + strlen("read at "), '_', strlen("HH:MM:SS"));
	snprintf(want, sizeof(want), "%s. The database read at ________ stays in use.", error);
	assert_string_equal(found, want);

	put(db_path, SECOND);
	assert_seen(31);
	assert_string_equal(mars_db_error(db), "");
}

static void back_to_what_is_in_use_is_no_error_and_no_change(void **state)
{
	put(db_path, BAD);
	assert_int_equal(reload(NULL, 0), -1);
	put(db_path, FIRST);
	assert_int_equal(reload(NULL, 0), 0);
	assert_string_equal(mars_db_error(db), "");
}

static void a_save_of_our_own_reloads_as_no_change(void **state)
{
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "pdu_off_delay"}, MARS_V_NUMBER(31), false};
	struct mars_changes changes = {0};
	struct gw_error err = {0};

	if (!mars_db_apply(db, &edit, 1, &changes, &err))
		fail_msg("%s", err.text);
	assert_int_equal(changes.n, 1);
	mars_changes_finish(&changes);
	await_change();
	assert_int_equal(reload(NULL, 0), 0);
	assert_true(off_delay() == 31);
}

static void an_edit_is_refused_while_the_file_is_not_valid(void **state)
{
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "comment"}, MARS_V_TEXT("x"), false};
	struct mars_changes changes = {0};
	struct gw_error err = {0};
	char now[256] = "";
	FILE *file;

	put(db_path, BAD);
	assert_false(mars_db_apply(db, &edit, 1, &changes, &err));
	assert_string_equal(err.text, "the file as it is now is not valid, so nothing was written: mars_db.yaml:3:20: "
				      "duts.'52:54:00:00:00:01'.pdu_off_delay: 'soon' is not a number of seconds; accepted: 0 to 3600");
	assert_int_equal(err.kind, GW_BUSY);
	file = fopen(db_path, "r");
	assert_int_equal(fread(now, 1, sizeof(now) - 1, file), strlen(BAD));
	fclose(file);
	assert_string_equal(now, BAD); /* the admin's file is left alone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_rename_over_the_file_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_write_is_seen_when_it_is_closed, begin, end),
		cmocka_unit_test_setup_teardown(sed_in_place_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_deleted_file_keeps_the_last_good_database_until_it_is_back, begin, end),
		cmocka_unit_test_setup_teardown(a_hard_link_put_in_place_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_symlink_that_leads_elsewhere_is_seen_and_its_target_is_watched, begin, end),
		cmocka_unit_test_setup_teardown(a_rename_over_a_symlinks_target_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_symlinks_target_deleted_and_made_anew_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_link_replaced_behind_the_symlink_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_file_in_the_place_of_the_symlink_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_copy_over_the_file_is_seen, begin, end),
		cmocka_unit_test_setup_teardown(a_save_half_way_is_not_taken_for_the_real_one, begin, end),
		cmocka_unit_test_setup_teardown(a_start_in_the_midst_of_a_save_waits_for_its_end, begin, end),
		cmocka_unit_test_setup_teardown(an_error_stays_while_it_is_being_put_right, begin, end),
		cmocka_unit_test_setup_teardown(a_burst_of_saves_ends_with_the_last, begin, end),
		cmocka_unit_test_setup_teardown(a_file_without_a_byte_is_no_database, begin, end),
		cmocka_unit_test_setup_teardown(an_edit_with_a_typo_keeps_the_last_good_database, begin, end),
		cmocka_unit_test_setup_teardown(back_to_what_is_in_use_is_no_error_and_no_change, begin, end),
		cmocka_unit_test_setup_teardown(a_save_of_our_own_reloads_as_no_change, begin, end),
		cmocka_unit_test_setup_teardown(an_edit_is_refused_while_the_file_is_not_valid, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
