/* A save that is killed at any of its system calls, or whose call fails, leaves the database as it was before or after: never torn, never
 * with a stray file beside it once it was opened again, and never without an edit that was acknowledged. A call that fails leaves the file
 * and the memory as they were, with a reason. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libmars/save.h"
#include "tests/harness/proc.h"

#define BEFORE "duts:\n  52:54:00:00:00:01:\n    comment: old # by hand\n"
#define AFTER  "duts:\n  52:54:00:00:00:01:\n    comment: new # by hand\n"
enum { SAVED = 0, REFUSED = 4, NOT_OPENED = 5, NOT_ROLLED_BACK = 6, NO_REASON = 7 };

/* What runs under strace. */
static int save(const char *path)
{
	const struct mars_edit edit = {MARS_SET, {"duts", "52:54:00:00:00:01", "comment"}, MARS_V_TEXT("new"), true};
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	struct gw_error err = {0};
	struct mars_db *db = mars_db_open(path, NULL, &errs);
	bool saved;

	if (!db)
		return NOT_OPENED;
	saved = mars_db_apply(db, &edit, 1, &changes, &err);
	if (strcmp(mars_db_find_dut(db, "52:54:00:00:00:01")->comment, saved ? "new" : "old") != 0)
		return NOT_ROLLED_BACK;
	if (!saved && ((!strstr(err.text, "nothing was written") && !strstr(err.text, "nothing was changed")) ||
		       (gw_http_status(err.kind) != 503 && gw_http_status(err.kind) != 507))) {
		fprintf(stderr, "%s (%s)\n", err.text, gw_error_kind_name(err.kind));
		return NO_REASON;
	}
	return saved ? SAVED : REFUSED;
}

static int save_with(const char *fault, const char *call, int when)
{
	char inject[80], trace[80], self[256] = "";
	int status;
	pid_t pid;

	snprintf(inject, sizeof(inject), "inject=%s:%s:when=%d", call, fault, when);
	snprintf(trace, sizeof(trace), "trace=%s", call);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	file_put(tmp_path("strace"), "");
	pid = fork();
	if (pid == 0) {
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which needs ptrace for itself */
		execlp("strace", "strace", "-f", "-o", tmp_path("strace"), "-P", tmp_path("d"), "-P", tmp_path("d/db.yaml"), "-P",
		       tmp_path("d/.db.yaml.new"), "-e", trace, "-e", inject, self, "save", tmp_path("d/db.yaml"), NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		fail_msg("strace cannot be run");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool was_injected(void)
{
	char *log = file_get(tmp_path("strace"));
	bool yes = strstr(log, "INJECTED") || strstr(log, "killed by SIGKILL");

	free(log);
	return yes;
}

static bool file_is(const char *text)
{
	char *now = file_get(tmp_path("d/db.yaml"));
	bool same = strcmp(now, text) == 0;

	free(now);
	return same;
}

static void open_again(void)
{
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_open(tmp_path("d/db.yaml"), NULL, &errs);

	if (!db)
		fail_msg("%s", errs.v[0].text);
	mars_db_destroy(db);
}

static int files_in_folder(void)
{
	DIR *dir = opendir(tmp_path("d"));
	int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 2; /* . and .. */
}

static void check(const char *fault, const char *call, int when, int code)
{
	bool killed = code >= 128;
	struct stat st;

	if (!file_is(BEFORE) && !file_is(AFTER))
		fail_msg("%s at %s %d: the file is torn", fault, call, when);
	if (!killed && !file_is(code == SAVED ? AFTER : BEFORE))
		fail_msg("%s at %s %d: ended with %d, but the file is the other", fault, call, when, code);
	if (code == NOT_ROLLED_BACK || code == NO_REASON)
		fail_msg("%s at %s %d: %s", fault, call, when, code == NO_REASON ? "no reason" : "memory and file disagree");
	open_again();
	if (!killed && !file_is(code == SAVED ? AFTER : BEFORE))
		fail_msg("%s at %s %d: opening it again made it wrong", fault, call, when);
	if (!file_is(BEFORE) && !file_is(AFTER))
		fail_msg("%s at %s %d: opening it again tore it", fault, call, when);
	assert_int_equal(stat(tmp_path("d/db.yaml"), &st), 0);
	if (files_in_folder() != 1 || (st.st_mode & 07777) != 0640)
		fail_msg("%s at %s %d: %d files, mode %o", fault, call, when, files_in_folder(), st.st_mode & 07777);
}

/* Returns how many faults there were. */
static int fault_each(const char *fault, const char *call)
{
	int when = 1;

	for (; when < 200; when++) {
		int code;

		file_put(tmp_path("d/db.yaml"), BEFORE);
		assert_int_equal(chmod(tmp_path("d/db.yaml"), 0640), 0);
		code = save_with(fault, call, when);
		check(fault, call, when, code);
		if (!was_injected())
			return when - 1;
	}
	fail_msg("%s at %s: never through", fault, call);
	return 0;
}

/* The calls are counted from the first one that touches the database, its directory or the new file. */
static void fault_everywhere(const char *fault, const char *const *calls)
{
	int injected = 0;

	mkdir(tmp_path("d"), 0755);
	for (; *calls; calls++)
		injected += fault_each(fault, *calls);
	printf("%d times %s\n", injected, fault);
	assert_true(injected >= 6);
}

static const char *const all_calls[] = {"openat", "read",      "pread64",           "write",      "fsync",
					"fchmod", "renameat2", "unlinkat",          "newfstatat", "flistxattr",
					"fcntl",  "close",     "inotify_add_watch", "utimensat",  NULL};

static void promise_1_a_save_may_be_killed_at_any_call(void **state)
{
	fault_everywhere("signal=KILL", all_calls);
}

static void promise_3_the_calls_of_a_save_come_in_their_order(void **state)
{
	static const char *const order[] = {"fsync(", ", 01640)", "RENAME_EXCHANGE", ", 0640)", "fsync(", "fsync(", "unlinkat(", NULL};
	char *log, *at;

	mkdir(tmp_path("d"), 0755);
	file_put(tmp_path("d/db.yaml"), BEFORE);
	assert_int_equal(chmod(tmp_path("d/db.yaml"), 0640), 0);
	assert_int_equal(save_with("error=EIO", "fsync,fchmod,renameat2,unlinkat", 99), SAVED);
	at = log = file_get(tmp_path("strace"));
	for (int i = 0; order[i]; i++) {
		char *found = strstr(at, order[i]);

		if (!found)
			fail_msg("no %s, the %d. of its order, in:\n%s", order[i], i + 1, log);
		at = found + 1;
	}
	free(log);
}

/* The calls that a full, worn or read-only disk, or too many open files, may fail. */
static const char *const writing[] = {"openat", "write", "utimensat", "fsync", "fchmod", "renameat2", "unlinkat", NULL};

static void promise_4_a_full_disk_leaves_the_old_file(void **state)
{
	fault_everywhere("error=ENOSPC", writing);
}

static void promise_4_a_quota_leaves_the_old_file(void **state)
{
	fault_everywhere("error=EDQUOT", writing);
}

static void promise_4_a_broken_disk_leaves_the_old_file(void **state)
{
	static const char *const calls[] = {"openat", "pread64",   "write",    "utimensat",  "fsync",
					    "fchmod", "renameat2", "unlinkat", "flistxattr", NULL};

	fault_everywhere("error=EIO", calls);
}

static void promise_4_a_read_only_disk_leaves_the_old_file(void **state)
{
	fault_everywhere("error=EROFS", writing);
}

static void promise_4_too_many_open_files_leave_the_old_file(void **state)
{
	static const char *const calls[] = {"openat", NULL};

	fault_everywhere("error=EMFILE", calls);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_1_a_save_may_be_killed_at_any_call),
		cmocka_unit_test(promise_3_the_calls_of_a_save_come_in_their_order),
		cmocka_unit_test(promise_4_a_full_disk_leaves_the_old_file),
		cmocka_unit_test(promise_4_a_quota_leaves_the_old_file),
		cmocka_unit_test(promise_4_a_broken_disk_leaves_the_old_file),
		cmocka_unit_test(promise_4_a_read_only_disk_leaves_the_old_file),
		cmocka_unit_test(promise_4_too_many_open_files_leave_the_old_file),
	};

	if (argc == 3 && strcmp(argv[1], "save") == 0)
		return save(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
