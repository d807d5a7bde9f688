/* A save that is killed at any of its system calls, or whose call fails, leaves the database as it was before or after: never torn, never
 * with a stray file beside it once it was opened again, and never without an edit that was acknowledged. */
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
enum { SAVED = 0, REFUSED = 4 };

/* What runs under strace. */
static int save(const char *path)
{
	const struct mars_edit edit = {MARS_SET, {"duts", "52:54:00:00:00:01", "comment"}, MARS_V_TEXT("new"), true};
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_open(path, NULL, &errs);

	return db && mars_db_apply(db, &edit, 1, &changes, NULL) ? SAVED : REFUSED;
}

static int save_with(const char *fault, const char *call, int when)
{
	char inject[80], trace[80], self[256] = "";
	int status;
	pid_t pid;

	snprintf(inject, sizeof(inject), "inject=%s:%s:when=%d", call, fault, when);
	snprintf(trace, sizeof(trace), "trace=%s", call);
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	pid = fork();
	if (pid == 0) {
		setenv("ASAN_OPTIONS", "detect_leaks=0", 1); /* which needs ptrace for itself */
		execlp("strace", "strace", "-f", "-o", tmp_path("strace"), "-e", trace, "-e", inject, self, "save", tmp_path("d/db.yaml"),
		       NULL);
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
	struct stat st;

	if (!file_is(BEFORE) && !file_is(AFTER))
		fail_msg("%s at %s %d: the file is torn", fault, call, when);
	if (code == SAVED && !file_is(AFTER))
		fail_msg("%s at %s %d: an acknowledged edit is lost", fault, call, when);
	open_again();
	if (!file_is(code == SAVED ? AFTER : BEFORE) && (code == SAVED || !file_is(AFTER)))
		fail_msg("%s at %s %d: opening it again made it wrong", fault, call, when);
	assert_int_equal(stat(tmp_path("d/db.yaml"), &st), 0);
	if (files_in_folder() != 1 || (st.st_mode & 07777) != 0640)
		fail_msg("%s at %s %d: %d files, mode %o", fault, call, when, files_in_folder(), st.st_mode & 07777);
}

static void fault_everywhere(const char *fault)
{
	static const char *const calls[] = {"openat", "write", "fsync", "fchmod", "renameat2", "unlinkat", "fcntl", "flistxattr"};
	int injected = 0;

	mkdir(tmp_path("d"), 0755);
	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++)
		for (int when = 1; when < 100; when++) {
			int code;

			file_put(tmp_path("d/db.yaml"), BEFORE);
			assert_int_equal(chmod(tmp_path("d/db.yaml"), 0640), 0);
			code = save_with(fault, calls[c], when);
			check(fault, calls[c], when, code);
			if (!was_injected())
				break;
			injected++;
		}
	assert_true(injected > 15);
}

static void a_save_may_be_killed_at_any_call(void **state)
{
	fault_everywhere("signal=KILL");
}

static void any_call_of_a_save_may_fail(void **state)
{
	fault_everywhere("error=ENOSPC");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_save_may_be_killed_at_any_call),
		cmocka_unit_test(any_call_of_a_save_may_fail),
	};

	if (argc == 3 && strcmp(argv[1], "save") == 0)
		return save(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
