#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libgateway/buffer.h"
#include "libgateway/files.h"
#include "libgateway/log.h"
#include "libgateway/utf8.h"

static char dir[64];

static int setup(void **state)
{
	strcpy(dir, "/tmp/files_test.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

static char *in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static void leave_behind(const char *name, mode_t mode)
{
	int fd = open(in_dir(name), O_WRONLY | O_CREAT, mode);

	assert_true(fd >= 0);
	close(fd);
}

static void a_saved_file_is_whole_and_has_its_mode(void **state)
{
	struct gw_error err = {0};
	struct stat st;
	size_t len;
	char *text;

	assert_true(file_save(in_dir("a"), "one", 3, 0600, &err));
	leave_behind("a.new", 0644); /* by a save that was killed */
	assert_true(file_save(in_dir("a"), "three", 5, 0600, &err));
	text = file_read(in_dir("a"), 100, &len, &err);
	assert_string_equal(text, "three");
	assert_int_equal(len, 5);
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(text);
}

static void a_failed_save_leaves_the_old_file_and_nothing_else(void **state)
{
	struct gw_error err = {0};

	assert_true(dir_make(in_dir("b/c"), 0755, &err));
	assert_int_equal(mkdir(in_dir("b/c/file"), 0755), 0); /* a folder in the way of the rename */
	assert_false(file_save(in_dir("b/c/file"), "x", 1, 0600, &err));
	assert_int_equal(rmdir(in_dir("b/c/file")), 0);
	assert_int_equal(rmdir(in_dir("b/c")), 0); /* empty: no temp file is left */
}

static void reading_is_bounded_and_a_missing_file_is_named(void **state)
{
	struct gw_error err = {0};
	size_t len;

	assert_true(file_save(in_dir("long"), "0123456789", 10, 0600, &err));
	assert_null(file_read(in_dir("long"), 9, &len, &err));
	assert_int_equal(err.kind, GW_BAD_INPUT);
	assert_null(file_read(in_dir("none"), 9, &len, &err));
	assert_int_equal(err.kind, GW_NOT_FOUND);
	assert_null(file_read(dir, 9, &len, &err));
	assert_true(file_remove(in_dir("none"), &err));
}

static void a_lock_names_its_holder_and_goes_with_it(void **state)
{
	struct gw_error err = {0};
	struct file_lock lock = {0};
	int up[2], down[2], status;
	char byte, expected[256];
	pid_t child;

	assert_int_equal(pipe(up) | pipe(down), 0);
	child = fork();
	if (child == 0) {
		bool ok = file_lock_take(&lock, in_dir("lock"), &err) && write(up[1], "x", 1) == 1 && read(down[0], &byte, 1) == 1;
		_exit(ok ? 0 : 1);
	}
	assert_int_equal(read(up[0], &byte, 1), 1);
	assert_int_equal(file_lock_holder(in_dir("lock")), child);
	assert_false(file_lock_take(&lock, in_dir("lock"), &err));
	snprintf(expected, sizeof(expected), "%s: process %d already runs", in_dir("lock"), (int)child);
	assert_string_equal(err.text, expected);
	assert_int_equal(err.kind, GW_BUSY);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(file_lock_take(&lock, in_dir("lock"), &err));
	file_lock_finish(&lock);
}

static int new_file(const char *name)
{
	int fd = open(in_dir(name), O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* Closes it. */
static void assert_holds(int fd, const char *name, const char *text, size_t n)
{
	struct gw_error err = {0};
	size_t len;
	char *is;

	close(fd);
	is = file_read(in_dir(name), 1 << 20, &len, &err);
	assert_non_null(is);
	assert_int_equal(len, n);
	assert_memory_equal(is, text, n);
	free(is);
}

/* The kernel takes what fits below the limit, and refuses the rest. */
static void what_is_written_in_part_goes_on_behind_it(void **state)
{
	static const char text[1500] = {'x'};
	int fd = new_file("part");
	struct rlimit before, small;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = (struct rlimit){1000, before.rlim_max};
	assert_true(file_write_all(fd, text, 0));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_false(file_write_all(fd, text, sizeof(text)));
	assert_int_equal(errno, EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(file_write_all(fd, text + 1000, 500));
	assert_holds(fd, "part", text, sizeof(text));
}

static void a_copy_begins_and_ends_where_it_is_told(void **state)
{
	int from = new_file("from"), to = new_file("to");
	off_t at = 2;

	assert_true(file_write_all(from, "0123456789", 10));
	assert_int_equal(file_copy_some(from, &at, to, 3), 3);
	assert_int_equal(at, 5);
	assert_int_equal(lseek(from, 0, SEEK_CUR), 10);
	assert_int_equal(lseek(from, 8, SEEK_SET), 8);
	assert_int_equal(file_copy_some(from, NULL, to, SIZE_MAX), 2);
	assert_int_equal(file_copy_some(from, NULL, to, SIZE_MAX), 0);
	close(from);
	assert_holds(to, "to", "23489", 5);
}

/* From a pipe, and from a file that the kernel makes up as it is read. */
static void what_the_kernel_does_not_copy_is_read(void **state)
{
	int ends[2], to = new_file("read"), made_up = open("/proc/version", O_RDONLY);
	off_t at = 6;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "Linux and ", 10), 10);
	close(ends[1]);
	assert_int_equal(file_copy_some(ends[0], NULL, to, 6), 6);
	assert_int_equal(file_copy_some(made_up, &at, to, 7), 7);
	assert_int_equal(at, 13);
	assert_int_equal(file_copy_some(ends[0], NULL, to, 100), 4);
	assert_int_equal(file_copy_some(ends[0], NULL, to, 100), 0);
	close(ends[0]);
	close(made_up);
	assert_holds(to, "read", "Linux versionand ", 17);
}

static void a_copy_that_fails_says_why(void **state)
{
	int from = new_file("some"), full = open("/dev/full", O_WRONLY);
	off_t at = 0;

	assert_true(file_write_all(from, "0123456789", 10));
	assert_int_equal(file_copy_some(from, &at, full, 10), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(file_copy_some(-1, &at, full, 10), -1);
	assert_int_equal(errno, EBADF);
	close(from);
	close(full);
}

/* A peer of the group, with another user, looks up who holds it; nobody else takes it. */
static void a_lock_can_be_read_by_its_group_whatever_the_umask(void **state)
{
	struct gw_error err = {0};
	struct file_lock lock = {0};
	struct stat st;
	mode_t before = umask(077);

	assert_true(file_lock_take(&lock, in_dir("readable"), &err));
	umask(before);
	assert_int_equal(stat(in_dir("readable"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	file_lock_finish(&lock);
}

static void a_buffer_keeps_its_limit(void **state)
{
	struct buffer buf = {.max = 8};

	assert_true(buffer_printf(&buf, "%s", "12345678"));
	assert_false(buffer_add(&buf, "9", 1));
	assert_string_equal(buf.data, "12345678");
	buffer_drop(&buf, 6);
	assert_string_equal(buf.data, "78");
	assert_true(buffer_add(&buf, "abcdef", 6));
	assert_string_equal(buf.data, "78abcdef");
	buffer_finish(&buf);
}

static void bytes_are_escaped_and_cut(void **state)
{
	char out[32];

	assert_string_equal(log_escape(out, sizeof(out), "a\n\x1b\\b", 5), "a\\x0a\\x1b\\x5cb");
	assert_string_equal(log_escape(out, 10, "0123456789abcdef", 16), "012345...");
	assert_string_equal(log_escape(out, 1, "abc", 3), "");
}

static void utf8_is_strict(void **state)
{
	static const char *const good[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
					  "\xc3"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(utf8_sequence(good[i], strlen(good[i])), strlen(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(utf8_sequence(bad[i], strlen(bad[i])), 0);
	assert_int_equal(utf8_prefix("ab\xff", 3), 2);
}

static void versions_differ(void **state)
{
	char a[FILE_VERSION_SIZE], b[FILE_VERSION_SIZE];

	file_make_version(a);
	file_make_version(b);
	assert_int_equal(strlen(a), FILE_VERSION_SIZE - 1);
	assert_string_not_equal(a, b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_saved_file_is_whole_and_has_its_mode),
		cmocka_unit_test(a_failed_save_leaves_the_old_file_and_nothing_else),
		cmocka_unit_test(reading_is_bounded_and_a_missing_file_is_named),
		cmocka_unit_test(what_is_written_in_part_goes_on_behind_it),
		cmocka_unit_test(a_copy_begins_and_ends_where_it_is_told),
		cmocka_unit_test(what_the_kernel_does_not_copy_is_read),
		cmocka_unit_test(a_copy_that_fails_says_why),
		cmocka_unit_test(a_lock_names_its_holder_and_goes_with_it),
		cmocka_unit_test(a_lock_can_be_read_by_its_group_whatever_the_umask),
		cmocka_unit_test(a_buffer_keeps_its_limit),
		cmocka_unit_test(bytes_are_escaped_and_cut),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(versions_differ),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
