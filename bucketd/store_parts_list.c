/* What objects in parts there are, and their parts. */
#include <stdlib.h>
#include <string.h>

#include "bucketd/store_internal.h"

enum { LISTED_MAX = 10000 };

static bool is_there(struct store *store, int64_t bucket, const char *key, const char *id, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_MULTIPART_FIND, "tib", id, bucket, key);
	enum sql_step step = sql_step(&store->sql, stmt, err);

	sql_end(stmt);
	return step == SQL_ROW || (step == SQL_DONE && s3_fail(err, S3_NO_SUCH_UPLOAD, NULL));
}

static bool read_parts(struct store *store, const char *id, struct store_parts *parts, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&store->sql, SQL_PARTS, "t", id);
	enum sql_step step;
	size_t size = 0;

	while ((step = sql_step(&store->sql, stmt, err)) == SQL_ROW) {
		struct store_part_info *part;

		if (parts->n == size) {
			size = size ? 2 * size : 16;
			parts->v = gw_realloc(parts->v, size * sizeof(*parts->v));
		}
		part = &parts->v[parts->n++];
		part->number = sqlite3_column_int(stmt, 0);
		part->size = (uint64_t)sqlite3_column_int64(stmt, 1);
		part->modified_ns = sqlite3_column_int64(stmt, 2);
		sql_text(part->etag, sizeof(part->etag), stmt, 3);
	}
	return step == SQL_DONE;
}

bool store_parts_list(struct store *store, const char *bucket, const char *key, const char *id, struct store_parts *parts,
		      struct s3_error *err)
{
	int64_t bucket_id;
	bool ok;

	*parts = (struct store_parts){0};
	if (!store_begin(store, err))
		return false;
	bucket_id = bucket_find(store, bucket, err);
	ok = bucket_id && is_there(store, bucket_id, key, id, err) && read_parts(store, id, parts, err);
	if (store_end(store, ok, err))
		return true;
	store_parts_finish(parts);
	return false;
}

void store_parts_finish(struct store_parts *parts)
{
	free(parts->v);
	*parts = (struct store_parts){0};
}

static bool read_multiparts(struct store *store, int64_t bucket, const char *prefix, struct store_multiparts *list, struct s3_error *err)
{
	struct key_range range;
	sqlite3_stmt *stmt;
	enum sql_step step;

	key_range_of(&range, prefix);
	stmt = sql_bind(&store->sql, SQL_MULTIPARTS, "ibni", bucket, prefix, range.end, range.end_len, (int64_t)LISTED_MAX);
	list->v = gw_calloc(LISTED_MAX, sizeof(*list->v));
	while ((step = sql_step(&store->sql, stmt, err)) == SQL_ROW) {
		struct store_multipart *multipart = &list->v[list->n++];

		multipart->key = gw_strndup(sqlite3_column_blob(stmt, 0), (size_t)sqlite3_column_bytes(stmt, 0));
		sql_text(multipart->id, sizeof(multipart->id), stmt, 1);
		multipart->begun_ns = sqlite3_column_int64(stmt, 2);
	}
	return step == SQL_DONE;
}

bool store_multiparts_list(struct store *store, const char *bucket, const char *prefix, struct store_multiparts *list, struct s3_error *err)
{
	int64_t bucket_id;

	*list = (struct store_multiparts){0};
	if (strlen(prefix) > KEY_MAX)
		return s3_fail(err, S3_KEY_TOO_LONG, NULL);
	if (!store_begin(store, err))
		return false;
	bucket_id = bucket_find(store, bucket, err);
	if (store_end(store, bucket_id && read_multiparts(store, bucket_id, prefix, list, err), err))
		return true;
	store_multiparts_finish(list);
	return false;
}

void store_multiparts_finish(struct store_multiparts *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->v[i].key);
	free(list->v);
	*list = (struct store_multiparts){0};
}
