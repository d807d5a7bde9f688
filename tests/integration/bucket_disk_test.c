/* The store of buckets on a disk that is full: what does not fit is refused and changes nothing, what is removed goes all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <sys/mount.h>

#include "bucketd/jobs.h"
#include "tests/unit/bucket_store_kit.h"

static char disk[64], path[256];

static int setup(void **state)
{
	snprintf(disk, sizeof(disk), "%s/diskXXXXXX", getenv("TMPDIR"));
	assert_non_null(mkdtemp(disk));
	if (mount("tmpfs", disk, "tmpfs", 0, "size=96m") < 0)
		fail_msg("cannot mount a tmpfs: %s", strerror(errno));
	kit_begin_in(&kit, disk, UINT64_C(1) << 40);
	kit_bucket(&kit, "one");
	return 0;
}

static int teardown(void **state)
{
	kit_end(&kit);
	umount(disk);
	return rmdir(disk);
}

static const char *in_disk(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", disk, name);
	return path;
}

/* To the last byte. */
static void fill_disk(void)
{
	static char bytes[1 << 20];
	size_t n = sizeof(bytes);
	int fd = open(in_disk("filler"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	while (n)
		if (write(fd, bytes, n) < 0)
			n /= 2;
	close(fd);
}

static void free_disk(void)
{
	assert_int_equal(unlink(in_disk("filler")), 0);
}

static char *text_of(char c)
{
	static char text[2000];

	memset(text, c, sizeof(text) - 1);
	return text;
}

/* A tar of `n` files with keys of about `key` bytes. */
static void make_tar(const char *to, int n, int key)
{
	struct archive *tar = archive_write_new();
	char name[KEY_MAX + 1];

	archive_write_set_format_pax(tar);
	archive_write_add_filter_gzip(tar);
	assert_int_equal(archive_write_open_filename(tar, to), ARCHIVE_OK);
	for (int i = 0; i < n; i++) {
		struct archive_entry *entry = archive_entry_new();

		snprintf(name, sizeof(name), "%0*d", key, i);
		archive_entry_set_pathname(entry, name);
		archive_entry_set_filetype(entry, AE_IFREG);
		archive_entry_set_perm(entry, 0600);
		archive_entry_set_size(entry, 8);
		assert_int_equal(archive_write_header(tar, entry), ARCHIVE_OK);
		assert_int_equal(archive_write_data(tar, "12345678", 8), 8);
		archive_entry_free(entry);
	}
	archive_write_close(tar);
	archive_write_free(tar);
}

static void create_job(struct store_job *job, const char *tar)
{
	struct s3_error err = {0};

	if (!job_bucket_create(kit.store, job, tar, &err))
		fail_msg("%s: %s", s3_code_name(err.code), err.text);
}

static void promise_45_what_does_not_fit_is_refused_and_all_stays_as_it_was(void **state)
{
	struct store_upload upload;
	struct store_object object = {0};
	struct s3_error err = {0};

	kit_put(&kit, "one", "k", text_of('a'));
	kit_reopen(&kit); /* the log of the database begins anew, so that it needs room */
	kit_upload(&kit, &upload, "new", 3);
	fill_disk();
	assert_false(store_put(kit.store, "one", "k", &upload, &object, &err));
	assert_int_equal(err.code, S3_FULL);
	assert_string_equal(err.text, "There is no room left: the disk is full, or the bucket holds all that it may.");
	assert_false(store_bucket_create(kit.store, "two", &err));
	assert_int_equal(err.code, S3_FULL);
	kit_assert_object(&kit, "one", "k", text_of('a'));
	kit_assert_listing(&kit, "one", "", "", "", 10, "k ");
	free_disk();
	assert_true(store_put(kit.store, "one", "k", &upload, &object, &err));
	kit_assert_object(&kit, "one", "k", "new");
	kit_reopen(&kit);
	kit_assert_object(&kit, "one", "k", "new");
	assert_int_equal(kit_data_files(&kit), 1);
}

static void promise_45_a_full_disk_is_opened_and_what_is_removed_makes_room(void **state)
{
	struct s3_error err = {0};
	char key[16];

	kit_bucket(&kit, "two");
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "k%03d", i);
		kit_put(&kit, i % 2 ? "one" : "two", key, text_of('a'));
	}
	for (int round = 0; round < 3; round++) {
		kit_reopen(&kit);
		fill_disk();
		kit_reopen(&kit);
		snprintf(key, sizeof(key), "k%03d", 2 * round + 1);
		if (!store_delete(kit.store, "one", key, &err))
			fail_msg("%s: %s", s3_code_name(err.code), err.text);
	}
	fill_disk();
	assert_true(store_bucket_remove(kit.store, "two", true, &err));
	assert_int_equal(kit_data_files(&kit), 97);
	kit_put(&kit, "one", "more", text_of('b')); /* what it gave back is there for others */
	kit_reopen(&kit);
	assert_false(store_bucket_exists(kit.store, "two", &err));
	kit_assert_object(&kit, "one", "more", text_of('b'));
}

static void promise_45_a_tar_that_does_not_fit_leaves_nothing(void **state)
{
	struct store_job job = {.job = "17", .bucket = "job-17"};
	struct s3_error err = {0};
	char tar[256];

	snprintf(tar, sizeof(tar), "%s/tar.gz", getenv("TMPDIR"));
	make_tar(tar, 1000, 10);
	fill_disk();
	assert_false(job_bucket_create(kit.store, &job, tar, &err));
	assert_int_equal(err.code, S3_FULL);
	assert_int_equal(kit_data_files(&kit), 0);
	assert_false(store_bucket_exists(kit.store, "job-17", &err));
	free_disk();
	create_job(&job, tar);
	assert_int_equal(kit_data_files(&kit), 1000);
	unlink(tar);
}

static void promise_45_a_large_bucket_of_a_job_goes_on_a_full_disk(void **state)
{
	struct store_job job = {.job = "17", .bucket = "job-17"};
	struct store_jobs jobs;
	struct s3_error err = {0};
	char tar[256];

	snprintf(tar, sizeof(tar), "%s/tar.gz", getenv("TMPDIR"));
	make_tar(tar, 3000, 1000);
	create_job(&job, tar);
	unlink(tar);
	kit_reopen(&kit);
	fill_disk();
	if (!job_bucket_remove(kit.store, "17", &err))
		fail_msg("%s: %s", s3_code_name(err.code), err.text);
	assert_int_equal(kit_data_files(&kit), 0);
	assert_true(store_jobs_list(kit.store, &jobs, &err));
	assert_int_equal(jobs.n, 0);
	store_jobs_finish(&jobs);
}

static void promise_45_parts_are_kept_until_there_is_room_for_their_object(void **state)
{
	struct store_object object = {0};
	struct store_upload upload;
	struct s3_error err = {0};
	char id[33], etags[2][ETAG_SIZE], *bytes = calloc(1, 5 << 20);
	struct store_part_ref refs[2] = {{1, etags[0]}, {2, etags[1]}};

	assert_true(store_multipart_begin(kit.store, "one", "k", &object, id, &err));
	for (int i = 0; i < 2; i++) {
		kit_upload(&kit, &upload, bytes, 5 << 20);
		assert_true(store_part(kit.store, "one", "k", id, i + 1, &upload, etags[i], &err));
	}
	free(bytes);
	fill_disk();
	assert_false(store_multipart_complete(kit.store, "one", "k", id, refs, 2, &object, &err));
	assert_int_equal(err.code, S3_FULL);
	assert_int_equal(kit_data_files(&kit), 2);
	free_disk();
	assert_true(store_multipart_complete(kit.store, "one", "k", id, refs, 2, &object, &err));
	assert_int_equal(object.size, 10 << 20);
	assert_int_equal(kit_data_files(&kit), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(promise_45_what_does_not_fit_is_refused_and_all_stays_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_45_a_full_disk_is_opened_and_what_is_removed_makes_room, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_45_a_tar_that_does_not_fit_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_45_a_large_bucket_of_a_job_goes_on_a_full_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_45_parts_are_kept_until_there_is_room_for_their_object, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
