/* Objects in parts: each part is a data file, until the object is one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "bucketd/store_internal.h"

enum { PARTS_MAX = 10000, PART_MIN = 5 << 20 };

/* ---- an upload in parts ---- */

/* Under the lock. What it says of the object to be goes to `object`, if that is not NULL. */
static bool find(struct store *store, const char *bucket, const char *key, const char *id, int64_t *bucket_id, struct store_object *object,
		 struct s3_error *err)
{
	sqlite3_stmt *stmt;
	enum sql_step step;

	*bucket_id = bucket_find(store, bucket, err);
	if (!*bucket_id)
		return false;
	stmt = sql_bind(&store->sql, SQL_MULTIPART_FIND, "tib", id, *bucket_id, key);
	step = sql_step(&store->sql, stmt, err);
	if (step == SQL_ROW && object) {
		sql_text(object->content_type, sizeof(object->content_type), stmt, 0);
		sql_text(object->meta, sizeof(object->meta), stmt, 1);
	}
	sql_end(stmt);
	return step == SQL_ROW || (step == SQL_DONE && s3_fail(err, S3_NO_SUCH_UPLOAD, NULL));
}

/* Under the lock. */
static bool remove_one(struct store *store, const char *id, struct data_files *gone, struct s3_error *err)
{
	return data_files_read(store, sql_bind(&store->sql, SQL_MULTIPART_FILES, "t", id), gone, err) &&
	       sql_run(&store->sql, sql_bind(&store->sql, SQL_MULTIPART_REMOVE, "t", id), err);
}

bool store_multipart_begin(struct store *store, const char *bucket, const char *key, const struct store_object *object, char *id,
			   struct s3_error *err)
{
	uint8_t random[16];
	int64_t bucket_id;
	bool ok;

	gw_assert(RAND_bytes(random, sizeof(random)) == 1);
	hex(id, random, sizeof(random));
	if (!key_accepted(key, err) || !store_begin(store, err))
		return false;
	bucket_id = bucket_find(store, bucket, err);
	ok = bucket_id &&
	     sql_run(&store->sql,
		     sql_bind(&store->sql, SQL_MULTIPART_ADD, "tibitt", id, bucket_id, key, store_now(), object->content_type,
			      object->meta),
		     err) &&
	     bucket_fits(store, bucket_id, err);
	return store_end(store, ok, err);
}

struct aborted {
	const char *bucket, *key, *id;
};

static bool remove_aborted(struct store *store, const void *what, struct data_files *gone, struct s3_error *err)
{
	const struct aborted *aborted = what;
	int64_t bucket;

	return find(store, aborted->bucket, aborted->key, aborted->id, &bucket, NULL, err) && remove_one(store, aborted->id, gone, err);
}

bool store_multipart_abort(struct store *store, const char *bucket, const char *key, const char *id, struct s3_error *err)
{
	return store_remove(store, remove_aborted, &(struct aborted){bucket, key, id}, err);
}

static bool remove_old(struct store *store, const void *what, struct data_files *gone, struct s3_error *err)
{
	const int64_t *before_ns = what;
	char id[33];

	for (;;) {
		sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_MULTIPARTS_OLD, "i", *before_ns);
		enum sql_step step = sql_step(&store->sql, stmt, err);

		if (step != SQL_ROW)
			return step == SQL_DONE;
		sql_text(id, sizeof(id), stmt, 0);
		sql_end(stmt);
		if (!remove_one(store, id, gone, err))
			return false;
	}
}

bool store_expire(struct store *store, int64_t before_ns, struct s3_error *err)
{
	return store_remove(store, remove_old, &before_ns, err);
}

/* ---- a part ---- */

bool multipart_exists(struct store *store, const char *bucket, const char *key, const char *id, struct s3_error *err)
{
	int64_t bucket_id;

	return store_begin(store, err) && store_end(store, find(store, bucket, key, id, &bucket_id, NULL, err), err);
}

static bool put(struct store *store, const char *id, int64_t bucket, int64_t file, const struct store_part_info *part,
		struct data_files *gone, struct s3_error *err)
{
	return data_files_read(store, sql_bind(&store->sql, SQL_PART_REMOVE, "ti", id, (int64_t)part->number), gone, err) &&
	       sql_run(&store->sql,
		       sql_bind(&store->sql, SQL_PART_ADD, "tiiiiit", id, (int64_t)part->number, bucket, file, (int64_t)part->size,
				part->modified_ns, part->etag),
		       err) &&
	       bucket_fits(store, bucket, err);
}

bool part_put(struct store *store, const char *bucket, const char *key, const char *id, struct store_upload *upload,
	      struct store_part_info *part, struct s3_error *err)
{
	struct data_files gone = {0};
	int64_t bucket_id;
	bool ok;

	if (part->number < 1 || part->number > PARTS_MAX)
		return s3_fail(err, S3_INVALID_ARGUMENT, "The number of a part is one of 1 to %d.", PARTS_MAX);
	if (!data_seal(store, upload, err))
		return false;
	part->size = upload->size;
	part->modified_ns = store_now();
	hex(part->etag, upload->md5, sizeof(upload->md5));
	if (!store_begin(store, err))
		return false;
	ok = find(store, bucket, key, id, &bucket_id, NULL, err) && put(store, id, bucket_id, upload->id, part, &gone, err);
	return store_end_upload(store, ok, upload, &gone, err);
}

bool store_part(struct store *store, const char *bucket, const char *key, const char *id, int number, struct store_upload *upload,
		char etag[ETAG_SIZE], struct s3_error *err)
{
	struct store_part_info part = {.number = number};

	if (!part_put(store, bucket, key, id, upload, &part, err))
		return false;
	memcpy(etag, part.etag, sizeof(part.etag));
	return true;
}

/* ---- all parts become the object ---- */

struct completion {
	struct store *store;
	const char *bucket, *key, *id;
	const struct store_part_ref *refs;
	size_t n;
	int64_t *files; /* owned: of the parts */
	int64_t bucket_id;
	struct store_object *object;
};

static uint8_t digit(char c)
{
	return (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
}

/* One part, under the lock: its file, and its MD5 (of 32 digits, as store_part wrote it). */
static bool choose_part(struct completion *c, size_t i, int64_t *file, EVP_MD_CTX *md, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&c->store->sql, SQL_PART_FIND, "ti", c->id, (int64_t)c->refs[i].number);
	enum sql_step step = sql_step(&c->store->sql, stmt, err);
	char etag[ETAG_SIZE] = "";
	uint8_t md5[16];
	uint64_t size = 0;

	if (step == SQL_ROW) {
		sql_text(etag, sizeof(etag), stmt, 0);
		size = (uint64_t)sqlite3_column_int64(stmt, 1);
		*file = sqlite3_column_int64(stmt, 2);
	}
	sql_end(stmt);
	if (step == SQL_FAILED)
		return false;
	if (step == SQL_DONE || strcmp(etag, c->refs[i].etag) != 0)
		return s3_fail(err, S3_INVALID_PART, NULL);
	if (size < PART_MIN && i + 1 < c->n)
		return s3_fail(err, S3_ENTITY_TOO_SMALL, NULL);
	for (size_t at = 0; at < sizeof(md5); at++)
		md5[at] = (uint8_t)(digit(etag[2 * at]) << 4 | digit(etag[2 * at + 1]));
	EVP_DigestUpdate(md, md5, sizeof(md5));
	c->object->size += size;
	return true;
}

/* All of them, under the lock, into `files`; what they amount to goes into the object. */
static bool choose(struct completion *c, int64_t *files, struct s3_error *err)
{
	EVP_MD_CTX *md = gw_have(EVP_MD_CTX_new());
	uint8_t md5[16];
	bool ok = find(c->store, c->bucket, c->key, c->id, &c->bucket_id, c->object, err);

	c->object->size = 0;
	EVP_DigestInit_ex(md, EVP_md5(), NULL);
	for (size_t i = 0; ok && i < c->n; i++)
		ok = choose_part(c, i, &files[i], md, err);
	EVP_DigestFinal_ex(md, md5, NULL);
	EVP_MD_CTX_free(md);
	hex(c->object->etag, md5, sizeof(md5));
	snprintf(c->object->etag + 32, sizeof(c->object->etag) - 32, "-%d", (int)c->n);
	return ok;
}

/* Without the lock, since it may take long. A part that was replaced meanwhile is not the one that was meant. */
static bool join(struct completion *c, struct store_upload *upload, struct s3_error *err)
{
	bool ok = true;

	if (c->n == 1 && data_link(c->store, c->files[0], upload))
		return data_sync_folder(c->store, err);
	if (!store_upload_begin(c->store, upload, err))
		return false;
	for (size_t i = 0; ok && i < c->n; i++) {
		int fd = data_open(c->store, c->files[i], err);

		ok = fd >= 0 && data_append(upload, fd, err);
		if (fd >= 0)
			close(fd);
	}
	if (ok && fdatasync(upload->fd) < 0)
		ok = data_failed(errno, "cannot make a file durable", err);
	return ok && data_sync_folder(c->store, err);
}

/* Under the lock: if the parts are still those that were joined. */
static bool replace(struct completion *c, const struct store_upload *upload, struct data_files *gone, struct s3_error *err)
{
	int64_t *now = gw_calloc(c->n, sizeof(*now));
	bool ok = choose(c, now, err);

	if (ok && memcmp(now, c->files, c->n * sizeof(*now)) != 0)
		ok = s3_fail(err, S3_INVALID_PART, NULL);
	free(now);
	return ok && object_replace(c->store, c->bucket_id, c->key, upload->id, c->object, gone, err) &&
	       remove_one(c->store, c->id, gone, err) && bucket_fits(c->store, c->bucket_id, err);
}

static bool complete(struct completion *c, struct store_upload *upload, struct s3_error *err)
{
	struct data_files gone = {0};

	if (!store_begin(c->store, err) || !store_end(c->store, choose(c, c->files, err), err) || !join(c, upload, err))
		return false;
	c->object->modified_ns = store_now();
	return store_begin(c->store, err) && store_end_upload(c->store, replace(c, upload, &gone, err), upload, &gone, err);
}

bool store_multipart_complete(struct store *store, const char *bucket, const char *key, const char *id, const struct store_part_ref *parts,
			      size_t n, struct store_object *object, struct s3_error *err)
{
	struct completion c = {.store = store, .bucket = bucket, .key = key, .id = id, .refs = parts, .n = n, .object = object};
	struct store_upload upload = {0};
	bool ok;

	if (!n || n > PARTS_MAX)
		return s3_fail(err, S3_MALFORMED_XML, NULL);
	for (size_t i = 1; i < n; i++)
		if (parts[i].number <= parts[i - 1].number)
			return s3_fail(err, S3_INVALID_PART_ORDER, NULL);
	c.files = gw_calloc(n, sizeof(*c.files));
	ok = complete(&c, &upload, err);
	store_upload_drop(store, &upload);
	free(c.files);
	return ok;
}
