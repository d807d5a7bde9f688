#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/store_internal.h"

/* ---- rows ---- */

int64_t bucket_find(struct store *store, const char *name, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_BUCKET_FIND, "t", name);
	enum sql_step step = sql_step(&store->sql, stmt, err);
	int64_t id = step == SQL_ROW ? sqlite3_column_int64(stmt, 0) : 0;

	if (step == SQL_DONE)
		s3_fail(err, S3_NO_SUCH_BUCKET, NULL);
	sql_end(stmt);
	return id;
}

int64_t bucket_add(struct store *store, const char *name, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_BUCKET_ADD, "ti", name, store_now());
	enum sql_step step = sql_step(&store->sql, stmt, err);
	int64_t id = step == SQL_ROW ? sqlite3_column_int64(stmt, 0) : 0;

	if (step == SQL_DONE)
		s3_fail(err, S3_BUCKET_EXISTS, NULL);
	sql_end(stmt);
	return id;
}

bool bucket_fits(struct store *store, int64_t bucket, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_BUCKET_HOLDS, "i", bucket);
	enum sql_step step = sql_step(&store->sql, stmt, err);
	bool ok = step == SQL_ROW;

	if (ok && (uint64_t)sqlite3_column_int64(stmt, 0) > store->bucket_max)
		ok = s3_fail(err, S3_FULL, "The bucket would hold more than its limit of %" PRIu64 " bytes.", store->bucket_max);
	else if (ok && sqlite3_column_int64(stmt, 1) > BUCKET_ENTRIES_MAX)
		ok = s3_fail(err, S3_FULL, "The bucket would hold more than its limit of %d objects.", BUCKET_ENTRIES_MAX);
	sql_end(stmt);
	return ok;
}

static bool is_empty(struct store *store, int64_t bucket, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_BUCKET_EMPTY, "i", bucket);
	enum sql_step step = sql_step(&store->sql, stmt, err);

	if (step == SQL_ROW)
		s3_fail(err, S3_BUCKET_NOT_EMPTY, NULL);
	sql_end(stmt);
	return step == SQL_DONE;
}

/* ---- what others call ---- */

bool store_bucket_create(struct store *store, const char *name, struct s3_error *err)
{
	return bucket_name_accepted(name, err) && store_begin(store, err) && store_end(store, bucket_add(store, name, err) != 0, err);
}

bool store_bucket_exists(struct store *store, const char *name, struct s3_error *err)
{
	return store_begin(store, err) && store_end(store, bucket_find(store, name, err) != 0, err);
}

static bool remove_empty(struct store *store, const void *what, struct data_files *gone, struct s3_error *err)
{
	int64_t bucket = bucket_find(store, what, err);

	/* uploads in parts are no objects, but have files */
	return bucket && is_empty(store, bucket, err) &&
	       data_files_read(store, sql_bind(&store->sql, SQL_BUCKET_FILES, "i", bucket), gone, err) &&
	       sql_run(&store->sql, sql_bind(&store->sql, SQL_BUCKET_REMOVE, "i", bucket), err);
}

bool store_bucket_remove(struct store *store, const char *name, bool whole, struct s3_error *err)
{
	return whole ? store_remove_bucket(store, name, err) : store_remove(store, remove_empty, name, err);
}

static bool read_buckets(struct store *store, struct store_buckets *buckets, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_BUCKETS, "");
	enum sql_step step;
	size_t size = 0;

	while ((step = sql_step(&store->sql, stmt, err)) == SQL_ROW) {
		if (buckets->n == size) {
			size = size ? 2 * size : 16;
			buckets->v = gw_realloc(buckets->v, size * sizeof(*buckets->v));
		}
		sql_text(buckets->v[buckets->n].name, sizeof(buckets->v->name), stmt, 0);
		buckets->v[buckets->n++].created_ns = sqlite3_column_int64(stmt, 1);
	}
	return step == SQL_DONE;
}

bool store_buckets_list(struct store *store, struct store_buckets *buckets, struct s3_error *err)
{
	*buckets = (struct store_buckets){0};
	if (store_begin(store, err) && store_end(store, read_buckets(store, buckets, err), err))
		return true;
	store_buckets_finish(buckets);
	return false;
}

void store_buckets_finish(struct store_buckets *buckets)
{
	free(buckets->v);
	*buckets = (struct store_buckets){0};
}
