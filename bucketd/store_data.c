/* The data files: ROOT/data/NUMBER, written once. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bucketd/checksums.h"
#include "bucketd/store_internal.h"
#include "libgateway/log.h"

struct file_name {
	char text[24];
};

static struct file_name name_of(int64_t file)
{
	struct file_name name;

	snprintf(name.text, sizeof(name.text), "%" PRId64, file);
	return name;
}

bool data_failed(int errnum, const char *what, struct s3_error *err)
{
	if (errnum == ENOSPC || errnum == EDQUOT)
		return s3_fail(err, S3_FULL, NULL);
	log_error("the data of buckets: %s: %s", what, strerror(errnum));
	return s3_fail(err, S3_INTERNAL, NULL);
}

/* ---- lists of them ---- */

void data_files_add(struct data_files *files, int64_t file)
{
	if (files->n == files->size) {
		files->size = files->size ? 2 * files->size : 16;
		files->v = gw_realloc(files->v, files->size * sizeof(*files->v));
	}
	files->v[files->n++] = file;
}

void data_files_finish(struct data_files *files)
{
	free(files->v);
	*files = (struct data_files){0};
}

bool data_files_read(struct store *store, sqlite3_stmt *stmt, struct data_files *files, struct s3_error *err)
{
	enum sql_step step;

	while ((step = sql_step(&store->sql, stmt, err)) == SQL_ROW)
		data_files_add(files, sqlite3_column_int64(stmt, 0));
	return step == SQL_DONE;
}

/* One that stays is removed at the next opening. */
static void remove_file(struct store *store, int64_t file)
{
	if (unlinkat(store->data_fd, name_of(file).text, 0) < 0)
		log_warning("%s/data/%" PRId64 ": cannot remove: %s", store->root, file, strerror(errno));
}

void data_remove(struct store *store, const struct data_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		remove_file(store, files->v[i]);
}

/* ---- writing and reading ---- */

bool store_upload_begin(struct store *store, struct store_upload *upload, struct s3_error *err)
{
	int64_t file = __atomic_add_fetch(&store->last_file, 1, __ATOMIC_RELAXED);
	int fd = openat(store->data_fd, name_of(file).text, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	*upload = (struct store_upload){0};
	if (fd < 0)
		return data_failed(errno, "cannot make a file", err);
	*upload = (struct store_upload){.fd = fd, .id = file};
	return true;
}

void store_upload_drop(struct store *store, struct store_upload *upload)
{
	if (upload->id) {
		close(upload->fd);
		remove_file(store, upload->id);
	}
	*upload = (struct store_upload){0};
}

int data_open(struct store *store, int64_t file, struct s3_error *err)
{
	int fd = openat(store->data_fd, name_of(file).text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		data_failed(errno, "cannot open a file", err);
	return fd;
}

bool data_sync_folder(struct store *store, struct s3_error *err)
{
	return fsync(store->data_fd) == 0 || data_failed(errno, "cannot make the folder durable", err);
}

static bool sum_up(struct store_upload *upload, struct s3_error *err)
{
	struct checksums sums;
	char bytes[128 * 1024];
	ssize_t n;

	checksums_begin(&sums, SUM_MD5);
	upload->size = 0;
	while ((n = pread(upload->fd, bytes, sizeof(bytes), (off_t)upload->size)) > 0) {
		checksums_add(&sums, bytes, (size_t)n);
		upload->size += (uint64_t)n;
	}
	checksums_md5(&sums, upload->md5);
	checksums_finish(&sums);
	upload->summed = n == 0;
	return n == 0 || data_failed(errno, "cannot read a file", err);
}

bool data_seal(struct store *store, struct store_upload *upload, struct s3_error *err)
{
	if (fdatasync(upload->fd) < 0)
		return data_failed(errno, "cannot make a file durable", err);
	return (upload->summed || sum_up(upload, err)) && data_sync_folder(store, err);
}

bool data_append(const struct store_upload *upload, int from, struct s3_error *err)
{
	ssize_t n;

	while ((n = file_copy_some(from, NULL, upload->fd, SIZE_MAX)) > 0)
		;
	return n == 0 || data_failed(errno, "cannot copy a file", err);
}

bool data_append_range(const struct store_upload *upload, int from, struct store_range range, struct s3_error *err)
{
	off_t at = (off_t)range.first;

	for (uint64_t left = range.n; left;) {
		ssize_t n = file_copy_some(from, &at, upload->fd, left);

		if (n <= 0)
			return data_failed(n < 0 ? errno : EIO, "cannot copy a file", err); /* 0: it is shorter than its row says */
		left -= (uint64_t)n;
	}
	return true;
}

bool data_link(struct store *store, int64_t file, struct store_upload *upload)
{
	int64_t link = __atomic_add_fetch(&store->last_file, 1, __ATOMIC_RELAXED);
	int fd;

	if (linkat(store->data_fd, name_of(file).text, store->data_fd, name_of(link).text, 0) < 0)
		return false;
	fd = openat(store->data_fd, name_of(link).text, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		remove_file(store, link);
		return false;
	}
	*upload = (struct store_upload){.fd = fd, .id = link};
	return true;
}

/* ---- opening ---- */

/* Whether it is a name of ours, without zeros in front. */
static bool is_ours(const char *name, int64_t *file)
{
	char *end;

	errno = 0;
	*file = strtoll(name, &end, 10);
	return !errno && *file > 0 && !*end && strcmp(name_of(*file).text, name) == 0;
}

static bool is_named(struct store *store, int64_t file, bool *named, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_FILE_NAMED, "i", file);
	enum sql_step step = sql_step(&store->sql, stmt, err);

	*named = step == SQL_ROW;
	sql_end(stmt);
	return step != SQL_FAILED;
}

static bool remove_unnamed(struct store *store, DIR *dir, struct s3_error *err)
{
	struct dirent *entry;
	size_t removed = 0;
	int64_t file;
	bool named;

	while ((entry = readdir(dir))) {
		if (!is_ours(entry->d_name, &file))
			continue;
		if (!is_named(store, file, &named, err))
			return false;
		if (named)
			continue;
		remove_file(store, file);
		removed++;
	}
	if (removed)
		log_info("%s/data: %zu files of uploads that broke off were removed", store->root, removed);
	return true;
}

static bool read_last(struct store *store, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_FILE_LAST, "");
	enum sql_step step = sql_step(&store->sql, stmt, err);

	if (step == SQL_ROW)
		store->last_file = sqlite3_column_int64(stmt, 0);
	sql_end(stmt);
	return step == SQL_ROW;
}

bool data_remove_unnamed(struct store *store, struct gw_error *err)
{
	struct s3_error failed = {0};
	int fd = openat(store->data_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool ok;

	if (!dir)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "%s/data: cannot read the folder", store->root);
	ok = read_last(store, &failed) && remove_unnamed(store, dir, &failed);
	closedir(dir);
	return ok || gw_fail(err, GW_INTERNAL, "%s/buckets.db: cannot be read", store->root);
}
