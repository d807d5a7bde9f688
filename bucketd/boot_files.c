#include "bucketd/boot_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bucketd/store_internal.h"
#include "libgateway/log.h"

#define BUCKET "boot"
/* What is here put has it among its metadata, with the file's modification time in ns. An admin's object has not. */
#define MARK "x-amz-meta-executor-boot-file: "

static void set_mark(char meta[STORE_META_MAX + 1], const struct stat *st)
{
	snprintf(meta, STORE_META_MAX + 1, MARK "%" PRId64 "\n", st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec);
}

/* Whether the file is to be put. False with S3_OK: what is there is to stay. */
static bool is_wanted(struct store *store, const char *name, const struct stat *st, struct s3_error *err)
{
	struct store_object object;
	struct s3_error failed = {0};
	char meta[STORE_META_MAX + 1];

	if (!store_get(store, BUCKET, name, &object, NULL, &failed)) {
		if (failed.code != S3_NO_SUCH_KEY)
			*err = failed;
		return failed.code == S3_NO_SUCH_KEY;
	}
	set_mark(meta, st);
	return strncmp(object.meta, MARK, strlen(MARK)) == 0 && (object.size != (uint64_t)st->st_size || strcmp(object.meta, meta) != 0);
}

static bool put(struct store *store, const char *name, int fd, const struct stat *st, struct s3_error *err)
{
	struct store_object object = {.content_type = "binary/octet-stream"};
	struct store_upload upload = {0};
	bool ok;

	set_mark(object.meta, st);
	ok = store_upload_begin(store, &upload, err) && data_append(&upload, fd, err) &&
	     store_put(store, BUCKET, name, &upload, &object, err);
	store_upload_drop(store, &upload);
	return ok;
}

static bool put_file(struct store *store, int folder, const char *name, struct s3_error *err)
{
	struct stat st;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok = true;

	if (fd < 0)
		return data_failed(errno, name, err);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		ok = is_wanted(store, name, &st, err) ? put(store, name, fd, &st, err) : err->code == S3_OK;
	close(fd);
	return ok;
}

bool boot_files_put(struct store *store, const char *folder, struct s3_error *err)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	bool ok;

	*err = (struct s3_error){0};
	if (!dir)
		return errno == ENOENT || data_failed(errno, folder, err);
	ok = store_bucket_create(store, BUCKET, err) || err->code == S3_BUCKET_EXISTS;
	err->code = ok ? S3_OK : err->code;
	while (ok && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			ok = put_file(store, dirfd(dir), entry->d_name, err);
	closedir(dir);
	return ok;
}
