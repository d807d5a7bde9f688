/* The buckets of jobs: their names, what a tar brings into them, their end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>
#include <zlib.h>

#include "bucketd/jobs.h"
#include "tests/unit/bucket_store_kit.h"

static char tarball[256];

static int setup(void **state)
{
	kit_begin(&kit, 1 << 20);
	snprintf(tarball, sizeof(tarball), "%s/tarball", kit.root);
	return 0;
}

static int teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static struct store_job job_of(const char *id)
{
	static char groups[] = "mesa\nother\n";
	struct store_job job = {.dut_address = "10.42.0.17", .groups = groups};

	snprintf(job.job, sizeof(job.job), "%s", id);
	job_bucket_name(job.bucket, "52:54:00:00:00:01", NULL, id);
	return job;
}

/* ---- tars ---- */

static struct archive *tar_begin(bool pax, bool gzip)
{
	struct archive *tar = archive_write_new();

	assert_int_equal(pax ? archive_write_set_format_pax(tar) : archive_write_set_format_gnutar(tar), ARCHIVE_OK);
	assert_int_equal(gzip ? archive_write_add_filter_gzip(tar) : archive_write_add_filter_none(tar), ARCHIVE_OK);
	assert_int_equal(archive_write_open_filename(tar, tarball), ARCHIVE_OK);
	return tar;
}

static void tar_add(struct archive *tar, const char *path, unsigned type, const char *text, const char *link)
{
	struct archive_entry *entry = archive_entry_new();

	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, type ? type : AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	if (link && type == AE_IFLNK)
		archive_entry_set_symlink(entry, link);
	else if (link)
		archive_entry_set_hardlink(entry, link);
	archive_entry_set_size(entry, (int64_t)strlen(text));
	assert_true(archive_write_header(tar, entry) >= ARCHIVE_WARN);
	assert_int_equal(archive_write_data(tar, text, strlen(text)), strlen(text));
	archive_entry_free(entry);
}

static void tar_end(struct archive *tar)
{
	assert_int_equal(archive_write_close(tar), ARCHIVE_OK);
	archive_write_free(tar);
}

static void write_file(const void *bytes, size_t n)
{
	FILE *file = fopen(tarball, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	fclose(file);
}

static void create(struct store_job *job)
{
	struct s3_error err = {0};

	if (!job_bucket_create(kit.store, job, tarball, &err))
		fail_msg("%s: %s", s3_code_name(err.code), err.text);
}

/* Refused, and nothing of it is left. */
static void refuse(const char *what, enum s3_code code, const char *text)
{
	struct store_job job = job_of("17");
	struct store_jobs jobs;
	struct s3_error err = {0};

	if (job_bucket_create(kit.store, &job, tarball, &err))
		fail_msg("%s: was taken", what);
	if (err.code != code || strcmp(err.text, text) != 0)
		fail_msg("%s: %s: %s", what, s3_code_name(err.code), err.text);
	assert_false(store_bucket_exists(kit.store, job.bucket, &err));
	assert_true(store_jobs_list(kit.store, &jobs, &err));
	assert_int_equal(jobs.n, 0);
	store_jobs_finish(&jobs);
	assert_int_equal(kit_data_files(&kit), 0);
}

/* ---- names ---- */

static void a_name_is_made_of_the_dut_the_job_and_chance(void **state)
{
	static const struct {
		const char *dut, *job_id, *front;
	} rows[] = {
		{"52:54:00:00:00:01", NULL, "job-52-54-00-00-00-01-17-"},
		{"farm-x86-1", "mesa/mesa:4711", "job-farm-x86-1-mesa-mesa-4711-"},
		{"Farm_X86", "A..B", "job-farm-x86-a.-b-"},
		{"", "", "job---"},
		{"caf\xc3\xa9", "../../etc", "job-caf---.--.--etc-"},
		{"a-machine-with-a-very-long-name", "a-job-with-a-very-long-name-too",
		 "job-a-machine-with-a-very-long-name-a-job-with-a-very-lo-"},
	};
	char name[BUCKET_NAME_MAX + 1], again[BUCKET_NAME_MAX + 1];
	struct s3_error err;

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		job_bucket_name(name, rows[i].dut, rows[i].job_id, "17");
		if (strncmp(name, rows[i].front, strlen(rows[i].front)) != 0 || strlen(name) != strlen(rows[i].front) + 6)
			fail_msg("%s, not %s", name, rows[i].front);
		assert_true(bucket_name_accepted(name, &err));
		job_bucket_name(again, rows[i].dut, rows[i].job_id, "17");
		assert_string_not_equal(name, again);
	}
}

/* ---- what is in it at first ---- */

static void regular_files_of_a_tar_become_objects(void **state)
{
	for (int how = 0; how < 4; how++) {
		struct archive *tar = tar_begin(how & 1, how & 2);
		struct store_job job = job_of(how == 0 ? "0" : how == 1 ? "1" : how == 2 ? "2" : "3");

		tar_add(tar, "./", AE_IFDIR, "", NULL);
		tar_add(tar, "./a.txt", 0, "of a", NULL);
		tar_add(tar, "/etc/b", 0, "of b", NULL);
		tar_add(tar, "dir/c", 0, "", NULL);
		tar_add(tar, "caf\xc3\xa9", 0, "of caf\xc3\xa9", NULL);
		tar_end(tar);
		create(&job);
		kit_assert_listing(&kit, job.bucket, "", "", "", 1000, "a.txt caf\xc3\xa9 dir/c etc/b ");
		kit_assert_object(&kit, job.bucket, "a.txt", "of a");
		kit_assert_object(&kit, job.bucket, "etc/b", "of b");
		kit_assert_object(&kit, job.bucket, "dir/c", "");
		kit_assert_object(&kit, job.bucket, "caf\xc3\xa9", "of caf\xc3\xa9");
	}
}

static void links_and_devices_are_passed_over_and_dots_are_bytes_of_a_key(void **state)
{
	struct archive *tar = tar_begin(true, true);
	struct store_job job = job_of("17");

	tar_add(tar, "../../etc/passwd", 0, "root", NULL);
	tar_add(tar, "a/../b", 0, "b", NULL);
	tar_add(tar, "..", 0, "dots", NULL);
	tar_add(tar, "symlink", AE_IFLNK, "", "/etc/shadow");
	tar_add(tar, "hardlink", 0, "", "a/../b");
	tar_add(tar, "null", AE_IFCHR, "", NULL);
	tar_add(tar, "fifo", AE_IFIFO, "", NULL);
	tar_end(tar);
	create(&job);
	kit_assert_listing(&kit, job.bucket, "", "", "", 1000, ".. ../../etc/passwd a/../b ");
	assert_int_equal(kit_data_files(&kit), 3);
}

static void the_last_of_two_files_of_a_name_stays(void **state)
{
	struct archive *tar = tar_begin(false, false);
	struct store_job job = job_of("17");

	tar_add(tar, "k", 0, "first", NULL);
	tar_add(tar, "./k", 0, "second", NULL);
	tar_end(tar);
	create(&job);
	kit_assert_object(&kit, job.bucket, "k", "second");
	assert_int_equal(kit_data_files(&kit), 1);
}

static void many_files_are_all_there_after_the_next_opening(void **state)
{
	struct archive *tar = tar_begin(false, true);
	struct store_job job = job_of("17");
	char key[32];

	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "d%d/f%d", i % 7, i);
		tar_add(tar, key, 0, key, NULL);
	}
	tar_end(tar);
	create(&job);
	kit_reopen(&kit);
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "d%d/f%d", i % 7, i);
		kit_assert_object(&kit, job.bucket, key, key);
	}
	assert_int_equal(kit_data_files(&kit), 300);
}

static void without_a_tar_the_bucket_is_empty(void **state)
{
	struct store_job job = job_of("17");
	struct s3_error err = {0};

	assert_true(job_bucket_create(kit.store, &job, NULL, &err));
	kit_assert_listing(&kit, job.bucket, "", "", "", 1000, "");
}

/* ---- what is refused ---- */

#define NO_TAR "The archive is not a tar, plain or compressed by gzip, or it breaks off: "

static void what_is_no_tar_or_breaks_off_is_refused_and_leaves_nothing(void **state)
{
	static char bytes[64 * 1024];
	struct archive *tar;
	size_t n;
	FILE *file;

	write_file("", 0);
	refuse("an empty file", S3_INVALID_ARGUMENT, NO_TAR "Unrecognized archive format.");
	memset(bytes, 'x', sizeof(bytes));
	write_file(bytes, sizeof(bytes));
	refuse("text", S3_INVALID_ARGUMENT, NO_TAR "Unrecognized archive format.");
	for (int gzip = 0; gzip < 2; gzip++) {
		tar = tar_begin(false, gzip);
		tar_add(tar, "first", 0, "whole", NULL);
		for (size_t i = 0; i < sizeof(bytes) - 1; i++)
			bytes[i] = (char)('a' + rand() % 26);
		bytes[sizeof(bytes) - 1] = '\0';
		tar_add(tar, "second", 0, bytes, NULL);
		tar_end(tar);
		file = fopen(tarball, "r");
		n = fread(bytes, 1, sizeof(bytes), file);
		fclose(file);
		write_file(bytes, n / 2);
		refuse("half a tar", S3_INVALID_ARGUMENT, gzip ? NO_TAR "unexpected end of file." : NO_TAR "Truncated tar archive.");
	}
}

static void a_tar_of_more_bytes_than_a_bucket_may_hold_is_refused(void **state)
{
	struct archive *tar;
	struct store_job job = job_of("18");
	char text[601];

	kit_end(&kit);
	kit_begin(&kit, 1000);
	snprintf(tarball, sizeof(tarball), "%s/tarball", kit.root);
	memset(text, 'x', 600);
	text[600] = '\0';
	tar = tar_begin(false, true);
	tar_add(tar, "one", 0, text, NULL);
	tar_add(tar, "two", 0, text, NULL);
	tar_end(tar);
	refuse("1,200 bytes", S3_FULL, "The archive holds more than the 1000 bytes that a bucket may.");
	text[500] = '\0';
	tar = tar_begin(false, true);
	tar_add(tar, "one", 0, text, NULL);
	tar_add(tar, "two", 0, text, NULL);
	tar_end(tar);
	create(&job);
}

static void a_tar_with_too_long_a_name_is_refused(void **state)
{
	struct archive *tar = tar_begin(false, false);
	char name[KEY_MAX + 2];

	memset(name, 'n', sizeof(name));
	name[KEY_MAX + 1] = '\0';
	tar_add(tar, "short", 0, "x", NULL);
	tar_add(tar, name, 0, "x", NULL);
	tar_end(tar);
	refuse("a long name", S3_KEY_TOO_LONG, "Your key is too long");
}

/* A header of GNU tar for a name of `size` bytes (octal), and those. */
static void add_long_name(gzFile file, const char *size, size_t n)
{
	char header[512] = "././@LongLink", *name = malloc(n);
	unsigned sum = 0;

	snprintf(header + 100, 58, "0000644%c0000000%c0000000%c%s%c00000000000%c        L", 0, 0, 0, size, 0, 0);
	memcpy(header + 257, "ustar  ", 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 7, "%06o", sum);
	memset(name, 'n', n);
	assert_int_equal(gzwrite(file, header, sizeof(header)), sizeof(header));
	assert_int_equal(gzwrite(file, name, (unsigned)n), n);
	free(name);
}

static void a_name_that_would_fill_the_memory_is_refused(void **state)
{
	gzFile file = gzopen(tarball, "wb");

	for (int i = 0; i < 1000; i++)
		add_long_name(file, "00000001000", 512);
	gzclose(file);
	refuse("names without files", S3_INVALID_ARGUMENT, NO_TAR "Damaged tar archive.");
	file = gzopen(tarball, "wb");
	add_long_name(file, "00100000000", 1 << 24);
	gzclose(file);
	refuse("a name of 16 MiB", S3_INVALID_ARGUMENT, NO_TAR "Special header too large.");
}

static void a_tar_of_too_many_entries_is_refused(void **state)
{
	struct archive *tar = tar_begin(false, true);

	for (int i = 0; i <= 100000; i++)
		tar_add(tar, "folder/", AE_IFDIR, "", NULL);
	tar_end(tar);
	refuse("100,001 entries", S3_INVALID_ARGUMENT, "The archive has too many entries; accepted: 100000.");
}

/* ---- the job ---- */

static void a_job_and_its_keys_are_known_after_the_next_opening(void **state)
{
	struct store_job job = job_of("17"), other = job_of("18");
	struct store_jobs jobs;
	struct s3_error err = {0};

	assert_true(job_bucket_create(kit.store, &job, NULL, &err));
	other.groups = NULL;
	other.dut_address[0] = '\0';
	assert_true(job_bucket_create(kit.store, &other, NULL, &err));
	assert_int_equal(strlen(job.client_secret), 32);
	assert_int_equal(strspn(job.client_secret, "0123456789abcdef"), 32);
	assert_string_not_equal(job.client_secret, job.dut_secret);
	assert_string_not_equal(job.client_secret, other.client_secret);
	kit_reopen(&kit);
	assert_true(store_jobs_list(kit.store, &jobs, &err));
	assert_int_equal(jobs.n, 2);
	assert_string_equal(jobs.v[0].job, "17");
	assert_string_equal(jobs.v[0].bucket, job.bucket);
	assert_string_equal(jobs.v[0].client_secret, job.client_secret);
	assert_string_equal(jobs.v[0].dut_secret, job.dut_secret);
	assert_string_equal(jobs.v[0].dut_address, "10.42.0.17");
	assert_string_equal(jobs.v[0].groups, "mesa\nother\n");
	assert_string_equal(jobs.v[1].dut_address, "");
	assert_string_equal(jobs.v[1].groups, "");
	store_jobs_finish(&jobs);
}

static void a_job_has_one_bucket(void **state)
{
	struct store_job job = job_of("17"), again = job_of("17");
	struct s3_error err = {0};

	assert_true(job_bucket_create(kit.store, &job, NULL, &err));
	assert_false(job_bucket_create(kit.store, &again, NULL, &err));
	assert_int_equal(err.code, S3_BUCKET_EXISTS);
	assert_false(store_bucket_exists(kit.store, again.bucket, &err));
	assert_true(store_bucket_exists(kit.store, job.bucket, &err));
}

static void promise_33_with_the_job_go_its_bucket_its_objects_and_its_keys(void **state)
{
	struct store_job job = job_of("17"), other = job_of("18");
	struct store_jobs jobs;
	struct s3_error err = {0};

	assert_true(job_bucket_create(kit.store, &job, NULL, &err));
	assert_true(job_bucket_create(kit.store, &other, NULL, &err));
	kit_put(&kit, job.bucket, "k", "value");
	kit_put(&kit, other.bucket, "k", "other");
	assert_true(job_bucket_remove(kit.store, "17", &err));
	assert_true(job_bucket_remove(kit.store, "17", &err)); /* is fine */
	assert_true(job_bucket_remove(kit.store, "none", &err));
	assert_false(store_bucket_exists(kit.store, job.bucket, &err));
	assert_true(store_jobs_list(kit.store, &jobs, &err));
	assert_int_equal(jobs.n, 1);
	assert_string_equal(jobs.v[0].job, "18");
	store_jobs_finish(&jobs);
	kit_assert_object(&kit, other.bucket, "k", "other");
	assert_int_equal(kit_data_files(&kit), 1);
}

/* An administrator may remove any bucket: a bucket of the same name made later is not that job's. */
static void the_keys_of_a_job_go_with_its_bucket(void **state)
{
	struct store_job job = job_of("17");
	struct store_jobs jobs;
	struct s3_error err = {0};

	assert_true(job_bucket_create(kit.store, &job, NULL, &err));
	assert_true(store_bucket_remove(kit.store, job.bucket, true, &err));
	assert_true(store_jobs_list(kit.store, &jobs, &err));
	assert_int_equal(jobs.n, 0);
	store_jobs_finish(&jobs);
}

static void a_job_may_be_given_a_bucket_that_is_there_and_leave_it(void **state)
{
	struct store_job job = job_of("17");
	struct s3_error err = {0};

	assert_false(store_job_add(kit.store, &job, &err));
	assert_int_equal(err.code, S3_NO_SUCH_BUCKET);
	kit_bucket(&kit, job.bucket);
	assert_true(store_job_add(kit.store, &job, &err));
	assert_true(store_job_remove(kit.store, "17", &err));
	assert_true(store_bucket_exists(kit.store, job.bucket, &err));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_made_of_the_dut_the_job_and_chance),
		cmocka_unit_test_setup_teardown(regular_files_of_a_tar_become_objects, setup, teardown),
		cmocka_unit_test_setup_teardown(links_and_devices_are_passed_over_and_dots_are_bytes_of_a_key, setup, teardown),
		cmocka_unit_test_setup_teardown(the_last_of_two_files_of_a_name_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(many_files_are_all_there_after_the_next_opening, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_tar_the_bucket_is_empty, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_tar_or_breaks_off_is_refused_and_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tar_of_more_bytes_than_a_bucket_may_hold_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tar_with_too_long_a_name_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_name_that_would_fill_the_memory_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_tar_of_too_many_entries_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_job_and_its_keys_are_known_after_the_next_opening, setup, teardown),
		cmocka_unit_test_setup_teardown(a_job_has_one_bucket, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_33_with_the_job_go_its_bucket_its_objects_and_its_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(the_keys_of_a_job_go_with_its_bucket, setup, teardown),
		cmocka_unit_test_setup_teardown(a_job_may_be_given_a_bucket_that_is_there_and_leave_it, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
