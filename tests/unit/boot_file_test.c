#include <errno.h>
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

#include "bootsd/boot_file.h"

#define T(text) ((char[]){text})

static char folder[64];
static int root;

static void put(const char *name, const char *text)
{
	int fd = openat(root, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/boot_file_test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	root = open(folder, O_PATH | O_DIRECTORY);
	put("a", "first, ");
	put("empty", "");
	put("b", "second");
	return root < 0;
}

static int teardown(void **state)
{
	char command[128];

	close(root);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void several_artifacts_read_as_one(void **state)
{
	char *names[] = {T("a"), T("empty"), T("b"), T("empty")}, got[64];
	struct msg_boot_file from = {.path = T("/x"), .artifacts = {names, 4}};
	struct gw_error err = {0};
	struct boot_file *file = boot_file_create(root, &from, &err);

	assert_non_null(file);
	assert_int_equal(file->size, 13);
	for (uint64_t at = 0; at <= 14; at++) {
		for (size_t n = 0; n <= 14; n++) {
			ssize_t r = boot_file_read(file, got, n, at);
			size_t left = at < 13 ? 13 - (size_t)at : 0;

			assert_int_equal(r, n < left ? n : left);
			assert_memory_equal(got, "first, second" + (at < 13 ? at : 13), (size_t)r);
		}
	}
	boot_file_release(file);
}

static void a_file_of_no_bytes_and_of_no_artifacts_is_empty(void **state)
{
	struct msg_boot_file from = {.path = T("/x")};
	struct boot_file *file = boot_file_create(root, &from, NULL);
	char got[4];

	assert_non_null(file);
	assert_int_equal(boot_file_read(file, got, sizeof(got), 0), 0);
	boot_file_release(file);
}

static void what_is_deployed_stays_when_the_cache_forgets_it(void **state)
{
	char *names[] = {T("a")}, got[16] = "";
	struct msg_boot_file from = {.path = T("/x"), .artifacts = {names, 1}};
	struct boot_file *file = boot_file_create(root, &from, NULL);

	assert_int_equal(unlinkat(root, "a", 0), 0);
	assert_int_equal(boot_file_read(file, got, sizeof(got), 0), 7);
	assert_string_equal(got, "first, ");
	boot_file_release(file);
}

static void a_file_that_shrank_is_an_error_not_an_end(void **state)
{
	char *names[] = {T("b")}, got[16];
	struct msg_boot_file from = {.path = T("/x"), .artifacts = {names, 1}};
	struct boot_file *file = boot_file_create(root, &from, NULL);

	put("b", "sec");
	assert_int_equal(boot_file_read(file, got, sizeof(got), 0), -1);
	assert_int_equal(errno, EIO);
	boot_file_release(file);
}

static void only_regular_files_beneath_the_root_are_opened(void **state)
{
	static const struct {
		const char *name, *error;
	} bads[] = {
		{"../etc/passwd", "artifact '../etc/passwd' cannot be opened: Invalid cross-device link"},
		{"/etc/passwd", "artifact '/etc/passwd' cannot be opened: Invalid cross-device link"},
		{"link", "artifact 'link' cannot be opened: Too many levels of symbolic links"},
		{"way/b", "artifact 'way/b' cannot be opened: Too many levels of symbolic links"},
		{"fifo", "artifact 'fifo' is not a regular file"},
		{".", "artifact '.' is not a regular file"},
		{"", "artifact '' cannot be opened: No such file or directory"},
		{"B", "artifact 'B' cannot be opened: No such file or directory"},
	};

	assert_int_equal(symlinkat("b", root, "link") | symlinkat(".", root, "way") | mkfifoat(root, "fifo", 0644), 0);
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct gw_error err = {0};
		uint64_t size;

		assert_int_equal(boot_open_beneath(root, bads[i].name, &size, &err), -1);
		assert_string_equal(err.text, bads[i].error);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(several_artifacts_read_as_one),
		TEST(a_file_of_no_bytes_and_of_no_artifacts_is_empty),
		TEST(what_is_deployed_stays_when_the_cache_forgets_it),
		TEST(a_file_that_shrank_is_an_error_not_an_end),
		TEST(only_regular_files_beneath_the_root_are_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
