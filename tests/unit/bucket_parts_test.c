/* Objects in parts, and what is shipped for booting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "bucketd/boot_files.h"
#include "tests/unit/bucket_store_kit.h"

#define FULL_PART (5 << 20)

static char id[33];

static int setup(void **state)
{
	kit_begin(&kit, 32 << 20);
	kit_bucket(&kit, "one");
	return 0;
}

static int teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static void begin(const char *key)
{
	struct store_object object = {.content_type = "video/mp4", .meta = "x-amz-meta-a: b\n"};
	struct s3_error err = {0};

	if (!store_multipart_begin(kit.store, "one", key, &object, id, &err))
		fail_msg("%s", err.text);
	assert_int_equal(strlen(id), 32);
}

/* A part of `n` bytes `c`. */
static bool try_part(const char *key, int number, char c, size_t n, char etag[ETAG_SIZE], struct s3_error *err)
{
	struct store_upload upload;
	char *bytes = malloc(n);
	bool ok;

	memset(bytes, c, n);
	kit_upload(&kit, &upload, bytes, n);
	free(bytes);
	ok = store_part(kit.store, "one", key, id, number, &upload, etag, err);
	store_upload_drop(kit.store, &upload);
	return ok;
}

static void part(const char *key, int number, char c, size_t n, char etag[ETAG_SIZE])
{
	struct s3_error err = {0};

	if (!try_part(key, number, c, n, etag, &err))
		fail_msg("%s", err.text);
}

static enum s3_code complete(const char *key, const struct store_part_ref *parts, size_t n, struct store_object *object)
{
	struct s3_error err = {0};

	if (store_multipart_complete(kit.store, "one", key, id, parts, n, object, &err))
		assert_int_equal(err.code, S3_OK);
	return err.code;
}

static void assert_bytes(const char *key, const char *runs, const size_t *lengths)
{
	static char bytes[64 * 1024];
	struct store_object object = {0};
	struct s3_error err = {0};
	ssize_t n;
	int fd;

	assert_true(store_get(kit.store, "one", key, &object, &fd, &err));
	for (; *runs; runs++, lengths++)
		for (size_t done = 0; done < *lengths; done += (size_t)n) {
			n = read(fd, bytes, *lengths - done < sizeof(bytes) ? *lengths - done : sizeof(bytes));
			assert_true(n > 0);
			for (ssize_t i = 0; i < n; i++)
				if (bytes[i] != *runs)
					fail_msg("'%c' is where '%c' should be", bytes[i], *runs);
		}
	assert_int_equal(read(fd, bytes, 1), 0);
	close(fd);
}

static void parts_are_joined_in_the_order_of_their_numbers(void **state)
{
	struct store_object object = {0}, got = {0};
	struct s3_error err = {0};
	char a[ETAG_SIZE], b[ETAG_SIZE], c[ETAG_SIZE];

	begin("k");
	part("k", 9, 'c', 3, c);
	part("k", 2, 'a', FULL_PART, a);
	part("k", 5, 'b', FULL_PART + 1, b);
	assert_int_equal(complete("k", (struct store_part_ref[]){{2, a}, {5, b}, {9, c}}, 3, &object), S3_OK);
	assert_bytes("k", "abc", (size_t[]){FULL_PART, FULL_PART + 1, 3});
	assert_true(store_get(kit.store, "one", "k", &got, NULL, &err));
	assert_int_equal(got.size, 2 * FULL_PART + 4);
	assert_string_equal(got.content_type, "video/mp4");
	assert_string_equal(got.meta, "x-amz-meta-a: b\n");
	assert_string_equal(got.etag, object.etag);
	assert_string_equal(got.etag, "bed83761ea939d0838e710b7ce828199-3");
	assert_int_equal(kit_data_files(&kit), 1);
	assert_int_equal(complete("k", (struct store_part_ref[]){{2, a}, {5, b}, {9, c}}, 3, &object), S3_NO_SUCH_UPLOAD);
}

static void a_part_is_replaced_by_one_of_its_number(void **state)
{
	struct store_object object = {0};
	char old[ETAG_SIZE], new[ETAG_SIZE];

	begin("k");
	part("k", 1, 'o', 10, old);
	part("k", 1, 'n', 11, new);
	assert_int_equal(kit_data_files(&kit), 1);
	assert_int_equal(complete("k", &(struct store_part_ref){1, old}, 1, &object), S3_INVALID_PART);
	assert_int_equal(complete("k", &(struct store_part_ref){1, new}, 1, &object), S3_OK);
	assert_bytes("k", "n", (size_t[]){11});
	assert_int_equal(kit_data_files(&kit), 1);
}

static void what_is_not_chosen_goes_and_what_was_there_before_too(void **state)
{
	struct store_object object = {0};
	char a[ETAG_SIZE], b[ETAG_SIZE];

	kit_put(&kit, "one", "k", "before");
	begin("k");
	part("k", 1, 'a', 10, a);
	part("k", 2, 'b', 10, b);
	kit_assert_object(&kit, "one", "k", "before");
	assert_int_equal(complete("k", &(struct store_part_ref){2, b}, 1, &object), S3_OK);
	assert_bytes("k", "b", (size_t[]){10});
	assert_int_equal(kit_data_files(&kit), 1);
}

static void a_completion_that_is_wrong_changes_nothing(void **state)
{
	struct store_object object = {0};
	char a[ETAG_SIZE], b[ETAG_SIZE];

	begin("k");
	part("k", 1, 'a', 10, a);
	part("k", 2, 'b', 10, b);
	assert_int_equal(complete("k", (struct store_part_ref[]){{2, b}, {1, a}}, 2, &object), S3_INVALID_PART_ORDER);
	assert_int_equal(complete("k", (struct store_part_ref[]){{2, b}, {2, b}}, 2, &object), S3_INVALID_PART_ORDER);
	assert_int_equal(complete("k", (struct store_part_ref[]){{1, a}, {2, b}}, 2, &object), S3_ENTITY_TOO_SMALL);
	assert_int_equal(complete("k", (struct store_part_ref[]){{1, b}}, 1, &object), S3_INVALID_PART);
	assert_int_equal(complete("k", (struct store_part_ref[]){{3, a}}, 1, &object), S3_INVALID_PART);
	assert_int_equal(complete("k", NULL, 0, &object), S3_MALFORMED_XML);
	assert_int_equal(complete("other", (struct store_part_ref[]){{1, a}}, 1, &object), S3_NO_SUCH_UPLOAD);
	assert_int_equal(kit_data_files(&kit), 2);
	kit_assert_listing(&kit, "one", "", "", "", 10, "");
	assert_int_equal(complete("k", &(struct store_part_ref){1, a}, 1, &object), S3_OK);
}

static void a_part_belongs_to_an_upload_that_there_is(void **state)
{
	struct s3_error err = {0};
	char etag[ETAG_SIZE];

	begin("k");
	assert_false(try_part("other", 1, 'a', 1, etag, &err));
	assert_int_equal(err.code, S3_NO_SUCH_UPLOAD);
	assert_false(try_part("k", 0, 'a', 1, etag, &err));
	assert_int_equal(err.code, S3_INVALID_ARGUMENT);
	assert_false(try_part("k", 10001, 'a', 1, etag, &err));
	assert_string_equal(err.text, "The number of a part is one of 1 to 10000.");
	id[0] = id[0] == 'a' ? 'b' : 'a';
	assert_false(try_part("k", 1, 'a', 1, etag, &err));
	assert_int_equal(err.code, S3_NO_SUCH_UPLOAD);
	assert_int_equal(kit_data_files(&kit), 0);
}

static void an_upload_that_is_aborted_or_too_old_leaves_nothing(void **state)
{
	struct store_multiparts list;
	struct s3_error err = {0};
	char etag[ETAG_SIZE];
	struct timespec now;

	begin("k");
	part("k", 1, 'a', 10, etag);
	assert_true(store_multipart_abort(kit.store, "one", "k", id, &err));
	assert_false(store_multipart_abort(kit.store, "one", "k", id, &err));
	assert_int_equal(err.code, S3_NO_SUCH_UPLOAD);
	assert_int_equal(kit_data_files(&kit), 0);
	begin("old");
	part("old", 1, 'a', 10, etag);
	clock_gettime(CLOCK_REALTIME, &now);
	begin("new");
	part("new", 1, 'a', 10, etag);
	assert_true(store_expire(kit.store, now.tv_sec * INT64_C(1000000000) + now.tv_nsec, &err));
	assert_true(store_multiparts_list(kit.store, "one", "", &list, &err));
	assert_int_equal(list.n, 1);
	assert_string_equal(list.v[0].key, "new");
	assert_string_equal(list.v[0].id, id);
	store_multiparts_finish(&list);
	assert_int_equal(kit_data_files(&kit), 1);
	assert_true(store_bucket_remove(kit.store, "one", false, &err)); /* uploads are no objects */
	assert_int_equal(kit_data_files(&kit), 0);
}

static void uploads_and_parts_are_listed(void **state)
{
	struct store_multiparts list;
	struct store_parts parts;
	struct s3_error err = {0};
	char a[ETAG_SIZE], b[ETAG_SIZE];

	begin("b");
	begin("a/2");
	begin("a/1");
	part("a/1", 7, 'x', 3, b);
	part("a/1", 3, 'y', 4, a);
	kit_reopen(&kit);
	assert_true(store_multiparts_list(kit.store, "one", "a/", &list, &err));
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0].key, "a/1");
	assert_string_equal(list.v[1].key, "a/2");
	assert_true(list.v[1].begun_ns < list.v[0].begun_ns);
	store_multiparts_finish(&list);
	assert_true(store_parts_list(kit.store, "one", "a/1", id, &parts, &err));
	assert_int_equal(parts.n, 2);
	assert_int_equal(parts.v[0].number, 3);
	assert_int_equal(parts.v[0].size, 4);
	assert_string_equal(parts.v[0].etag, a);
	assert_int_equal(parts.v[1].number, 7);
	store_parts_finish(&parts);
	assert_false(store_parts_list(kit.store, "one", "b", id, &parts, &err));
	assert_int_equal(err.code, S3_NO_SUCH_UPLOAD);
}

static enum s3_code copy_part(const char *from, struct store_range range, struct store_part_info *part)
{
	struct s3_error err = {0};

	store_part_copy(kit.store, "one", from, range, "one", "k", id, part, &err);
	return err.code;
}

static void a_part_may_be_some_of_an_object_or_all_of_it(void **state)
{
	struct store_part_info some = {.number = 1}, all = {.number = 1};
	struct store_object object = {0};

	kit_put(&kit, "one", "source", "0123456789");
	begin("k");
	assert_int_equal(copy_part("source", (struct store_range){0, 0}, &all), S3_OK);
	assert_int_equal(all.size, 10);
	assert_string_equal(all.etag, "781e5e245d69b566979b86e28d23f2c7");
	assert_int_equal(copy_part("source", (struct store_range){3, 4}, &some), S3_OK); /* in its place */
	assert_int_equal(some.size, 4);
	assert_true(some.modified_ns >= all.modified_ns && all.modified_ns > 0);
	assert_int_equal(complete("k", &(struct store_part_ref){1, some.etag}, 1, &object), S3_OK);
	kit_assert_object(&kit, "one", "k", "3456");
	kit_assert_object(&kit, "one", "source", "0123456789");
	assert_int_equal(kit_data_files(&kit), 2);
}

static void a_copied_part_that_is_refused_leaves_nothing(void **state)
{
	struct store_part_info part = {.number = 1}, no_part = {.number = 10001};

	kit_put(&kit, "one", "source", "0123456789");
	kit_put(&kit, "one", "empty", "");
	begin("k");
	assert_int_equal(copy_part("source", (struct store_range){10, 1}, &part), S3_INVALID_ARGUMENT);
	assert_int_equal(copy_part("source", (struct store_range){9, 2}, &part), S3_INVALID_ARGUMENT);
	assert_int_equal(copy_part("source", (struct store_range){9, UINT64_MAX}, &part), S3_INVALID_ARGUMENT);
	assert_int_equal(copy_part("empty", (struct store_range){0, 1}, &part), S3_INVALID_ARGUMENT);
	assert_int_equal(copy_part("none", (struct store_range){0, 1}, &part), S3_NO_SUCH_KEY);
	assert_int_equal(copy_part("source", (struct store_range){0, 1}, &no_part), S3_INVALID_ARGUMENT);
	memset(id, '0', 32);
	assert_int_equal(copy_part("source", (struct store_range){0, 1}, &part), S3_NO_SUCH_UPLOAD);
	assert_int_equal(kit_data_files(&kit), 2);
}

static void parts_count_for_the_limit_of_the_bucket(void **state)
{
	struct s3_error err = {0};
	struct store_object object = {0};
	char etag[ETAG_SIZE];

	kit_end(&kit);
	kit_begin(&kit, 100);
	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "a", "1234567890");
	begin("k");
	part("k", 1, 'a', 90, etag);
	kit_refuses_put(&kit, "one", "b", "1", S3_FULL);
	assert_false(try_part("k", 2, 'b', 1, etag, &err));
	assert_int_equal(err.code, S3_FULL);
	assert_false(try_part("k", 1, 'b', 91, etag, &err));
	part("k", 1, 'b', 89, etag);
	kit_put(&kit, "one", "b", "1");
	assert_int_equal(complete("k", &(struct store_part_ref){1, etag}, 1, &object), S3_OK);
	kit_refuses_put(&kit, "one", "c", "1", S3_FULL);
	assert_int_equal(kit_data_files(&kit), 3);
}

/* ---- what is shipped for booting ---- */

static void make_folder(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", kit.root, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void put_boot_files(void)
{
	struct s3_error err = {0};
	char folder[256];

	snprintf(folder, sizeof(folder), "%s/boot", kit.root);
	if (!boot_files_put(kit.store, folder, &err))
		fail_msg("%s", err.text);
}

static void files_that_are_shipped_are_objects_of_boot(void **state)
{
	struct store_object first, object;
	struct s3_error err = {0};

	put_boot_files(); /* there is no folder */
	assert_false(store_bucket_exists(kit.store, "boot", &err));
	make_folder("boot");
	make_folder("boot/folder");
	kit_file(&kit, "boot/default_kernel", "kernel 1");
	kit_file(&kit, "boot/initramfs", "initramfs");
	put_boot_files();
	kit_assert_listing(&kit, "boot", "", "", "", 10, "default_kernel initramfs ");
	kit_assert_object(&kit, "boot", "default_kernel", "kernel 1");
	assert_true(store_get(kit.store, "boot", "initramfs", &first, NULL, &err));
	kit_file(&kit, "boot/default_kernel", "kernel 1.1");
	put_boot_files();
	kit_assert_object(&kit, "boot", "default_kernel", "kernel 1.1");
	assert_true(store_get(kit.store, "boot", "initramfs", &object, NULL, &err));
	assert_true(object.modified_ns == first.modified_ns); /* was not put again */
}

static void what_an_admin_put_into_boot_stays(void **state)
{
	kit_bucket(&kit, "boot");
	kit_put(&kit, "boot", "default_kernel", "an admin's");
	make_folder("boot");
	kit_file(&kit, "boot/default_kernel", "shipped");
	put_boot_files();
	put_boot_files();
	kit_assert_object(&kit, "boot", "default_kernel", "an admin's");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(parts_are_joined_in_the_order_of_their_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(a_part_is_replaced_by_one_of_its_number, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_chosen_goes_and_what_was_there_before_too, setup, teardown),
		cmocka_unit_test_setup_teardown(a_completion_that_is_wrong_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_part_belongs_to_an_upload_that_there_is, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upload_that_is_aborted_or_too_old_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(uploads_and_parts_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_part_may_be_some_of_an_object_or_all_of_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copied_part_that_is_refused_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(parts_count_for_the_limit_of_the_bucket, setup, teardown),
		cmocka_unit_test_setup_teardown(files_that_are_shipped_are_objects_of_boot, setup, teardown),
		cmocka_unit_test_setup_teardown(what_an_admin_put_into_boot_stays, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
