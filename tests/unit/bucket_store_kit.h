/* A store in a folder of its own, for the tests of what it holds. Included once a test. */
#ifndef TESTS_BUCKET_STORE_KIT_H
#define TESTS_BUCKET_STORE_KIT_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bucketd/store.h"

static struct kit {
	char root[128];
	uint64_t bucket_max;
	struct store *store;
} kit;

static inline void kit_open(struct kit *k)
{
	struct gw_error err = {0};

	k->store = store_open(k->root, k->bucket_max, &err);
	if (!k->store)
		fail_msg("%s", err.text);
}

static inline void kit_begin_in(struct kit *k, const char *folder, uint64_t bucket_max)
{
	snprintf(k->root, sizeof(k->root), "%s/bucket_test.XXXXXX", folder);
	assert_non_null(mkdtemp(k->root));
	k->bucket_max = bucket_max;
	kit_open(k);
}

static inline void kit_begin(struct kit *k, uint64_t bucket_max)
{
	/* syncing there is quick, whatever the disk is busy with */
	kit_begin_in(k, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", bucket_max);
}

static inline void kit_reopen(struct kit *k)
{
	store_close(k->store);
	kit_open(k);
}

static inline void kit_remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	char name[1024];

	while (dir && (entry = readdir(dir))) {
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && unlink(name) < 0 && errno == EISDIR)
			kit_remove_folder(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

static inline void kit_end(struct kit *k)
{
	store_close(k->store);
	k->store = NULL;
	kit_remove_folder(k->root);
}

static inline void kit_bucket(struct kit *k, const char *name)
{
	struct s3_error err = {0};

	if (!store_bucket_create(k->store, name, &err))
		fail_msg("%s: %s", s3_code_name(err.code), err.text);
}

static inline void kit_upload(struct kit *k, struct store_upload *upload, const void *bytes, size_t n)
{
	struct s3_error err = {0};

	if (!store_upload_begin(k->store, upload, &err))
		fail_msg("%s: %s", s3_code_name(err.code), err.text);
	assert_int_equal(write(upload->fd, bytes, n), n);
}

static inline void kit_put(struct kit *k, const char *bucket, const char *key, const char *text)
{
	struct store_object object = {.content_type = "text/x-test"};
	struct store_upload upload;
	struct s3_error err = {0};

	kit_upload(k, &upload, text, strlen(text));
	if (!store_put(k->store, bucket, key, &upload, &object, &err))
		fail_msg("%s: %s", s3_code_name(err.code), err.text);
}

static inline void kit_refuses_put(struct kit *k, const char *bucket, const char *key, const char *text, enum s3_code code)
{
	struct store_object object = {0};
	struct store_upload upload;
	struct s3_error err = {0};

	kit_upload(k, &upload, text, strlen(text));
	assert_false(store_put(k->store, bucket, key, &upload, &object, &err));
	assert_int_equal(err.code, code);
	store_upload_drop(k->store, &upload);
}

static inline void kit_assert_object(struct kit *k, const char *bucket, const char *key, const char *text)
{
	struct store_object object;
	struct s3_error err = {0};
	char bytes[2048] = "";
	int fd;

	if (!store_get(k->store, bucket, key, &object, &fd, &err))
		fail_msg("%s: %s: %s", key, s3_code_name(err.code), err.text);
	assert_int_equal(read(fd, bytes, sizeof(bytes) - 1), strlen(text));
	assert_string_equal(bytes, text);
	assert_int_equal(object.size, strlen(text));
	close(fd);
}

/* Entries with a blank behind each, prefixes in brackets, `...` where more follow. */
static inline void kit_assert_listing(struct kit *k, const char *bucket, const char *prefix, const char *delimiter, const char *after,
				      size_t max, const char *expected)
{
	struct store_listing listing;
	struct s3_error err = {0};
	char text[1024] = "";

	assert_true(store_list(k->store, bucket, prefix, delimiter, after, max, &listing, &err));
	for (size_t i = 0; i < listing.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), listing.v[i].is_prefix ? "[%s] " : "%s ", listing.v[i].key);
	strcat(text, listing.truncated ? "..." : "");
	assert_string_equal(text, expected);
	store_listing_finish(&listing);
}

static inline void kit_file(struct kit *k, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", k->root, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static inline size_t kit_each_data_file(struct kit *k, mode_t *modes)
{
	char path[256];
	struct dirent *entry;
	struct stat st;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/data", k->root);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && fstatat(dirfd(dir), entry->d_name, &st, 0) == 0) {
			*modes |= st.st_mode;
			n++;
		}
	closedir(dir);
	return n;
}

static inline size_t kit_data_files(struct kit *k)
{
	mode_t modes = 0;

	return kit_each_data_file(k, &modes);
}

static inline mode_t kit_data_modes(struct kit *k)
{
	mode_t modes = 0;

	kit_each_data_file(k, &modes);
	return modes;
}

static inline void kit_reap(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
}

#endif
