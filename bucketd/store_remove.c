/* Removing, which must be possible on a full disk too: it needs room in the database's log before it gives any back. So some is held in
 * reserve. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "bucketd/store_internal.h"
#include "libgateway/log.h"

/* The log grows to 4 MiB before SQLite begins it anew. A bucket of many objects needs less: pages that become free are not written. */
#define RESERVE (8 << 20)
#define PIECE   (256 << 10)

bool reserve_open(struct store *store, struct gw_error *err)
{
	store->reserve_fd = openat(store->root_fd, "reserve", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->reserve_fd < 0) {
		store->reserve_fd = 0;
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "%s/reserve: cannot make the file", store->root);
	}
	reserve_fill(store);
	return true;
}

/* As far as the disk lets us, and again with each removal: without it, all but removing on a full disk works. */
void reserve_fill(struct store *store)
{
	off_t held = 0;

	while (held < RESERVE && fallocate(store->reserve_fd, 0, held, PIECE) == 0)
		held += PIECE;
	__atomic_store_n(&store->reserve_short, held < RESERVE, __ATOMIC_RELAXED);
}

static void reserve_use(struct store *store)
{
	log_warning("%s: the disk is full; what is removed is removed with the room held in reserve", store->root);
	__atomic_store_n(&store->reserve_short, true, __ATOMIC_RELAXED);
	if (ftruncate(store->reserve_fd, 0) < 0)
		log_warning("%s/reserve: cannot be given back", store->root);
}

static bool attempt(struct store *store, removal_fn *fn, const void *what, struct s3_error *err)
{
	struct data_files gone = {0};
	bool ok = store_begin(store, err) && store_end(store, fn(store, what, &gone, err), err);

	if (ok)
		data_remove(store, &gone);
	data_files_finish(&gone);
	return ok;
}

bool store_remove(struct store *store, removal_fn *fn, const void *what, struct s3_error *err)
{
	bool ok = attempt(store, fn, what, err);

	if (!ok && err->code == S3_FULL) {
		reserve_use(store);
		ok = attempt(store, fn, what, err);
	}
	if (__atomic_load_n(&store->reserve_short, __ATOMIC_RELAXED))
		reserve_fill(store);
	return ok;
}

static bool remove_bucket(struct store *store, const void *what, struct data_files *gone, struct s3_error *err)
{
	int64_t bucket = bucket_find(store, what, err);

	return bucket && data_files_read(store, sql_bind(&store->sql, SQL_BUCKET_FILES, "i", bucket), gone, err) &&
	       sql_run(&store->sql, sql_bind(&store->sql, SQL_BUCKET_REMOVE, "i", bucket), err);
}

bool store_remove_bucket(struct store *store, const char *name, struct s3_error *err)
{
	return store_remove(store, remove_bucket, name, err);
}
