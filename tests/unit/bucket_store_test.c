/* Buckets, objects and listings, as they are after each answer and after the next opening. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/bucket_store_kit.h"

static int setup(void **state)
{
	kit_begin(&kit, UINT64_MAX >> 1);
	return 0;
}

static int teardown(void **state)
{
	kit_end(&kit);
	return 0;
}

static void what_is_put_is_got_with_its_md5_and_its_metadata(void **state)
{
	struct s3_error err = {0};
	struct store_object object = {.content_type = "text/plain", .meta = "colour: blue\n"}, got;
	struct store_upload upload;
	int fd;
	char bytes[16] = "";

	kit_bucket(&kit, "one");
	kit_upload(&kit, &upload, "hello", 5);
	assert_true(store_put(kit.store, "one", "greeting", &upload, &object, &err));
	assert_int_equal(upload.id, 0);
	assert_string_equal(object.etag, "5d41402abc4b2a76b9719d911017c592");
	assert_true(store_get(kit.store, "one", "greeting", &got, &fd, &err));
	assert_int_equal(got.size, 5);
	assert_string_equal(got.etag, object.etag);
	assert_string_equal(got.content_type, "text/plain");
	assert_string_equal(got.meta, "colour: blue\n");
	assert_true(got.modified_ns == object.modified_ns && got.modified_ns > INT64_C(1700000000000000000));
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 5);
	assert_string_equal(bytes, "hello");
	close(fd);
}

static void an_object_is_there_after_the_next_opening(void **state)
{
	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "k", "value");
	kit_reopen(&kit);
	kit_assert_object(&kit, "one", "k", "value");
	kit_put(&kit, "one", "l", "another");
	kit_assert_object(&kit, "one", "k", "value");
}

static void an_object_is_replaced_and_readers_of_the_old_one_keep_it(void **state)
{
	struct s3_error err = {0};
	struct store_object object;
	char bytes[8] = "";
	int fd;

	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "k", "old");
	assert_true(store_get(kit.store, "one", "k", &object, &fd, &err));
	kit_put(&kit, "one", "k", "new");
	kit_assert_object(&kit, "one", "k", "new");
	assert_int_equal(read(fd, bytes, sizeof(bytes)), 3);
	assert_string_equal(bytes, "old");
	close(fd);
	assert_int_equal(kit_data_files(&kit), 1);
}

static void what_is_deleted_is_gone_and_deleting_it_again_is_fine(void **state)
{
	struct s3_error err = {0};
	struct store_object object;

	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "k", "value");
	assert_true(store_delete(kit.store, "one", "k", &err));
	assert_true(store_delete(kit.store, "one", "k", &err));
	assert_false(store_get(kit.store, "one", "k", &object, NULL, &err));
	assert_int_equal(err.code, S3_NO_SUCH_KEY);
	assert_int_equal(kit_data_files(&kit), 0);
}

static void an_upload_that_is_dropped_leaves_nothing(void **state)
{
	struct store_upload upload;

	kit_upload(&kit, &upload, "half", 4);
	assert_int_equal(kit_data_files(&kit), 1);
	store_upload_drop(kit.store, &upload);
	store_upload_drop(kit.store, &upload);
	assert_int_equal(kit_data_files(&kit), 0);
}

static void what_does_not_exist_is_named_by_its_code(void **state)
{
	struct store_upload upload;
	struct store_object object = {0};
	struct store_listing listing;
	struct s3_error err = {0};

	kit_upload(&kit, &upload, "x", 1);
	assert_false(store_put(kit.store, "none", "k", &upload, &object, &err));
	assert_int_equal(err.code, S3_NO_SUCH_BUCKET);
	store_upload_drop(kit.store, &upload);
	err.code = S3_OK;
	assert_false(store_get(kit.store, "none", "k", &object, NULL, &err));
	assert_int_equal(err.code, S3_NO_SUCH_BUCKET);
	err.code = S3_OK;
	assert_false(store_delete(kit.store, "none", "k", &err));
	assert_int_equal(err.code, S3_NO_SUCH_BUCKET);
	err.code = S3_OK;
	assert_false(store_list(kit.store, "none", "", "", "", 10, &listing, &err));
	assert_int_equal(err.code, S3_NO_SUCH_BUCKET);
	err.code = S3_OK;
	assert_false(store_bucket_exists(kit.store, "none", &err));
	assert_int_equal(err.code, S3_NO_SUCH_BUCKET);
	err.code = S3_OK;
	assert_false(store_bucket_remove(kit.store, "none", true, &err));
	assert_int_equal(err.code, S3_NO_SUCH_BUCKET);
}

static void a_bucket_is_made_once_and_removed_only_when_empty_or_whole(void **state)
{
	struct s3_error err = {0};

	kit_bucket(&kit, "one");
	assert_false(store_bucket_create(kit.store, "one", &err));
	assert_int_equal(err.code, S3_BUCKET_EXISTS);
	kit_put(&kit, "one", "k", "value");
	assert_false(store_bucket_remove(kit.store, "one", false, &err));
	assert_int_equal(err.code, S3_BUCKET_NOT_EMPTY);
	kit_assert_object(&kit, "one", "k", "value");
	assert_true(store_bucket_remove(kit.store, "one", true, &err));
	assert_false(store_bucket_exists(kit.store, "one", &err));
	assert_int_equal(kit_data_files(&kit), 0);
	kit_bucket(&kit, "one");
	assert_true(store_bucket_remove(kit.store, "one", false, &err));
}

static void buckets_are_listed_by_name(void **state)
{
	struct store_buckets buckets;
	struct s3_error err = {0};

	kit_bucket(&kit, "zoo");
	kit_bucket(&kit, "bar");
	kit_bucket(&kit, "job-1");
	assert_true(store_buckets_list(kit.store, &buckets, &err));
	assert_int_equal(buckets.n, 3);
	assert_string_equal(buckets.v[0].name, "bar");
	assert_string_equal(buckets.v[1].name, "job-1");
	assert_string_equal(buckets.v[2].name, "zoo");
	assert_true(buckets.v[0].created_ns > buckets.v[2].created_ns);
	store_buckets_finish(&buckets);
}

static void a_bucket_has_a_name_that_s3_takes(void **state)
{
	static const char *const good[] = {"abc",
					   "a-b",
					   "a.b.c",
					   "0123",
					   "1.2.3",
					   "job-52-54-00-00-00-01-1234-abcdef",
					   "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"};
	static const char *const bad[] = {"",     "ab",          "-ab",
					  "ab-",  ".ab",         "a..b",
					  "Abc",  "a_b",         "a/b",
					  "../a", "192.168.0.1", "caf\xc3\xa9",
					  "a b",  "abc\n",       "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz01"};
	struct s3_error err = {0};

	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_true(bucket_name_accepted(good[i], &err));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err.code = S3_OK;
		assert_false(bucket_name_accepted(bad[i], &err));
		assert_int_equal(err.code, S3_INVALID_BUCKET_NAME);
		assert_false(store_bucket_create(kit.store, bad[i], &err));
	}
}

static void a_key_is_any_bytes_and_never_a_path(void **state)
{
	static const char *const keys[] = {"../../etc/passwd", "/",           "//", ".",        "a/../b",
					   "\x01\xff\xfe",     "caf\xc3\xa9", " ",  "%2e%2e/x", "a'; --"};
	char longest[KEY_MAX + 2];

	kit_bucket(&kit, "one");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		kit_put(&kit, "one", keys[i], keys[i]);
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		kit_assert_object(&kit, "one", keys[i], keys[i]);
	assert_int_equal(kit_data_files(&kit), sizeof(keys) / sizeof(*keys));
	memset(longest, 'k', sizeof(longest));
	longest[KEY_MAX + 1] = '\0';
	kit_refuses_put(&kit, "one", longest, "x", S3_KEY_TOO_LONG);
	kit_refuses_put(&kit, "one", "", "x", S3_INVALID_ARGUMENT);
	longest[KEY_MAX] = '\0';
	kit_put(&kit, "one", longest, "longest");
	kit_assert_object(&kit, "one", longest, "longest");
}

/* ---- copies ---- */

static void a_copy_has_the_bytes_and_the_metadata_that_is_asked_for(void **state)
{
	struct store_object object = {.content_type = "", .meta = "ignored: yes\n"}, got;
	struct s3_error err = {0};

	kit_bucket(&kit, "one");
	kit_bucket(&kit, "two");
	kit_put(&kit, "one", "k", "value");
	assert_true(store_copy(kit.store, "one", "k", "two", "l", &object, &err));
	assert_string_equal(object.content_type, "text/x-test");
	assert_string_equal(object.meta, "");
	object = (struct store_object){.content_type = "image/png", .meta = "a: b\n"};
	assert_true(store_copy(kit.store, "one", "k", "one", "k", &object, &err)); /* how clients change metadata */
	assert_true(store_get(kit.store, "one", "k", &got, NULL, &err));
	assert_string_equal(got.content_type, "image/png");
	assert_string_equal(got.meta, "a: b\n");
	assert_true(store_delete(kit.store, "one", "k", &err));
	kit_assert_object(&kit, "two", "l", "value");
	assert_false(store_copy(kit.store, "one", "k", "two", "m", &object, &err));
	assert_int_equal(err.code, S3_NO_SUCH_KEY);
	assert_int_equal(kit_data_files(&kit), 1);
}

static void a_copy_costs_no_room_on_the_disk(void **state)
{
	struct store_object object = {0};
	struct s3_error err = {0};
	struct stat st;
	int fd;

	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "k", "value");
	assert_true(store_copy(kit.store, "one", "k", "one", "l", &object, &err));
	assert_true(store_get(kit.store, "one", "l", &object, &fd, &err));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 2);
	close(fd);
}

/* ---- the limit ---- */

static void a_bucket_holds_up_to_its_limit_to_the_byte(void **state)
{
	struct s3_error err = {0};
	struct store_object object = {0};

	kit_end(&kit);
	kit_begin(&kit, 10);
	kit_bucket(&kit, "one");
	kit_bucket(&kit, "two");
	kit_put(&kit, "one", "a", "12345");
	kit_put(&kit, "one", "b", "12345");
	kit_refuses_put(&kit, "one", "c", "1", S3_FULL);
	kit_put(&kit, "one", "c", "");
	kit_put(&kit, "two", "c", "1234567890");
	kit_put(&kit, "one", "b", "1234"); /* what it replaces is no longer counted */
	kit_put(&kit, "one", "d", "1");
	assert_false(store_copy(kit.store, "two", "c", "one", "e", &object, &err));
	assert_int_equal(err.code, S3_FULL);
	assert_string_equal(err.text, "The bucket would hold more than its limit of 10 bytes.");
	assert_true(store_delete(kit.store, "one", "a", &err));
	kit_put(&kit, "one", "e", "12345");
	kit_refuses_put(&kit, "one", "a", "1", S3_FULL);
	kit_reopen(&kit);
	kit_refuses_put(&kit, "one", "a", "1", S3_FULL);
	kit_assert_object(&kit, "one", "b", "1234");
	assert_int_equal(kit_data_files(&kit), 5);
}

/* ---- listing ---- */

static void keys_are_listed_in_the_order_of_their_bytes(void **state)
{
	static const char *const keys[] = {"b", "a", "a/b", "a-b", "B", "\xc3\xa9", "z", "a\xff", "a.b"};

	kit_bucket(&kit, "one");
	kit_bucket(&kit, "two");
	kit_put(&kit, "two", "of another bucket", "");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		kit_put(&kit, "one", keys[i], "");
	kit_assert_listing(&kit, "one", "", "", "", 1000, "B a a-b a.b a/b a\xff b z \xc3\xa9 ");
	kit_assert_listing(&kit, "one", "a", "", "", 1000, "a a-b a.b a/b a\xff ");
	kit_assert_listing(&kit, "one", "a\xff", "", "", 1000, "a\xff ");
	kit_assert_listing(&kit, "one", "c", "", "", 1000, "");
	kit_assert_listing(&kit, "one", "", "", "a/b", 1000, "a\xff b z \xc3\xa9 ");
	kit_assert_listing(&kit, "one", "a", "", "B", 2, "a a-b ...");
	kit_assert_listing(&kit, "one", "a", "", "b", 2, "");
	kit_assert_listing(&kit, "one", "", "", "aa", 2, "a\xff b ...");
	kit_assert_listing(&kit, "one", "", "", "b", 2, "z \xc3\xa9 ");
}

static void keys_that_share_a_prefix_up_to_the_delimiter_are_one_entry(void **state)
{
	static const char *const keys[] = {"a", "dir/", "dir/x", "dir/y", "dir/z/1", "dir0", "e/1", "e/2", "f"};

	kit_bucket(&kit, "one");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		kit_put(&kit, "one", keys[i], "");
	kit_assert_listing(&kit, "one", "", "/", "", 1000, "a [dir/] dir0 [e/] f ");
	kit_assert_listing(&kit, "one", "dir", "/", "", 1000, "[dir/] dir0 ");
	kit_assert_listing(&kit, "one", "dir/", "/", "", 1000, "dir/ dir/x dir/y [dir/z/] ");
	kit_assert_listing(&kit, "one", "", "i", "", 1000, "a [di] e/1 e/2 f ");
	kit_assert_listing(&kit, "one", "", "/", "", 2, "a [dir/] ...");
	kit_assert_listing(&kit, "one", "", "/", "dir/", 2, "dir0 [e/] ...");
	kit_assert_listing(&kit, "one", "", "/", "e/", 2, "f ");
	kit_assert_listing(&kit, "one", "dir/", "/", "dir/", 1, "dir/x ...");
	kit_assert_listing(&kit, "one", "", "/", "e/1", 1000, "[e/] f "); /* one that is behind it is there */
}

/* All pages together are the whole, whatever their size. */
static void pages_join_to_the_whole_listing(void **state)
{
	struct s3_error err = {0};

	kit_bucket(&kit, "one");
	for (int i = 0; i < 40; i++) {
		char key[32];
		snprintf(key, sizeof(key), "%c%c%d", "abc/"[i % 4], "/\xff"[i % 2], i * 7 % 13);
		kit_put(&kit, "one", key, "");
	}
	for (int with = 0; with < 2; with++) {
		struct store_listing whole, page;
		assert_true(store_list(kit.store, "one", "", with ? "/" : "", "", 1000, &whole, &err));
		assert_false(whole.truncated);
		for (size_t max = 1; max <= whole.n; max++) {
			size_t at = 0;
			char after[64] = "";
			do {
				assert_true(store_list(kit.store, "one", "", with ? "/" : "", after, max, &page, &err));
				for (size_t i = 0; i < page.n; i++, at++) {
					assert_string_equal(page.v[i].key, whole.v[at].key);
					assert_int_equal(page.v[i].is_prefix, whole.v[at].is_prefix);
					snprintf(after, sizeof(after), "%s", page.v[i].key);
				}
				assert_int_equal(page.truncated, at < whole.n);
				store_listing_finish(&page);
			} while (at < whole.n);
		}
		store_listing_finish(&whole);
	}
}

/* What the documentation of S3 says, by reading all keys. */
static void list_plainly(char keys[][8], size_t n, const char *prefix, const char *delimiter, const char *after, size_t max, char *text)
{
	char last[16] = "";
	size_t entries = 0;

	*text = '\0';
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(prefix), whole;
		const char *at = strncmp(keys[i], prefix, len) || !*delimiter ? NULL : strchr(keys[i] + len, *delimiter);

		whole = at ? (size_t)(at - keys[i]) + 1 : strlen(keys[i]);
		if (strncmp(keys[i], prefix, len) != 0 || strcmp(keys[i], after) <= 0)
			continue;
		/* a common prefix that was the last entry of the page before */
		if (at && strncmp(keys[i], after, whole) == 0 && strlen(after) == whole)
			continue;
		if (at && strlen(last) == whole && strncmp(last, keys[i], whole) == 0)
			continue;
		if (entries++ == max) {
			strcat(text, "...");
			return;
		}
		sprintf(text + strlen(text), at ? "[%.*s] " : "%.*s ", (int)whole, keys[i]);
		snprintf(last, sizeof(last), "%.*s", at ? (int)whole : 0, keys[i]);
	}
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void draw(char *word, size_t max)
{
	size_t len = (size_t)rand() % (max + 1);

	for (size_t i = 0; i < len; i++)
		word[i] = "ab/\xff"[rand() % 4];
	word[len] = '\0';
}

static void a_listing_is_what_reading_all_keys_would_give(void **state)
{
	static const char *const delimiters[] = {"", "/", "\xff", "b"};
	const char *given = getenv("BUCKET_LISTING_SEED"); /* of the environment: other keys */
	char keys[60][8], expected[1024];
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;
	struct store_object object;
	struct s3_error err;
	size_t n = 0;

	print_message("seed %u\n", seed);
	srand(seed);
	kit_bucket(&kit, "one");
	while (n < 60) {
		draw(keys[n], 6);
		if (!*keys[n] || store_get(kit.store, "one", keys[n], &object, NULL, &err))
			continue;
		kit_put(&kit, "one", keys[n++], "");
	}
	qsort(keys, n, sizeof(keys[0]), by_bytes);
	for (int i = 0; i < 3000; i++) {
		char prefix[8], after[8];
		size_t max = 1 + (size_t)rand() % 20;
		const char *delimiter = delimiters[rand() % 4];

		draw(prefix, 2);
		draw(after, 4);
		list_plainly(keys, n, prefix, delimiter, after, max, expected);
		kit_assert_listing(&kit, "one", prefix, delimiter, after, max, expected);
	}
}

static void an_entry_tells_the_size_the_etag_and_the_time(void **state)
{
	struct store_listing listing;
	struct store_object object;
	struct s3_error err = {0};

	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "k", "hello");
	assert_true(store_get(kit.store, "one", "k", &object, NULL, &err));
	assert_true(store_list(kit.store, "one", "", "", "", 1, &listing, &err));
	assert_int_equal(listing.v[0].object.size, 5);
	assert_string_equal(listing.v[0].object.etag, "5d41402abc4b2a76b9719d911017c592");
	assert_true(listing.v[0].object.modified_ns == object.modified_ns);
	assert_string_equal(listing.v[0].object.content_type, "text/x-test");
	store_listing_finish(&listing);
}

/* ---- the files ---- */

static void promise_39_folder_database_and_data_are_their_owners_alone_from_the_first_byte(void **state)
{
	static const char *const paths[] = {"", "/data", "/buckets.db", "/buckets.db-wal", "/reserve"};
	struct stat st;

	kit_end(&kit);
	umask(0);
	kit_begin(&kit, 100);
	store_close(kit.store);
	strcat(kit.root, "/new");
	kit_open(&kit);
	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "k", "value");
	umask(022);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		char path[256];
		snprintf(path, sizeof(path), "%s%s", kit.root, paths[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 077, 0);
	}
	assert_int_equal(kit_data_modes(&kit) & 077, 0);
	kit_end(&kit);
	*strrchr(kit.root, '/') = '\0';
	kit_open(&kit);
}

static void promise_39_a_folder_that_others_could_enter_is_closed_to_them(void **state)
{
	struct stat st;

	store_close(kit.store);
	assert_int_equal(chmod(kit.root, 0755), 0);
	kit_open(&kit);
	assert_int_equal(stat(kit.root, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
}

/* ---- threads ---- */

/* Each works on keys of its own, and on one that all have. */
static void *work_on_keys(void *data)
{
	struct store_object object = {0};
	struct store_upload upload;
	struct store_listing listing;
	struct s3_error err = {0};
	const char *name = data;
	bool ok = true;

	for (int i = 0; ok && i < 40; i++) {
		const char *key = i % 3 ? name : "shared";

		ok = store_upload_begin(kit.store, &upload, &err) && write(upload.fd, name, 1) == 1 &&
		     store_put(kit.store, "one", key, &upload, &object, &err) &&
		     store_copy(kit.store, "one", key, "one", name, &object, &err) &&
		     store_list(kit.store, "one", "", "", "", 1000, &listing, &err) &&
		     store_get(kit.store, "one", "shared", &object, NULL, &err);
		if (ok)
			store_listing_finish(&listing);
		if (ok && i % 4 == 0)
			ok = store_delete(kit.store, "one", name, &err);
	}
	return ok ? NULL : data;
}

static void threads_do_not_disturb_each_other(void **state)
{
	static char names[4][2] = {"a", "b", "c", "d"};
	pthread_t threads[4];
	void *failed;

	kit_bucket(&kit, "one");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work_on_keys, names[i]), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	kit_assert_listing(&kit, "one", "", "", "", 10, "a b c d shared ");
	assert_int_equal(kit_data_files(&kit), 5);
}

static void promise_8_a_second_opening_is_refused_and_says_who_has_it(void **state)
{
	char expected[512];
	struct gw_error err = {0};
	int to_parent[2];
	pid_t child;

	assert_int_equal(pipe(to_parent), 0);
	if (!(child = fork())) {
		struct store *store = store_open(kit.root, 1, &err); /* locks are of processes */
		if (write(to_parent[1], &err, sizeof(err)) != sizeof(err))
			_exit(2);
		_exit(store != NULL);
	}
	assert_int_equal(read(to_parent[0], &err, sizeof(err)), sizeof(err));
	kit_reap(child);
	close(to_parent[0]);
	close(to_parent[1]);
	assert_int_equal(err.kind, GW_BUSY);
	snprintf(expected, sizeof(expected), "%s/lock: process %d already runs", kit.root, (int)getpid());
	assert_string_equal(err.text, expected);
}

static void a_data_file_that_no_row_names_goes_at_the_next_opening_and_others_stay(void **state)
{
	kit_bucket(&kit, "one");
	kit_put(&kit, "one", "k", "value");
	kit_file(&kit, "data/77", "of a killed upload");
	kit_file(&kit, "data/078", "not a name of ours");
	kit_file(&kit, "data/readme", "an admin's");
	kit_reopen(&kit);
	assert_int_equal(kit_data_files(&kit), 3);
	kit_assert_object(&kit, "one", "k", "value");
}

static void a_database_of_something_else_is_refused_by_name(void **state)
{
	char expected[512];
	struct gw_error err = {0};

	store_close(kit.store);
	kit_file(&kit, "buckets.db", "this is no database, but it is long enough to have a header of one, which it has not");
	kit.store = store_open(kit.root, 1, &err);
	assert_null(kit.store);
	snprintf(expected, sizeof(expected), "%s/buckets.db: cannot open the database of buckets: file is not a database", kit.root);
	assert_string_equal(err.text, expected);
}

/* Both had begun before either was put: the second one finds what the first one made. */
static void of_two_that_want_a_key_to_be_free_the_later_one_is_refused(void **state)
{
	struct store_object object = {.only_if_none = true}, copy = {.only_if_none = true};
	struct store_upload first, second;
	struct s3_error err = {0};

	kit_bucket(&kit, "one");
	kit_upload(&kit, &first, "first", 5);
	kit_upload(&kit, &second, "second", 6);
	assert_true(store_put(kit.store, "one", "k", &first, &object, &err));
	assert_false(store_put(kit.store, "one", "k", &second, &object, &err));
	assert_int_equal(err.code, S3_PRECONDITION_FAILED);
	store_upload_drop(kit.store, &second);
	kit_put(&kit, "one", "l", "third");
	assert_false(store_copy(kit.store, "one", "l", "one", "k", &copy, &err));
	assert_int_equal(err.code, S3_PRECONDITION_FAILED);
	kit_assert_object(&kit, "one", "k", "first");
	assert_int_equal(kit_data_files(&kit), 2);
	copy.only_if_none = true;
	assert_true(store_copy(kit.store, "one", "l", "one", "m", &copy, &err));
	kit_assert_object(&kit, "one", "m", "third");
}

/* Whoever received the bytes has summed them up on the way: they are not read once more. */
static void what_was_summed_by_its_writer_is_not_read_again(void **state)
{
	struct store_object object = {.content_type = "text/plain"};
	struct store_upload upload;
	struct s3_error err = {0};

	kit_bucket(&kit, "one");
	kit_upload(&kit, &upload, "text", 4);
	upload.summed = true;
	upload.size = 4;
	memset(upload.md5, 0xab, sizeof(upload.md5)); /* no MD5 of it */
	assert_true(store_put(kit.store, "one", "summed", &upload, &object, &err));
	assert_string_equal(object.etag, "abababababababababababababababab");
	assert_int_equal(object.size, 4);
	kit_assert_object(&kit, "one", "summed", "text");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_put_is_got_with_its_md5_and_its_metadata, setup, teardown),
		cmocka_unit_test_setup_teardown(of_two_that_want_a_key_to_be_free_the_later_one_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_summed_by_its_writer_is_not_read_again, setup, teardown),
		cmocka_unit_test_setup_teardown(an_object_is_there_after_the_next_opening, setup, teardown),
		cmocka_unit_test_setup_teardown(an_object_is_replaced_and_readers_of_the_old_one_keep_it, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_deleted_is_gone_and_deleting_it_again_is_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(an_upload_that_is_dropped_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(what_does_not_exist_is_named_by_its_code, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bucket_is_made_once_and_removed_only_when_empty_or_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(buckets_are_listed_by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bucket_has_a_name_that_s3_takes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_key_is_any_bytes_and_never_a_path, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copy_has_the_bytes_and_the_metadata_that_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_copy_costs_no_room_on_the_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bucket_holds_up_to_its_limit_to_the_byte, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_are_listed_in_the_order_of_their_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(keys_that_share_a_prefix_up_to_the_delimiter_are_one_entry, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_join_to_the_whole_listing, setup, teardown),
		cmocka_unit_test_setup_teardown(a_listing_is_what_reading_all_keys_would_give, setup, teardown),
		cmocka_unit_test_setup_teardown(an_entry_tells_the_size_the_etag_and_the_time, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_39_folder_database_and_data_are_their_owners_alone_from_the_first_byte, setup,
						teardown),
		cmocka_unit_test_setup_teardown(promise_39_a_folder_that_others_could_enter_is_closed_to_them, setup, teardown),
		cmocka_unit_test_setup_teardown(threads_do_not_disturb_each_other, setup, teardown),
		cmocka_unit_test_setup_teardown(promise_8_a_second_opening_is_refused_and_says_who_has_it, setup, teardown),
		cmocka_unit_test_setup_teardown(a_data_file_that_no_row_names_goes_at_the_next_opening_and_others_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(a_database_of_something_else_is_refused_by_name, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
