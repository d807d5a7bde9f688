/* Listing by range scans: what a common prefix stands for is never read, the scan goes on behind it. */
#include <stdlib.h>
#include <string.h>

#include "bucketd/store_internal.h"

struct scan {
	struct store *store;
	int64_t bucket;
	const char *prefix;
	size_t prefix_len;
	int delimiter; /* -1: none */
	struct key_range range;
	uint8_t from[KEY_END_MAX]; /* the first key that is wanted */
	size_t from_len;
	size_t max;
	struct store_listing *listing;
};

/* The length of the common prefix that `key` falls under; 0: none. */
static size_t common_prefix(const struct scan *scan, const char *key, size_t len)
{
	const char *at = scan->delimiter < 0 || len < scan->prefix_len
				 ? NULL
				 : memchr(key + scan->prefix_len, scan->delimiter, len - scan->prefix_len);

	return at ? (size_t)(at - key) + 1 : 0;
}

static void go_behind_prefix(struct scan *scan, const char *prefix)
{
	struct key_range range;

	key_range_of(&range, prefix);
	memcpy(scan->from, range.end, range.end_len);
	scan->from_len = range.end_len;
}

/* Where the scan begins: at the prefix, or right behind `after`. */
static void begin_behind(struct scan *scan, const char *after)
{
	size_t len = strnlen(after, KEY_MAX);

	memcpy(scan->from, scan->prefix, scan->prefix_len);
	scan->from_len = scan->prefix_len;
	if (!len || strcmp(after, scan->prefix) < 0)
		return;
	if (strncmp(after, scan->prefix, scan->prefix_len) == 0 && common_prefix(scan, after, len) == len) {
		go_behind_prefix(scan, after);
		return;
	}
	memcpy(scan->from, after, len);
	scan->from[len] = 0; /* the least key that is greater */
	scan->from_len = len + 1;
}

static struct store_entry *add_entry(struct scan *scan, const char *key, size_t len)
{
	struct store_entry *entry = &scan->listing->v[scan->listing->n++];

	entry->key = gw_strndup(key, len);
	return entry;
}

/* Rows up to the next common prefix, behind which it begins anew (*again). */
static bool scan_some(struct scan *scan, bool *again, struct s3_error *err)
{
	sqlite3_stmt *stmt = sql_bind(&scan->store->sql, SQL_OBJECTS, "inn", scan->bucket, scan->from, scan->from_len, scan->range.end,
				      scan->range.end_len);
	enum sql_step step;

	*again = false;
	while (!*again && (step = sql_step(&scan->store->sql, stmt, err)) == SQL_ROW) {
		const char *key = sqlite3_column_blob(stmt, 5);
		size_t len = (size_t)sqlite3_column_bytes(stmt, 5), common = common_prefix(scan, key, len);

		if (scan->listing->n == scan->max) {
			scan->listing->truncated = true;
			sql_end(stmt);
			return true;
		}
		if (!common) {
			object_read(&add_entry(scan, key, len)->object, stmt);
			continue;
		}
		add_entry(scan, key, common)->is_prefix = true;
		*again = true;
	}
	if (!*again)
		return step == SQL_DONE;
	sql_end(stmt);
	go_behind_prefix(scan, scan->listing->v[scan->listing->n - 1].key);
	return true;
}

static bool scan_all(struct scan *scan, const char *bucket, struct s3_error *err)
{
	bool again = true;

	scan->bucket = bucket_find(scan->store, bucket, err);
	while (scan->bucket && again)
		if (!scan_some(scan, &again, err))
			return false;
	return scan->bucket != 0;
}

bool store_list(struct store *store, const char *bucket, const char *prefix, const char *delimiter, const char *after, size_t max,
		struct store_listing *listing, struct s3_error *err)
{
	struct scan scan = {.store = store,
			    .prefix = prefix,
			    .prefix_len = strlen(prefix),
			    .delimiter = *delimiter ? (unsigned char)*delimiter : -1,
			    .max = max,
			    .listing = listing};

	*listing = (struct store_listing){0};
	if (scan.prefix_len > KEY_MAX || strlen(after) > KEY_MAX)
		return s3_fail(err, S3_KEY_TOO_LONG, NULL);
	listing->v = gw_calloc(max, sizeof(*listing->v));
	key_range_of(&scan.range, prefix);
	begin_behind(&scan, after);
	if (store_begin(store, err) && store_end(store, scan_all(&scan, bucket, err), err))
		return true;
	store_listing_finish(listing);
	return false;
}

void store_listing_finish(struct store_listing *listing)
{
	for (size_t i = 0; i < listing->n; i++)
		free(listing->v[i].key);
	free(listing->v);
	*listing = (struct store_listing){0};
}
