/* Editors that save in the midst of a save, at the very call that is named: the linker leads libmars' calls through here. Nobody's edit may
 * be lost; where the database cannot have both, a file beside it has the other. libmars/exchange.h tells the stories. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
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

#include "libmars/save.h"

#define DUT_1 "52:54:00:00:00:01"
#define FIRST "# the farm\nduts:\n  " DUT_1 ":\n    pdu_off_delay: 30 # slow capacitors\n"

static char dir[256], db_path[300], temp_path[300];

/* ---- what happens at which call ---- */

static struct {
	void (*before_swap[4])(void), (*after_swap[4])(void); /* the first has index 1 */
	void (*in_sync)(void);                                /* the first fsync after the first swap */
	bool sync_fails, no_write_leases;
	bool time_passes; /* a second each time that libmars looks at the clock; else none, however long an editor is kept from running */
	int swaps, now;
} plan;

static void run(void (**what)(void))
{
	void (*now)(void) = *what;

	*what = NULL;
	if (now)
		now();
}

int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
	int rc, swap = flags & RENAME_EXCHANGE ? ++plan.swaps : 0;

	if (swap && swap < 4)
		run(&plan.before_swap[swap]);
	rc = __real_renameat2(from_dir, from, to_dir, to, flags);
	if (swap && swap < 4)
		run(&plan.after_swap[swap]);
	return rc;
}

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	if (plan.swaps == 0)
		return __real_fsync(fd);
	run(&plan.in_sync);
	errno = EIO;
	return plan.sync_fails ? -1 : __real_fsync(fd);
}

int __real_fcntl64(int fd, int what, ...);
int __wrap_fcntl64(int fd, int what, ...);
int __wrap_fcntl64(int fd, int what, ...)
{
	va_list args;
	long value;

	va_start(args, what);
	value = va_arg(args, long);
	va_end(args);
	errno = EAGAIN;
	return what == F_SETLEASE && value == F_WRLCK && plan.no_write_leases ? -1 : __real_fcntl64(fd, what, value);
}

int __real_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock != CLOCK_MONOTONIC)
		return __real_clock_gettime(clock, now);
	plan.now += plan.time_passes;
	*now = (struct timespec){plan.now};
	return 0;
}

/* ---- files ---- */

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static const char *get(const char *path)
{
	static char texts[4][4096];
	static unsigned next;
	char *text = texts[next++ % 4];
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(texts[0]) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void assert_has(const char *path, const char *part)
{
	const char *text = get(path);

	if (!strstr(text, part))
		fail_msg("%s has no '%s':\n%s", path, part, text);
}

static const char *kept_path(int n)
{
	static char path[320];

	snprintf(path, sizeof(path), "%s.kept-%d", db_path, n);
	return path;
}

/* ---- editors ---- */

/* Each adds a line of its own: in place, or to what it read, in a new file that is renamed over. */
struct editor {
	const char *line;
	bool in_place, holds; /* holds: until something is kept */
	pthread_t thread;
};
static struct editor w = {"# by W\n", true, false, 0}, e = {"# by E\n", true, false, 0}, r = {"# by R\n", false, false, 0};

static void add_line(const struct editor *editor, char *text, size_t used, int fd)
{
	char beside[300];

	if (editor->in_place) {
		assert_int_equal(write(fd, editor->line, strlen(editor->line)), strlen(editor->line));
		return;
	}
	snprintf(text + used, 4096 - used, "%s", editor->line);
	snprintf(beside, sizeof(beside), "%s/%c", dir, editor->line[5]);
	put(beside, text);
	assert_int_equal(rename(beside, db_path), 0);
}

static void await_kept(void)
{
	int watch = inotify_init1(IN_CLOEXEC);
	char events[4096];

	assert_true(inotify_add_watch(watch, dir, IN_MOVED_TO) >= 0);
	while (access(kept_path(1), F_OK) < 0)
		assert_true(read(watch, events, sizeof(events)) > 0);
	close(watch);
}

static void *edit(void *data)
{
	const struct editor *editor = data;
	char text[4096];
	int fd = open(db_path, (editor->in_place ? O_WRONLY | O_APPEND : O_RDONLY) | O_CLOEXEC);
	ssize_t n = 0;

	assert_true(fd >= 0);
	if (editor->holds)
		await_kept();
	if (!editor->in_place)
		n = read(fd, text, sizeof(text) - 1);
	assert_true(n >= 0);
	add_line(editor, text, (size_t)n, fd);
	close(fd);
	return NULL;
}

/* Until it waits for a lease of ours: its holder is told by this signal. */
static void begin_edit(struct editor *editor)
{
	sigset_t told;

	sigemptyset(&told);
	sigaddset(&told, SIGURG);
	assert_int_equal(pthread_create(&editor->thread, NULL, edit, editor), 0);
	assert_int_equal(sigtimedwait(&told, NULL, &(struct timespec){60, 0}), SIGURG);
}

static void end_edit(struct editor *editor)
{
	pthread_join(editor->thread, NULL);
}

static void w_comes(void)
{
	begin_edit(&w);
}

static void e_comes(void)
{
	begin_edit(&e);
}

static void e_edits_at_once(void)
{
	edit(&e);
}

static void r_comes(void)
{
	begin_edit(&r);
}

static void x_renames(void)
{
	char beside[300];

	snprintf(beside, sizeof(beside), "%s/x", dir);
	put(beside, FIRST "# by X\n");
	assert_int_equal(rename(beside, db_path), 0);
}

/* ---- the save ---- */

static struct mars_db *db;

static int begin(void **state)
{
	struct gw_errors errs = {0};
	sigset_t told;

	sigemptyset(&told);
	sigaddset(&told, SIGURG);
	while (sigtimedwait(&told, NULL, &(struct timespec){0}) == SIGURG)
		; /* of the test before */
	w.holds = false;
	memset(&plan, 0, sizeof(plan));
	snprintf(dir, sizeof(dir), "%s/mars_between.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(db_path, sizeof(db_path), "%s/mars_db.yaml", dir);
	snprintf(temp_path, sizeof(temp_path), "%s/.mars_db.yaml.new", dir);
	put(db_path, FIRST);
	db = mars_db_open(db_path, NULL, &errs);
	assert_non_null(db);
	return 0;
}

static int end(void **state)
{
	char command[300];

	mars_db_destroy(db);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static bool save(struct gw_error *err)
{
	const struct mars_edit comment = {MARS_SET, {"duts", DUT_1, "comment"}, MARS_V_TEXT("ours"), false};
	struct mars_changes changes = {0};
	bool ok = mars_db_apply(db, &comment, 1, &changes, err);

	mars_changes_finish(&changes);
	assert_int_equal(access(temp_path, F_OK), -1);
	return ok;
}

static void assert_saved(void)
{
	struct gw_error err = {0};

	if (!save(&err))
		fail_msg("%s", err.text);
}

static void assert_nothing_kept(void)
{
	char *kept = mars_db_take_kept(db);

	assert_null(kept);
	assert_int_equal(access(kept_path(1), F_OK), -1);
}

static void promise_5_two_who_write_in_place_around_an_undone_exchange_lose_nothing(void **state)
{
	plan.before_swap[1] = w_comes;
	plan.after_swap[1] = e_comes;
	assert_saved();
	end_edit(&w);
	end_edit(&e);
	assert_has(db_path, "# by W\n");
	assert_has(db_path, "# by E\n");
	assert_has(db_path, "comment: ours");
	assert_nothing_kept();
}

static void promise_5_of_two_who_write_in_place_one_does_not_wait_for_the_other_for_ever(void **state)
{
	char *kept;

	w.holds = plan.time_passes = true;
	plan.before_swap[1] = w_comes;
	plan.after_swap[1] = e_comes;
	assert_saved();
	end_edit(&w);
	end_edit(&e);
	assert_has(db_path, "# by W\n");
	assert_has(db_path, "comment: ours");
	assert_has(kept_path(1), "# by E\n");
	kept = mars_db_take_kept(db);
	assert_string_equal(kept, kept_path(1));
	free(kept);
}

static void promise_5_who_reads_the_new_file_before_it_is_undone_reads_what_the_other_wrote(void **state)
{
	plan.before_swap[1] = w_comes;
	plan.after_swap[1] = r_comes;
	save(&(struct gw_error){0}); /* R may save behind it, on what it had read */
	end_edit(&w);
	end_edit(&r);
	assert_has(db_path, "# by W\n");
	assert_has(db_path, "# by R\n");
	assert_nothing_kept();
}

/* `sed -i` twice, one after the other: the second read a file without what the first had done, once. */
static void promise_5_who_reads_where_an_editor_has_just_renamed_reads_that(void **state)
{
	plan.before_swap[1] = x_renames;
	plan.after_swap[1] = r_comes;
	save(&(struct gw_error){0});
	end_edit(&r);
	assert_has(db_path, "# by X\n");
	assert_has(db_path, "# by R\n");
	assert_nothing_kept();
}

static void promise_5_a_rename_over_the_new_file_is_left_where_it_is(void **state)
{
	plan.in_sync = x_renames;
	assert_saved();
	assert_has(db_path, "# by X\n");
	assert_has(db_path, "comment: ours");
	assert_int_equal(plan.swaps, 2); /* one a round: the old file never had the name again */
	assert_nothing_kept();
}

/* What no system call can prevent. */
static void promise_5_a_rename_in_the_moment_of_the_undoing_loses_neither_text(void **state)
{
	char want[700], *kept;

	plan.before_swap[1] = w_comes;
	plan.before_swap[2] = x_renames;
	assert_saved();
	end_edit(&w);
	assert_has(db_path, "# by X\n");
	assert_has(db_path, "comment: ours");
	assert_string_equal(get(kept_path(1)), FIRST "# by X\n"); /* who had read the file from before could undo it */
	assert_string_equal(get(kept_path(2)), FIRST "# by W\n");
	kept = mars_db_take_kept(db);
	snprintf(want, sizeof(want), "%s.kept-1, %s.kept-2", db_path, db_path);
	assert_string_equal(kept, want);
	free(kept);
	assert_null(mars_db_take_kept(db));
}

static void promise_5_where_there_are_no_leases_the_other_edit_is_kept_beside_it(void **state)
{
	char *kept;

	plan.no_write_leases = true;
	plan.before_swap[1] = w_comes;
	plan.after_swap[1] = e_edits_at_once;
	assert_saved();
	end_edit(&w);
	assert_has(db_path, "# by W\n");
	assert_has(db_path, "comment: ours");
	assert_has(kept_path(1), "# by E\n");
	kept = mars_db_take_kept(db);
	assert_string_equal(kept, kept_path(1));
	free(kept);
}

static void promise_5_without_leases_an_edit_of_the_new_file_stays_if_it_is_the_only_one(void **state)
{
	plan.no_write_leases = true;
	plan.in_sync = e_edits_at_once;
	plan.sync_fails = true;
	assert_false(save(&(struct gw_error){0}));
	assert_has(db_path, "# by E\n");
	assert_nothing_kept();
}

/* It counted as saved, once: the new file was taken for one that somebody had edited, and stayed. */
static void promise_4_a_sync_that_fails_after_the_exchange_leaves_the_old_file(void **state)
{
	struct gw_error err = {0};

	plan.sync_fails = true;
	assert_false(save(&err));
	assert_non_null(strstr(err.text, "cannot write the directory of "));
	assert_string_equal(get(db_path), FIRST);
	assert_null(mars_db_find_dut(db, DUT_1)->comment);
	assert_nothing_kept();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(promise_5_two_who_write_in_place_around_an_undone_exchange_lose_nothing),
		TEST(promise_5_of_two_who_write_in_place_one_does_not_wait_for_the_other_for_ever),
		TEST(promise_5_who_reads_the_new_file_before_it_is_undone_reads_what_the_other_wrote),
		TEST(promise_5_who_reads_where_an_editor_has_just_renamed_reads_that),
		TEST(promise_5_a_rename_over_the_new_file_is_left_where_it_is),
		TEST(promise_5_a_rename_in_the_moment_of_the_undoing_loses_neither_text),
		TEST(promise_5_where_there_are_no_leases_the_other_edit_is_kept_beside_it),
		TEST(promise_5_without_leases_an_edit_of_the_new_file_stays_if_it_is_the_only_one),
		TEST(promise_4_a_sync_that_fails_after_the_exchange_leaves_the_old_file),
	};
	sigset_t told;

	sigemptyset(&told);
	sigaddset(&told, SIGURG);
	pthread_sigmask(SIG_BLOCK, &told, NULL); /* in all threads */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
