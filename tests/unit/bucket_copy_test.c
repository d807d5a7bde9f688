/* Copies where the file system can neither link a file once more (65,000 times on ext4) nor copy in the kernel: the bytes are read and
 * written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/bucket_store_kit.h"

static struct {
	int link_error, copy_error; /* 0: it works */
	int links, copies;
} fs;

int __wrap_linkat(int, const char *, int, const char *, int);
int __real_linkat(int, const char *, int, const char *, int);
ssize_t __wrap_copy_file_range(int, off_t *, int, off_t *, size_t, unsigned);
ssize_t __real_copy_file_range(int, off_t *, int, off_t *, size_t, unsigned);

int __wrap_linkat(int from, const char *path, int to, const char *name, int flags)
{
	fs.links++;
	errno = fs.link_error;
	return fs.link_error ? -1 : __real_linkat(from, path, to, name, flags);
}

ssize_t __wrap_copy_file_range(int from, off_t *at, int to, off_t *to_at, size_t n, unsigned flags)
{
	fs.copies++;
	errno = fs.copy_error;
	return fs.copy_error ? -1 : __real_copy_file_range(from, at, to, to_at, n, flags);
}

static int setup(void **state)
{
	memset(&fs, 0, sizeof(fs));
	kit_begin(&kit, UINT64_C(1) << 40);
	kit_bucket(&kit, "one");
	return 0;
}

static int teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static bool copy(const char *from, const char *to, struct s3_error *err)
{
	struct store_object object = {0};

	return store_copy(kit.store, "one", from, "one", to, &object, err);
}

static void bytes_that_cannot_be_shared_are_copied(void **state)
{
	static const int copy_errors[] = {0, EXDEV, EOPNOTSUPP, EINVAL, ENOSYS, EPERM};
	char text[2000];
	struct s3_error err = {0};

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	kit_put(&kit, "one", "k", text);
	fs.link_error = EMLINK;
	for (size_t i = 0; i < sizeof(copy_errors) / sizeof(*copy_errors); i++) {
		fs.copy_error = copy_errors[i];
		assert_true(copy("k", "l", &err));
		kit_assert_object(&kit, "one", "l", text);
		kit_assert_object(&kit, "one", "k", text);
		assert_int_equal(kit_data_files(&kit), 2);
	}
	assert_int_equal(fs.links, 6);
	assert_true(fs.copies >= 6);
}

static void a_copy_that_fails_leaves_what_was_there(void **state)
{
	struct s3_error err = {0};

	kit_put(&kit, "one", "k", "new");
	kit_put(&kit, "one", "l", "old");
	fs.link_error = EMLINK;
	fs.copy_error = ENOSPC;
	assert_false(copy("k", "l", &err));
	assert_int_equal(err.code, S3_FULL);
	fs.copy_error = EIO;
	assert_false(copy("k", "l", &err));
	assert_int_equal(err.code, S3_INTERNAL);
	assert_string_equal(err.text, "We encountered an internal error, please try again.");
	kit_assert_object(&kit, "one", "l", "old");
	assert_int_equal(kit_data_files(&kit), 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bytes_that_cannot_be_shared_are_copied, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copy_that_fails_leaves_what_was_there, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
