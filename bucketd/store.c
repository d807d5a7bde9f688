/* Opening and closing, transactions. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bucketd/store_internal.h"
#include "libgateway/log.h"

static int open_folder(const char *path, struct gw_error *err)
{
	struct stat st;
	int fd = -1;

	if (!dir_make(path, 0700, err))
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* one that an admin made: secrets will lie in it */
	if (fd >= 0 && fstat(fd, &st) == 0 && (!(st.st_mode & 077) || fchmod(fd, 0700) == 0))
		return fd;
	gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot open the folder for us alone (0700)", path);
	if (fd >= 0)
		close(fd);
	return 0;
}

static bool open_folders(struct store *store, struct gw_error *err)
{
	char *data = gw_sprintf("%s/data", store->root), *lock = gw_sprintf("%s/lock", store->root);
	bool ok = (store->root_fd = open_folder(store->root, err)) && file_lock_take(&store->lock, lock, err) &&
		  (store->data_fd = open_folder(data, err));

	free(data);
	free(lock);
	return ok;
}

static bool open_database(struct store *store, struct gw_error *err)
{
	char *path = gw_sprintf("%s/buckets.db", store->root);
	bool ok = sql_open(&store->sql, path, err);

	if (ok && fsync(store->root_fd) < 0)
		ok = gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot be made durable", path);
	free(path);
	return ok;
}

struct store *store_open(const char *root, uint64_t bucket_max, struct gw_error *err)
{
	struct store *store = gw_calloc(1, sizeof(*store));

	store->root = gw_strdup(root);
	store->bucket_max = bucket_max;
	pthread_mutex_init(&store->mutex, NULL);
	if (open_folders(store, err) && open_database(store, err) && data_remove_unnamed(store, err) && reserve_open(store, err))
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	sql_close(&store->sql);
	if (store->reserve_fd)
		close(store->reserve_fd);
	if (store->data_fd)
		close(store->data_fd);
	if (store->root_fd)
		close(store->root_fd);
	file_lock_finish(&store->lock);
	pthread_mutex_destroy(&store->mutex);
	free(store->root);
	free(store);
}

/* ---- transactions ---- */

bool store_begin(struct store *store, struct s3_error *err)
{
	pthread_mutex_lock(&store->mutex);
	if (sql_run(&store->sql, sql_bind(&store->sql, SQL_BEGIN, ""), err))
		return true;
	pthread_mutex_unlock(&store->mutex);
	return false;
}

bool store_end(struct store *store, bool ok, struct s3_error *err)
{
	struct s3_error ignored;

	ok = ok && sql_run(&store->sql, sql_bind(&store->sql, SQL_COMMIT, ""), err);
	/* a full disk may have rolled back already */
	if (!ok && !sqlite3_get_autocommit(store->sql.db))
		sql_run(&store->sql, sql_bind(&store->sql, SQL_ROLLBACK, ""), &ignored);
	pthread_mutex_unlock(&store->mutex);
	return ok;
}

bool store_end_upload(struct store *store, bool ok, struct store_upload *upload, struct data_files *gone, struct s3_error *err)
{
	ok = store_end(store, ok, err);
	if (ok) {
		data_remove(store, gone);
		close(upload->fd);
		*upload = (struct store_upload){0};
	}
	data_files_finish(gone);
	return ok;
}

int64_t store_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}
