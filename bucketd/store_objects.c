#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bucketd/store_internal.h"

void object_read(struct store_object *object, sqlite3_stmt *stmt)
{
	object->size = (uint64_t)sqlite3_column_int64(stmt, 0);
	object->modified_ns = sqlite3_column_int64(stmt, 1);
	sql_text(object->etag, sizeof(object->etag), stmt, 2);
	sql_text(object->content_type, sizeof(object->content_type), stmt, 3);
	sql_text(object->meta, sizeof(object->meta), stmt, 4);
}

/* Its row is the statement's; whoever got true calls sql_end. */
static bool find(struct store *store, const char *bucket, const char *key, sqlite3_stmt **stmt, struct s3_error *err)
{
	int64_t id = bucket_find(store, bucket, err);
	enum sql_step step;

	if (!id)
		return false;
	*stmt = sql_bind(&store->sql, SQL_OBJECT_FIND, "ib", id, key);
	step = sql_step(&store->sql, *stmt, err);
	return step == SQL_ROW || (step == SQL_DONE && s3_fail(err, S3_NO_SUCH_KEY, NULL));
}

bool object_replace(struct store *store, int64_t bucket, const char *key, int64_t file, const struct store_object *object,
		    struct data_files *gone, struct s3_error *err)
{
	size_t before = gone->n;

	if (!data_files_read(store, sql_bind(&store->sql, SQL_OBJECT_REMOVE, "ib", bucket, key), gone, err))
		return false;
	if (object->only_if_none && gone->n > before)
		return s3_fail(err, S3_PRECONDITION_FAILED, NULL);
	return sql_run(&store->sql,
		       sql_bind(&store->sql, SQL_OBJECT_ADD, "ibiiittt", bucket, key, file, (int64_t)object->size, object->modified_ns,
				object->etag, object->content_type, object->meta),
		       err);
}

bool object_put(struct store *store, const char *bucket, const char *key, struct store_upload *upload, struct store_object *object,
		struct s3_error *err)
{
	struct data_files gone = {0};
	int64_t id;
	bool ok;

	object->modified_ns = store_now();
	if (!store_begin(store, err))
		return false;
	id = bucket_find(store, bucket, err);
	ok = id && object_replace(store, id, key, upload->id, object, &gone, err) && bucket_fits(store, id, err);
	return store_end_upload(store, ok, upload, &gone, err);
}

bool store_put(struct store *store, const char *bucket, const char *key, struct store_upload *upload, struct store_object *object,
	       struct s3_error *err)
{
	if (!key_accepted(key, err) || !data_seal(store, upload, err))
		return false;
	object->size = upload->size;
	hex(object->etag, upload->md5, sizeof(upload->md5));
	return object_put(store, bucket, key, upload, object, err);
}

static bool get(struct store *store, const char *bucket, const char *key, struct store_object *object, int *fd, struct s3_error *err)
{
	sqlite3_stmt *stmt;
	int64_t file;

	if (!find(store, bucket, key, &stmt, err))
		return false;
	object_read(object, stmt);
	file = sqlite3_column_int64(stmt, 5);
	sql_end(stmt);
	return !fd || (*fd = data_open(store, file, err)) >= 0;
}

bool store_get(struct store *store, const char *bucket, const char *key, struct store_object *object, int *fd, struct s3_error *err)
{
	bool ok;

	if (!store_begin(store, err))
		return false;
	ok = get(store, bucket, key, object, fd, err);
	if (store_end(store, ok, err))
		return true;
	if (ok && fd)
		close(*fd);
	return false;
}

struct place {
	const char *bucket, *key;
};

static bool remove_object(struct store *store, const void *what, struct data_files *gone, struct s3_error *err)
{
	const struct place *place = what;
	int64_t bucket = bucket_find(store, place->bucket, err);

	return bucket && data_files_read(store, sql_bind(&store->sql, SQL_OBJECT_REMOVE, "ib", bucket, place->key), gone, err);
}

bool store_delete(struct store *store, const char *bucket, const char *key, struct s3_error *err)
{
	return store_remove(store, remove_object, &(struct place){bucket, key}, err);
}

/* ---- copies ---- */

/* The source's bytes: as another name of the same file, or else open to read (*fd; -1: they are linked). */
static bool take_source(struct store *store, const char *bucket, const char *key, struct store_object *source, struct store_upload *upload,
			int *fd, struct s3_error *err)
{
	sqlite3_stmt *stmt;
	int64_t file;

	if (!find(store, bucket, key, &stmt, err))
		return false;
	object_read(source, stmt);
	file = sqlite3_column_int64(stmt, 5);
	sql_end(stmt);
	*fd = -1;
	return data_link(store, file, upload) || (*fd = data_open(store, file, err)) >= 0;
}

static bool copy_bytes(struct store *store, int fd, struct store_upload *upload, struct s3_error *err)
{
	bool ok = store_upload_begin(store, upload, err) && data_append(upload, fd, err);

	close(fd);
	return ok && (fdatasync(upload->fd) == 0 || data_failed(errno, "cannot make a file durable", err));
}

bool store_copy(struct store *store, const char *from_bucket, const char *from_key, const char *bucket, const char *key,
		struct store_object *object, struct s3_error *err)
{
	struct store_upload upload = {0};
	struct store_object source;
	int fd = -1;
	bool ok;

	if (!key_accepted(key, err) || !store_begin(store, err))
		return false;
	ok = store_end(store, take_source(store, from_bucket, from_key, &source, &upload, &fd, err), err);
	ok = ok && (fd < 0 || copy_bytes(store, fd, &upload, err)) && data_sync_folder(store, err);
	if (ok) {
		memcpy(source.content_type, object->content_type, *object->content_type ? sizeof(source.content_type) : 0);
		memcpy(source.meta, object->meta, *object->content_type ? sizeof(source.meta) : 0);
		source.only_if_none = object->only_if_none;
		*object = source;
		ok = object_put(store, bucket, key, &upload, object, err);
	}
	store_upload_drop(store, &upload);
	return ok;
}
