/* What the files of the store share. Everything that ends in "under the lock" is called between store_begin and store_end. */
#ifndef BUCKETD_STORE_INTERNAL_H
#define BUCKETD_STORE_INTERNAL_H

#include <pthread.h>

#include "bucketd/store.h"
#include "bucketd/store_sql.h"
#include "libgateway/files.h"

enum {
	BUCKET_ENTRIES_MAX = 1000000
}; /* objects, uploads in parts and their parts of a bucket: without bytes, they still cost inodes and rows */

struct store {
	char *root; /* owned */
	struct file_lock lock;
	int root_fd, data_fd; /* folders; 0: not open */
	int reserve_fd;       /* room for removing on a full disk */
	bool reserve_short;   /* it was not all to be had; atomic */
	uint64_t bucket_max;
	int64_t last_file;     /* the number of the newest data file; atomic */
	pthread_mutex_t mutex; /* `sql`, and what must agree with it */
	struct store_sql sql;
};

/* ---- transactions (store.c) ---- */

struct data_files {
	int64_t *v; /* owned */
	size_t n, size;
};
bool store_begin(struct store *store, struct s3_error *err); /* takes the lock */
/* Commits if `ok`, else rolls back; gives the lock back. Returns whether it was committed. */
bool store_end(struct store *store, bool ok, struct s3_error *err);
/* The same of what gave `upload` its row: once committed, it is not the caller's any more, and the files that were replaced (`gone`, which
 * is finished here) are removed. */
bool store_end_upload(struct store *store, bool ok, struct store_upload *upload, struct data_files *gone, struct s3_error *err);
int64_t store_now(void); /* ns since the epoch */

/* ---- data files (store_data.c) ---- */

void data_files_add(struct data_files *files, int64_t file);
void data_files_finish(struct data_files *files);
/* Adds the first column of each row. Under the lock. */
bool data_files_read(struct store *store, sqlite3_stmt *stmt, struct data_files *files, struct s3_error *err);
void data_remove(struct store *store, const struct data_files *files);  /* without the lock: a large file's removal takes a while */
bool data_failed(int errnum, const char *what, struct s3_error *err);   /* always false */
int data_open(struct store *store, int64_t file, struct s3_error *err); /* to read; -1: failed */
/* Makes what was written durable; it is summed then. */
bool data_seal(struct store *store, struct store_upload *upload, struct s3_error *err);
bool data_sync_folder(struct store *store, struct s3_error *err);
/* All of `from` behind what is in `upload`, which stays where it was read to. Shares the bytes where the file system can. */
bool data_append(const struct store_upload *upload, int from, struct s3_error *err);
bool data_append_range(const struct store_upload *upload, int from, struct store_range range, struct s3_error *err); /* of range.n bytes */
/* Another data file with the same bytes, which is put or dropped as an upload. False, silently: the file system cannot. */
bool data_link(struct store *store, int64_t file, struct store_upload *upload);
bool data_remove_unnamed(struct store *store, struct gw_error *err); /* at opening */

/* ---- removing (store_remove.c) ---- */

bool reserve_open(struct store *store, struct gw_error *err);
void reserve_fill(struct store *store);
/* What a removal does under the lock: rows go, the files that they named are added to `gone`. Is called twice if the disk is full. */
typedef bool removal_fn(struct store *store, const void *what, struct data_files *gone, struct s3_error *err);
bool store_remove(struct store *store, removal_fn *fn, const void *what, struct s3_error *err);
bool store_remove_bucket(struct store *store, const char *name, struct s3_error *err); /* with all in it */

/* ---- rows ---- */

int64_t bucket_find(struct store *store, const char *name, struct s3_error *err); /* 0: S3_NO_SUCH_BUCKET. Under the lock */
int64_t bucket_add(struct store *store, const char *name, struct s3_error *err);  /* 0: S3_BUCKET_EXISTS. Under the lock */
bool bucket_fits(struct store *store, int64_t bucket, struct s3_error *err);      /* S3_FULL. Under the lock */
bool key_accepted(const char *key, struct s3_error *err);
/* The row of `key` names `file` from now on; the file of the row before is added to `gone`. S3_PRECONDITION_FAILED. Under the lock. */
bool object_replace(struct store *store, int64_t bucket, const char *key, int64_t file, const struct store_object *object,
		    struct data_files *gone, struct s3_error *err);
/* What is sealed becomes the object of `key`; sets modified_ns. */
bool object_put(struct store *store, const char *bucket, const char *key, struct store_upload *upload, struct store_object *object,
		struct s3_error *err);
void object_read(struct store_object *object, sqlite3_stmt *stmt); /* columns 0 to 4 */
void hex(char *to, const uint8_t *bytes, size_t n);                /* 2 n + 1 bytes */

/* ---- parts (store_parts.c) ---- */

bool multipart_exists(struct store *store, const char *bucket, const char *key, const char *id,
		      struct s3_error *err); /* S3_NO_SUCH_UPLOAD */
/* What is in `upload` becomes the part of part->number, whose other members are set. */
bool part_put(struct store *store, const char *bucket, const char *key, const char *id, struct store_upload *upload,
	      struct store_part_info *part, struct s3_error *err);

/* ---- jobs (store_jobs.c) ---- */

/* A data file that is to be an object of a new bucket. */
struct store_item {
	char *key; /* owned */
	int64_t file;
	uint64_t size;
	uint8_t md5[16];
};
/* The bucket job->bucket with these, and the job's row, in one step; the files are durable already. S3_BUCKET_EXISTS: the job has one. */
bool store_job_make(struct store *store, const struct store_job *job, const struct store_item *items, size_t n, struct s3_error *err);
bool store_job_remove_whole(struct store *store, const char *job, struct s3_error *err); /* with its bucket */

/* ---- keys ---- */

/* The keys that begin with `prefix`: from its own bytes up to, but without, `end`. */
enum { KEY_END_MAX = KEY_MAX + 1 };
struct key_range {
	uint8_t end[KEY_END_MAX];
	size_t end_len;
};
void key_range_of(struct key_range *range, const char *prefix);

#endif
