/* What a save promises of the file: durable, whole, the admin's traits kept, nobody's edit lost. */
#include <fcntl.h>
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
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/reload.h"
#include "libmars/save.h"

#define DUT_1            "52:54:00:00:00:01"
#define FIRST            "# the farm\nduts:\n  " DUT_1 ":\n    pdu_off_delay: 30 # slow capacitors\n"
#define NOT_ACKNOWLEDGED FIRST "    comment: not acknowledged\n"

static char dir[256], db_path[300], temp_path[300];

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *text)
{
	char now[4096] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	assert_true(fread(now, 1, sizeof(now) - 1, file) < sizeof(now) - 1);
	fclose(file);
	assert_string_equal(now, text);
}

static int begin(void **state)
{
	snprintf(dir, sizeof(dir), "%s/mars_save.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(db_path, sizeof(db_path), "%s/mars_db.yaml", dir);
	snprintf(temp_path, sizeof(temp_path), "%s/.mars_db.yaml.new", dir);
	put(db_path, FIRST);
	return 0;
}

static int end(void **state)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static struct mars_db *open_db(void)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_open(db_path, NULL, &errs);

	if (!db)
		fail_msg("%s", errs.v[0].text);
	return db;
}

static void set_comment(struct mars_db *db, const char *comment)
{
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "comment"}, MARS_V_TEXT(comment), true};
	struct mars_changes changes = {0};
	struct gw_error err = {0};

	if (!mars_db_apply(db, &edit, 1, &changes, &err))
		fail_msg("%s", err.text);
	mars_changes_finish(&changes);
}

static void a_save_changes_the_file_and_the_database(void **state)
{
	struct mars_db *db = open_db();
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "comment"}, MARS_V_TEXT("new fan"), false};
	struct mars_changes changes = {0};

	assert_true(mars_db_apply(db, &edit, 1, &changes, NULL));
	assert_file(db_path, FIRST "    comment: new fan\n");
	assert_string_equal(mars_db_find_dut(db, DUT_1)->comment, "new fan");
	assert_int_equal(changes.n, 1);
	assert_int_equal(changes.v[0].fields, 1U << 13);
	assert_int_equal(access(temp_path, F_OK), -1);
	mars_changes_finish(&changes);
	mars_db_destroy(db);
}

static void an_invalid_outcome_is_not_written(void **state)
{
	struct mars_db *db = open_db();
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "pdu_off_delay"}, MARS_V_NUMBER(-1), false};
	struct mars_changes changes = {0};
	struct gw_error err = {0};

	assert_false(mars_db_apply(db, &edit, 1, &changes, &err));
	assert_string_equal(err.text, "this change would make the database invalid, so nothing was written: mars_db.yaml:4:20: "
				      "duts.'52:54:00:00:00:01'.pdu_off_delay: '-1' is out of bounds; accepted: 0 to 3600");
	assert_file(db_path, FIRST);
	assert_true(mars_db_find_dut(db, DUT_1)->pdu_off_delay == 30);
	mars_db_destroy(db);
}

static void the_first_save_makes_the_file(void **state)
{
	struct mars_db *db;
	struct stat st;

	assert_int_equal(unlink(db_path), 0);
	db = open_db();
	assert_int_equal(mars_db_dut_count(db), 0);
	set_comment(db, "x");
	assert_file(db_path, "duts:\n  '" DUT_1 "':\n    comment: x\n");
	assert_int_equal(stat(db_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600); /* it will have tokens in it */
	mars_db_destroy(db);
}

static void promise_3_mode_and_attributes_are_kept(void **state)
{
	struct mars_db *db;
	struct stat st;
	char value[8] = "";

	assert_int_equal(chmod(db_path, 0640), 0);
	assert_int_equal(chown(db_path, getuid(), getgid()), 0);
	if (setxattr(db_path, "user.note", "kept", 4, 0) < 0)
		snprintf(value, sizeof(value), "kept"); /* no such thing on this file system */
	db = open_db();
	set_comment(db, "x");
	assert_int_equal(stat(db_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	getxattr(db_path, "user.note", value, sizeof(value));
	assert_memory_equal(value, "kept", 4);
	mars_db_destroy(db);
}

static void promise_3_a_symlink_stays_one_and_its_target_is_saved(void **state)
{
	char real[300], sub[300];
	struct mars_db *db;
	struct stat st;

	snprintf(sub, sizeof(sub), "%s/sub", dir);
	snprintf(real, sizeof(real), "%s/sub/real.yaml", dir);
	assert_int_equal(mkdir(sub, 0755), 0);
	assert_int_equal(rename(db_path, real), 0);
	assert_int_equal(symlink("sub/real.yaml", db_path), 0);
	db = open_db();
	set_comment(db, "x");
	assert_int_equal(lstat(db_path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_file(real, FIRST "    comment: x\n");
	mars_db_destroy(db);
}

/* --- Others edit too ---------------------------------------------------------------------------------------------------------------- */

#define SOMEBODY 12345

static void promise_3_the_owner_is_kept(void **state)
{
	struct mars_db *db;
	struct stat st;

	if (geteuid() != 0)
		skip(); /* who is not root owns all his files, or see below */
	assert_int_equal(chown(db_path, SOMEBODY, SOMEBODY + 1), 0);
	db = open_db();
	set_comment(db, "x");
	mars_db_destroy(db);
	assert_int_equal(stat(db_path, &st), 0);
	assert_int_equal(st.st_uid, SOMEBODY);
	assert_int_equal(st.st_gid, SOMEBODY + 1);
}

/* In a child that is not root any more. Its exit code is 0 if the message is the expected one. */
static void open_as_somebody(void)
{
	struct gw_errors errs = {0};
	char want[800];

	snprintf(want, sizeof(want), "%s belongs to user 0, which a save by user %d could not keep; run: chown %d %s", db_path, SOMEBODY,
		 SOMEBODY, db_path);
	if (setgid(SOMEBODY) < 0 || setuid(SOMEBODY) < 0 || mars_db_open(db_path, NULL, &errs))
		_exit(2);
	if (strcmp(errs.v[0].text, want) == 0)
		_exit(0);
	fprintf(stderr, "%s\nwanted: %s\n", errs.v[0].text, want);
	_exit(1);
}

static void promise_3_an_owner_that_a_save_could_not_keep_is_refused_at_start(void **state)
{
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0777), 0);
	pid = fork();
	if (pid == 0)
		open_as_somebody();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_file(db_path, FIRST);
}

static void an_admins_edit_that_was_not_seen_yet_is_merged(void **state)
{
	struct mars_db *db = open_db();

	put(db_path, "# moved to the lab\nduts:\n  " DUT_1 ":\n    pdu_off_delay: 5\n");
	set_comment(db, "x");
	assert_file(db_path, "# moved to the lab\nduts:\n  " DUT_1 ":\n    pdu_off_delay: 5\n    comment: x\n");
	assert_true(mars_db_find_dut(db, DUT_1)->pdu_off_delay == 5);
	mars_db_destroy(db);
}

static void promise_5_a_value_that_both_changed_stays_the_admins(void **state)
{
	static const char theirs[] = "duts:\n  " DUT_1 ":\n    pdu_off_delay: 5\n";
	struct mars_db *db = open_db();
	struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "pdu_off_delay"}, MARS_V_INTEGER(7), false};
	struct mars_changes changes = {0};
	struct gw_error err = {0};

	put(db_path, theirs);
	assert_false(mars_db_apply(db, &edit, 1, &changes, &err));
	assert_int_equal(err.kind, GW_BUSY);
	assert_string_equal(err.text, DUT_1 ": this was changed in the file meanwhile; nothing was written");
	assert_file(db_path, theirs);
	edit.over_others = true;
	assert_true(mars_db_apply(db, &edit, 1, &changes, &err));
	assert_file(db_path, "duts:\n  " DUT_1 ":\n    pdu_off_delay: 7\n");
	mars_changes_finish(&changes);
	mars_db_destroy(db);
}

static void a_database_that_vanished_is_not_made_anew(void **state)
{
	struct mars_db *db = open_db();
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "comment"}, MARS_V_TEXT("x"), true};
	struct mars_changes changes = {0};
	struct gw_error err = {0};

	assert_int_equal(unlink(db_path), 0);
	assert_false(mars_db_apply(db, &edit, 1, &changes, &err));
	assert_non_null(strstr(err.text, "nothing was written: cannot open "));
	assert_int_equal(access(db_path, F_OK), -1);
	mars_db_destroy(db);
}

static void a_file_that_is_being_written_is_waited_for_then_left_alone(void **state)
{
	struct mars_db *db = open_db();
	const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "comment"}, MARS_V_TEXT("x"), true};
	struct mars_changes changes = {0};
	struct gw_error err = {0};
	int fd = open(db_path, O_WRONLY | O_APPEND), watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	char event[1024];

	assert_true(inotify_add_watch(watch, dir, IN_MOVED_TO) >= 0);
	assert_false(mars_db_apply(db, &edit, 1, &changes, &err));
	assert_int_equal(err.kind, GW_BUSY);
	assert_non_null(strstr(err.text, "somebody keeps "));
	assert_int_equal(read(watch, event, sizeof(event)),
			 -1); /* it kept its name all the time: a second editor's save is not lost either */
	close(watch);
	assert_int_equal(write(fd, "    comment: by hand\n", 21), 21);
	close(fd);
	assert_file(db_path, FIRST "    comment: by hand\n"); /* the editor still had the right file */
	assert_int_equal(access(temp_path, F_OK), -1);
	mars_db_destroy(db);
}

struct admin { /* counts in its own DUT, by the way that its kind of editor saves */
	bool rename;
	int rounds;
	const bool *done;
};

static int counted(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? atoi(at + strlen(key)) : -1;
}

static bool replace_number(const char *key, int old, int new, const char *by_rename)
{
	char text[4096] = "", head[4096], *at;
	int fd = open(db_path, O_RDWR);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	bool same;

	if (n < 0 || !(at = strstr(text, key)) || counted(text, key) != old) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	snprintf(head, sizeof(head), "%.*s%s%d%s", (int)(at - text), text, key, new,
		 at + strlen(key) + strspn(at + strlen(key), "0123456789"));
	if (by_rename) {
		close(fd);
		put(by_rename, head);
		return rename(by_rename, db_path) == 0;
	}
	same = pwrite(fd, head, strlen(head), 0) == (ssize_t)strlen(head) && ftruncate(fd, (off_t)strlen(head)) == 0;
	close(fd);
	return same;
}

/* An editor writes over what it read: what was saved between its reading and its writing is lost by its doing, as with any editor. So it
 * only ever touches its own DUT, and its own number is what must never be lost. */
static void *admin_saves(void *data)
{
	struct admin *admin = data;
	char mine[320];

	snprintf(mine, sizeof(mine), "%s/admin", dir);
	for (int i = 0; i < admin->rounds; i++) {
		bool alone = false;

		while (!replace_number("pdu_off_delay: ", i, i + 1, admin->rename ? mine : NULL)) {
			if (alone) /* and still it is not there: it was lost */
				return NULL;
			alone = __atomic_load_n(admin->done, __ATOMIC_SEQ_CST);
		}
		usleep(500);
	}
	return NULL;
}

static void race(bool by_rename)
{
	bool done = false;
	struct admin admin = {.rename = by_rename, .rounds = 200, .done = &done};
	struct mars_db *db;
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	pthread_t thread;

	put(db_path, "duts:\n  " DUT_1 ":\n    pdu_off_delay: 0 # the admin's\n");
	db = open_db();
	assert_int_equal(pthread_create(&thread, NULL, admin_saves, &admin), 0);
	for (int i = 0; i < 200; i++) {
		const struct mars_edit edit = {MARS_SET, {"duts", DUT_1, "firmware_boot_time"}, MARS_V_INTEGER(i), true};
		struct gw_error err = {0};

		if (!mars_db_apply(db, &edit, 1, &changes, &err) && err.kind != GW_BUSY && err.kind != GW_BAD_INPUT)
			fail_msg("%s", err.text);
	}
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	assert_true(mars_db_reload(db, &changes, &errs));
	assert_true(mars_db_find_dut(db, DUT_1)->pdu_off_delay == 200); /* each round saw the one before: none was lost */
	assert_int_equal(access(temp_path, F_OK), -1);
	mars_changes_finish(&changes);
	mars_db_destroy(db);
}

static void an_admin_who_renames_never_loses_an_edit(void **state)
{
	race(true);
}

static void an_admin_who_writes_in_place_never_loses_an_edit(void **state)
{
	race(false);
}

/* --- After a kill ------------------------------------------------------------------------------------------------------------------- */

static void an_unfinished_new_file_is_dropped_at_start(void **state)
{
	put(temp_path, "duts: {half of");
	assert_int_equal(chmod(temp_path, 01644), 0); /* the mark of an unfinished save */
	mars_db_destroy(open_db());
	assert_int_equal(access(temp_path, F_OK), -1);
	assert_file(db_path, FIRST);
}

/* As a save leaves it that is killed there. The times are those of its steps. */
static void put_killed_after_the_exchange(void)
{
	put(temp_path, FIRST);
	assert_int_equal(utimensat(AT_FDCWD, temp_path, (const struct timespec[]){{900, 4000000}, {900, 4000000}}, 0), 0);
	put(db_path, NOT_ACKNOWLEDGED);
	assert_int_equal(chmod(db_path, 01644), 0);
	assert_int_equal(utimensat(AT_FDCWD, db_path, (const struct timespec[]){{1000, 0}, {1000, 0}}, 0), 0);
}

static void a_save_killed_after_the_exchange_is_undone_at_start(void **state)
{
	struct stat st;

	put_killed_after_the_exchange();
	mars_db_destroy(open_db());
	assert_file(db_path, FIRST);
	assert_int_equal(access(temp_path, F_OK), -1);
	assert_int_equal(stat(db_path, &st), 0);
	assert_false(st.st_mode & S_ISVTX);
}

/* The save counted already, but was not acknowledged: who had waited for it got the old file, which is about to be dropped. */
static void what_an_admin_saved_into_the_old_file_after_the_kill_is_not_dropped(void **state)
{
	put(temp_path, FIRST "    comment: theirs\n");
	put(db_path, NOT_ACKNOWLEDGED);
	assert_int_equal(utimensat(AT_FDCWD, db_path, (const struct timespec[]){{1000, 4000001}, {1000, 4000001}}, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, temp_path, (const struct timespec[]){{1000, 4000001}, {1000, 4000001}}, 0), 0);
	mars_db_destroy(open_db());
	assert_file(db_path, FIRST "    comment: theirs\n");
	assert_int_equal(access(temp_path, F_OK), -1);
}

static void an_old_file_that_nobody_wrote_is_dropped(void **state)
{
	put(temp_path, FIRST);
	put(db_path, NOT_ACKNOWLEDGED);
	assert_int_equal(utimensat(AT_FDCWD, db_path, (const struct timespec[]){{1000, 4000001}, {1000, 4000001}}, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, temp_path, (const struct timespec[]){{1000, 4000000}, {1000, 4000000}}, 0), 0);
	mars_db_destroy(open_db());
	assert_file(db_path, NOT_ACKNOWLEDGED);
	assert_int_equal(access(temp_path, F_OK), -1);
}

/* Such an edit was lost once: the file was put back as it was before the save. */
static void what_an_admin_saved_after_the_kill_is_not_undone_at_start(void **state)
{
	struct stat st;

	put_killed_after_the_exchange();
	put(db_path, NOT_ACKNOWLEDGED "    local_tty_device: ttyS0 # by hand\n");
	mars_db_destroy(open_db());
	assert_file(db_path, NOT_ACKNOWLEDGED "    local_tty_device: ttyS0 # by hand\n");
	assert_int_equal(access(temp_path, F_OK), -1);
	assert_int_equal(stat(db_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void what_an_admin_saves_during_the_start_is_not_undone_either(void **state)
{
	struct mars_db *db;
	int fd;

	put_killed_after_the_exchange();
	fd = open(db_path, O_WRONLY | O_APPEND | O_CLOEXEC); /* an editor has it open, and has not written yet */
	assert_true(fd >= 0);
	db = open_db();
	assert_int_equal(write(fd, "    local_tty_device: ttyS0\n", 28), 28);
	close(fd);
	mars_db_destroy(db);
	assert_file(db_path, NOT_ACKNOWLEDGED "    local_tty_device: ttyS0\n");
	assert_int_equal(access(temp_path, F_OK), -1);
}

/* One had waited for the old file, the other came to the new one by its name. */
static void what_two_admins_save_after_the_kill_is_in_the_database_and_beside_it(void **state)
{
	char beside[330], *kept;
	struct mars_db *db;
	int fd;

	put_killed_after_the_exchange();
	put(db_path, NOT_ACKNOWLEDGED "    local_tty_device: ttyS0 # by hand\n");
	fd = open(temp_path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	db = open_db();
	assert_int_equal(write(fd, "    comment: by hand\n", 21), 21);
	close(fd);
	assert_file(db_path, FIRST "    comment: by hand\n");
	snprintf(beside, sizeof(beside), "%s.kept-1", db_path);
	assert_file(beside, NOT_ACKNOWLEDGED "    local_tty_device: ttyS0 # by hand\n");
	kept = mars_db_take_kept(db);
	assert_string_equal(kept, beside);
	free(kept);
	mars_db_destroy(db);
	db = open_db(); /* one that was killed may not have told */
	kept = mars_db_take_kept(db);
	assert_string_equal(kept, beside);
	free(kept);
	mars_db_destroy(db);
}

static void what_an_admin_saved_into_the_old_file_and_another_later_into_the_new_one_is_kept(void **state)
{
	char beside[330];

	put(db_path, NOT_ACKNOWLEDGED);
	put(temp_path, FIRST);
	assert_int_equal(utimensat(AT_FDCWD, temp_path, (const struct timespec[]){{4000000000, 1}, {4000000000, 1}}, 0), 0);
	assert_int_equal(utimensat(AT_FDCWD, db_path, (const struct timespec[]){{4000000000, 2}, {4000000000, 2}}, 0), 0);
	mars_db_destroy(open_db());
	assert_file(db_path, NOT_ACKNOWLEDGED);
	snprintf(beside, sizeof(beside), "%s.kept-1", db_path);
	assert_file(beside, FIRST);
}

static void a_save_killed_at_its_very_end_stays(void **state)
{
	struct stat st;

	put(db_path, FIRST "    comment: saved\n");
	assert_int_equal(chmod(db_path, 01644), 0);
	mars_db_destroy(open_db());
	assert_file(db_path, FIRST "    comment: saved\n");
	assert_int_equal(stat(db_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_save_changes_the_file_and_the_database, begin, end),
		cmocka_unit_test_setup_teardown(an_invalid_outcome_is_not_written, begin, end),
		cmocka_unit_test_setup_teardown(the_first_save_makes_the_file, begin, end),
		cmocka_unit_test_setup_teardown(promise_3_mode_and_attributes_are_kept, begin, end),
		cmocka_unit_test_setup_teardown(promise_3_a_symlink_stays_one_and_its_target_is_saved, begin, end),
		cmocka_unit_test_setup_teardown(promise_3_the_owner_is_kept, begin, end),
		cmocka_unit_test_setup_teardown(promise_3_an_owner_that_a_save_could_not_keep_is_refused_at_start, begin, end),
		cmocka_unit_test_setup_teardown(an_admins_edit_that_was_not_seen_yet_is_merged, begin, end),
		cmocka_unit_test_setup_teardown(promise_5_a_value_that_both_changed_stays_the_admins, begin, end),
		cmocka_unit_test_setup_teardown(a_database_that_vanished_is_not_made_anew, begin, end),
		cmocka_unit_test_setup_teardown(a_file_that_is_being_written_is_waited_for_then_left_alone, begin, end),
		cmocka_unit_test_setup_teardown(an_admin_who_renames_never_loses_an_edit, begin, end),
		cmocka_unit_test_setup_teardown(an_admin_who_writes_in_place_never_loses_an_edit, begin, end),
		cmocka_unit_test_setup_teardown(an_unfinished_new_file_is_dropped_at_start, begin, end),
		cmocka_unit_test_setup_teardown(a_save_killed_after_the_exchange_is_undone_at_start, begin, end),
		cmocka_unit_test_setup_teardown(what_an_admin_saved_into_the_old_file_after_the_kill_is_not_dropped, begin, end),
		cmocka_unit_test_setup_teardown(an_old_file_that_nobody_wrote_is_dropped, begin, end),
		cmocka_unit_test_setup_teardown(what_an_admin_saved_after_the_kill_is_not_undone_at_start, begin, end),
		cmocka_unit_test_setup_teardown(what_an_admin_saves_during_the_start_is_not_undone_either, begin, end),
		cmocka_unit_test_setup_teardown(what_two_admins_save_after_the_kill_is_in_the_database_and_beside_it, begin, end),
		cmocka_unit_test_setup_teardown(what_an_admin_saved_into_the_old_file_and_another_later_into_the_new_one_is_kept, begin,
						end),
		cmocka_unit_test_setup_teardown(a_save_killed_at_its_very_end_stays, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
