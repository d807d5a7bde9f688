/* The buckets and their objects. What there is is said by a database (SQLite, ROOT/buckets.db), the bytes of an object lie in a file of
 * their own (ROOT/data/, named by a number): a key is never a path, and an object is replaced in one step, or not at all.
 *
 * BLOCKING: every call may wait for the disk; call from libuv's threads. Any thread; the store has its own lock. What was
 * answered survives kill -9 and a power cut: file and folder are synced before the database's transaction. Data files that no row names
 * (of a kill in between) are removed at the next opening.
 * Errors: S3 codes for the client; S3_INTERNAL is logged here with its cause; ENOSPC and EDQUOT are S3_FULL. What removes works on a full
 * disk too: some room is held in reserve for that. A bucket holds a million objects and parts at most (S3_FULL). */
#ifndef BUCKETD_STORE_H
#define BUCKETD_STORE_H

#include <stdint.h>

#include "bucketd/s3_error.h"
#include "libgateway/buffer.h"

enum { BUCKET_NAME_MAX = 63, KEY_MAX = 1024, STORE_META_MAX = 2048, ETAG_SIZE = 48 };

struct store;
/* `bucket_max`: bytes that a bucket may hold, uploads that are not complete included. GW_BUSY: another process has it. */
struct store *store_open(const char *root, uint64_t bucket_max, struct gw_error *err);
void store_close(struct store *store); /* NULL is fine */

/* ---- buckets ---- */

/* The rules of S3 for names: 3 to 63 of a-z 0-9 . -, begins and ends with a letter or digit, no `..`, no IP address. */
bool bucket_name_accepted(const char *name, struct s3_error *err);
bool store_bucket_create(struct store *store, const char *name, struct s3_error *err); /* S3_BUCKET_EXISTS */
bool store_bucket_exists(struct store *store, const char *name, struct s3_error *err); /* false: S3_NO_SUCH_BUCKET */
/* With all in it if `whole`, else only if empty. */
bool store_bucket_remove(struct store *store, const char *name, bool whole, struct s3_error *err);
struct store_bucket {
	char name[BUCKET_NAME_MAX + 1];
	int64_t created_ns; /* since the epoch */
};
struct store_buckets {
	struct store_bucket *v; /* owned */
	size_t n;
};
bool store_buckets_list(struct store *store, struct store_buckets *buckets, struct s3_error *err); /* by name */
void store_buckets_finish(struct store_buckets *buckets);

/* ---- objects ---- */

struct store_object {
	uint64_t size;
	int64_t modified_ns;  /* since the epoch */
	char etag[ETAG_SIZE]; /* MD5, hexadecimal; of several parts: of their MD5s, `-N` behind it. Without quotes */
	char content_type[128];
	char meta[STORE_META_MAX + 1]; /* x-amz-meta-*: `name: value\n` each, lower-case names */
	bool only_if_none;             /* of one that is to be put: S3_PRECONDITION_FAILED if its key has an object by then */
};
/* What may be put in: made anew, then filled by writing to `fd` (on any thread), then given to store_put or store_part, or dropped. */
struct store_upload {
	int fd;
	int64_t id;
	bool summed; /* by whoever filled it: size and MD5 of the file are these. Else they are read of it */
	uint64_t size;
	uint8_t md5[16];
};
bool store_upload_begin(struct store *store, struct store_upload *upload, struct s3_error *err);
void store_upload_drop(struct store *store, struct store_upload *upload); /* one that was put, or is zeroed, is fine */
/* Makes it the object of `key`: syncs, sums it up unless that was done, sets size, etag and modified_ns of `object`, whose content_type and
 * meta it takes. What was there before is gone. */
bool store_put(struct store *store, const char *bucket, const char *key, struct store_upload *upload, struct store_object *object,
	       struct s3_error *err);
/* `fd` may be NULL: only looked at. The caller closes; the bytes stay as they are whatever happens to the key. */
bool store_get(struct store *store, const char *bucket, const char *key, struct store_object *object, int *fd, struct s3_error *err);
/* A key that is not there is fine, as in S3. */
bool store_delete(struct store *store, const char *bucket, const char *key, struct s3_error *err);
/* Server-side copy: same bytes, new `object`'s content_type and meta (or the source's if `object->content_type` is ""). */
bool store_copy(struct store *store, const char *from_bucket, const char *from_key, const char *bucket, const char *key,
		struct store_object *object, struct s3_error *err);

/* ---- listing, in the order of the keys' bytes ---- */

struct store_entry {
	char *key; /* owned; of a common prefix: the prefix */
	bool is_prefix;
	struct store_object object; /* zero for a prefix; without meta */
};
struct store_listing {
	struct store_entry *v; /* owned */
	size_t n;
	bool truncated; /* more follow v[n - 1].key */
};
/* Keys with `prefix` behind `after` ("" for none); those that share what stands between prefix and the next `delimiter` ("" or one
 * character) are one entry; `max` entries at most (1 to 1,000). `after` may be a common prefix: what it stands for is skipped. */
bool store_list(struct store *store, const char *bucket, const char *prefix, const char *delimiter, const char *after, size_t max,
		struct store_listing *listing, struct s3_error *err);
void store_listing_finish(struct store_listing *listing);

/* ---- objects in parts ---- */

/* `id` (33 bytes): 32 hexadecimal digits. Parts that nobody completes are dropped with their bucket, or by store_expire. */
bool store_multipart_begin(struct store *store, const char *bucket, const char *key, const struct store_object *object, char *id,
			   struct s3_error *err);
/* Replaces the part of that number (1 to 10,000). */
bool store_part(struct store *store, const char *bucket, const char *key, const char *id, int number, struct store_upload *upload,
		char etag[ETAG_SIZE], struct s3_error *err);
struct store_part_info {
	int number;
	uint64_t size;
	int64_t modified_ns;
	char etag[ETAG_SIZE];
};
struct store_range {
	uint64_t first, n; /* bytes; n 0: all */
};
/* The same with bytes of an object, 5 GiB at most (S3_ENTITY_TOO_LARGE): the part of `part->number`, whose other members it sets.
 * S3_INVALID_ARGUMENT: the object does not reach so far. */
bool store_part_copy(struct store *store, const char *from_bucket, const char *from_key, struct store_range range, const char *bucket,
		     const char *key, const char *id, struct store_part_info *part, struct s3_error *err);
struct store_part_ref {
	int number;
	const char *etag;
};
/* Parts of less than 5 MiB but the last are S3_ENTITY_TOO_SMALL. Of `object`, only_if_none is taken, all else set. */
bool store_multipart_complete(struct store *store, const char *bucket, const char *key, const char *id, const struct store_part_ref *parts,
			      size_t n, struct store_object *object, struct s3_error *err);
bool store_multipart_abort(struct store *store, const char *bucket, const char *key, const char *id, struct s3_error *err);
struct store_parts {
	struct store_part_info *v; /* owned */
	size_t n;
};
bool store_parts_list(struct store *store, const char *bucket, const char *key, const char *id, struct store_parts *parts,
		      struct s3_error *err);
void store_parts_finish(struct store_parts *parts);
struct store_multipart {
	char *key; /* owned */
	char id[33];
	int64_t begun_ns;
};
struct store_multiparts {
	struct store_multipart *v; /* owned */
	size_t n;
};
/* By key and age, the first 10,000. */
bool store_multiparts_list(struct store *store, const char *bucket, const char *prefix, struct store_multiparts *list,
			   struct s3_error *err);
void store_multiparts_finish(struct store_multiparts *list);
bool store_expire(struct store *store, int64_t before_ns, struct s3_error *err); /* uploads in parts begun before */

/* ---- the buckets of jobs: kept here, so that their keys live as long as they do ---- */

struct store_job {
	char job[129]; /* the gateway's id of the job */
	char bucket[BUCKET_NAME_MAX + 1];
	char client_secret[33], dut_secret[33]; /* of the keys BUCKET-client and BUCKET-dut */
	char dut_address[16];                   /* IPv4; "": none */
	char *groups;                           /* owned; `name\n` each */
};
bool store_job_add(struct store *store, const struct store_job *job, struct s3_error *err); /* the bucket must exist */
struct store_jobs {
	struct store_job *v; /* owned */
	size_t n;
};
bool store_jobs_list(struct store *store, struct store_jobs *jobs, struct s3_error *err);
void store_jobs_finish(struct store_jobs *jobs);
bool store_job_remove(struct store *store, const char *job, struct s3_error *err); /* the row; not its bucket */

#endif
