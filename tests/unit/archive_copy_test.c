/* The archive of a submission, from memory or from the middle of a file, into a file of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executord/archive_copy.h"
#include "libgateway/files.h"

#define SIZE (3U << 20)

static char folder[] = "/tmp/archive_copy_test.XXXXXX", path[64];

static int setup(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/JOB.tar", folder);
	return 0;
}

static int teardown(void **state)
{
	return rmdir(folder); /* which is empty */
}

static char *some_bytes(void)
{
	char *bytes = gw_calloc(SIZE, 1);

	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 31 + i / 4099);
	return bytes;
}

static void assert_copied(const struct archive_copy *copy, const char *bytes)
{
	struct gw_error err = {0};
	struct stat is;
	size_t len;
	char *got;

	assert_true(archive_copy_to(copy, path, &err));
	assert_int_equal(stat(path, &is), 0);
	assert_int_equal(is.st_mode, S_IFREG | 0640);
	got = file_read(path, SIZE, &len, &err);
	assert_non_null(got);
	assert_int_equal(len, copy->len);
	assert_memory_equal(got, bytes, len);
	free(got);
	assert_int_equal(unlink(path), 0);
}

static void it_comes_from_memory(void **state)
{
	char *bytes = some_bytes();
	struct archive_copy copy = {.bytes = bytes, .len = 100000};

	assert_true(archive_copy_is_wanted(&copy));
	assert_copied(&copy, bytes);
	archive_copy_finish(&copy);
	assert_false(archive_copy_is_wanted(&copy));
}

/* From the same file system, and from another one, which it may have to be read from. */
static void it_comes_from_the_middle_of_a_file(void **state)
{
	static const uint64_t ranges[][2] = {{0, SIZE}, {0, 1}, {4095, 4097}, {4096, 4096}, {12345, 2 << 20}, {SIZE - 1, 1}};
	char *bytes = some_bytes();
	int fds[] = {open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), memfd_create("body", MFD_CLOEXEC)};

	for (size_t f = 0; f < 2; f++) {
		if (fds[f] < 0)
			continue; /* a file system without such files */
		assert_int_equal(write(fds[f], bytes, SIZE), SIZE);
		for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
			const struct archive_copy copy = {.fd = fds[f], .from = ranges[i][0], .len = ranges[i][1]};

			assert_copied(&copy, bytes + ranges[i][0]);
		}
		close(fds[f]);
	}
	free(bytes);
}

static void what_cannot_be_copied_leaves_no_file(void **state)
{
	int fd = memfd_create("body", MFD_CLOEXEC);
	const struct archive_copy copy = {.fd = fd, .from = 0, .len = SIZE};
	struct gw_error err = {0};

	assert_int_equal(write(fd, "short", 5), 5);
	assert_false(archive_copy_to(&copy, path, &err));
	assert_string_equal(err.text, "the archive cannot be kept: Input/output error");
	assert_int_equal(access(path, F_OK), -1);
	close(fd);
}

static void a_file_that_is_there_is_left_alone(void **state)
{
	const struct archive_copy copy = {.bytes = (char *)"new", .len = 3};
	struct gw_error err = {0};
	char *got;

	assert_true(file_save(path, "old", 3, 0600, &err));
	assert_false(archive_copy_to(&copy, path, &err));
	assert_string_equal(err.text, "the archive cannot be kept: File exists");
	assert_int_equal(err.kind, GW_UNREACHABLE);
	got = file_read(path, 100, NULL, &err);
	assert_string_equal(got, "old");
	free(got);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_comes_from_memory),
		cmocka_unit_test(it_comes_from_the_middle_of_a_file),
		cmocka_unit_test(what_cannot_be_copied_leaves_no_file),
		cmocka_unit_test(a_file_that_is_there_is_left_alone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
