#include "artifactd/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifactd/store_internal.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define DIR_MODE 0750

/* ---- folders ---- */

void store_each_name(struct store *store, const char *folder, each_name_fn *each, void *data)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			each(store, folder, entry->d_name, data);
	if (dir)
		closedir(dir);
}

void store_remove_file(struct store *store, const char *folder, const char *name, void *data)
{
	char *path = gw_sprintf("%s/%s", folder, name);

	if (unlink(path) < 0)
		log_warning("%s: cannot remove: %s", path, strerror(errno));
	free(path);
}

static bool make_folder(const struct store *store, const char *name, struct gw_error *err)
{
	char *path = gw_sprintf("%s/%s", store->root, name);
	bool ok = dir_make(path, DIR_MODE, err);

	free(path);
	return ok;
}

static bool sync_folder(const char *path, struct gw_error *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int saved = errno;

	if (fd >= 0)
		close(fd);
	return ok || gw_fail_errno(err, GW_UNREACHABLE, saved, "%s: cannot be made durable", path);
}

/* ---- writing ---- */

bool store_temp_open(struct store *store, struct store_temp *temp, struct gw_error *err)
{
	unsigned number = __atomic_add_fetch(&store->last_temp, 1, __ATOMIC_RELAXED);

	*temp = (struct store_temp){.path = gw_sprintf("%s/.temp/%d-%u", store->root, (int)getpid(), number)};
	temp->fd = open(temp->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, STORE_FILE_MODE);
	if (temp->fd < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot make the file", temp->path);
		free(temp->path);
		*temp = (struct store_temp){0};
		return false;
	}
	hash_start(&temp->hash);
	return true;
}

bool store_temp_write(struct store_temp *temp, const void *bytes, size_t n, struct gw_error *err)
{
	hash_add(&temp->hash, bytes, n);
	temp->size += (int64_t)n;
	return file_write_all(temp->fd, bytes, n) || gw_fail_errno(err, GW_UNREACHABLE, errno, "the artifact cache cannot be written");
}

void store_temp_abandon(struct store_temp *temp)
{
	if (!temp->path)
		return;
	close(temp->fd);
	unlink(temp->path);
	hash_finish(&temp->hash);
	free(temp->path);
	*temp = (struct store_temp){0};
}

/* ---- using ---- */

bool store_job_name_fits(const char *job)
{
	return *job && *job != '.' && strlen(job) <= 128 && !strchr(job, '/');
}

bool store_name_fits(const char *name)
{
	size_t front = strlen(STORE_PREFIX);

	return strncmp(name, STORE_PREFIX, front) == 0 && strlen(name) == front + HASH_HEX &&
	       strspn(name + front, "0123456789abcdef") == HASH_HEX;
}

/* With the mutex held. An artifact at the most links a file may have is used without one more. */
static bool link_to_job(struct store *store, const char *name, const char *job, struct gw_error *err)
{
	char *path = gw_sprintf("%s/%s", store->root, name), *folder = gw_sprintf("%s/.jobs/%s", store->root, job),
	     *use = gw_sprintf("%s/%s", folder, name);
	bool ok = (mkdir(folder, DIR_MODE) == 0 || errno == EEXIST) && (link(path, use) == 0 || errno == EEXIST || errno == EMLINK);

	if (!ok)
		gw_fail_errno(err, errno == ENOENT ? GW_NOT_FOUND : GW_UNREACHABLE, errno, "%s: cannot be used for %s", name, job);
	free(path);
	free(folder);
	free(use);
	return ok;
}

/* Its time of change tells when it was last asked for. */
static bool touch(struct store *store, const char *name, int64_t *size, struct gw_error *err)
{
	char *path = gw_sprintf("%s/%s", store->root, name);
	struct stat st;
	bool ok = stat(path, &st) == 0 && S_ISREG(st.st_mode);

	if (ok)
		utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW);
	if (ok && size)
		*size = st.st_size;
	free(path);
	return ok || gw_fail(err, GW_NOT_FOUND, "%s: there is no such artifact", name);
}

bool store_use(struct store *store, const char *name, const char *job, int64_t *size, struct gw_error *err)
{
	bool ok;

	pthread_mutex_lock(&store->mutex);
	ok = touch(store, name, size, err) && link_to_job(store, name, job, err);
	pthread_mutex_unlock(&store->mutex);
	return ok;
}

int store_open_used(struct store *store, const char *name, const char *job, int64_t *size, struct gw_error *err)
{
	char *path;
	int fd;

	if (!store_name_fits(name)) {
		gw_fail(err, GW_BAD_INPUT, "'%.100s' is not the name of an artifact", name);
		return -1;
	}
	if (!store_use(store, name, job, size, err))
		return -1;
	path = gw_sprintf("%s/%s", store->root, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot be opened", name);
	free(path);
	return fd;
}

static bool give_name(struct store *store, const struct store_temp *temp, const char *name, const char *job, struct gw_error *err)
{
	char *path = gw_sprintf("%s/%s", store->root, name);
	bool ok;

	pthread_mutex_lock(&store->mutex);
	ok = rename(temp->path, path) == 0;
	if (!ok)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot rename %s to it", path, temp->path);
	ok = ok && link_to_job(store, name, job, err);
	pthread_mutex_unlock(&store->mutex);
	free(path);
	return ok;
}

bool store_commit(struct store *store, struct store_temp *temp, const char *job, char name[STORE_NAME_MAX], struct gw_error *err)
{
	char hex[HASH_HEX + 1];
	bool ok;

	hash_end(&temp->hash, hex);
	snprintf(name, STORE_NAME_MAX, STORE_PREFIX "%s", hex);
	if (store_use(store, name, job, NULL, NULL)) { /* it is there already */
		store_temp_abandon(temp);
		return true;
	}
	ok = fsync(temp->fd) == 0 || gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: the artifact cache cannot be written", temp->path);
	ok = ok && give_name(store, temp, name, job, err) && sync_folder(store->root, err);
	store_temp_abandon(temp);
	if (ok)
		store_prune(store);
	return ok;
}

/* ---- no longer using ---- */

static void release_folder(struct store *store, const char *jobs, const char *job, void *data)
{
	char *folder = gw_sprintf("%s/%s", jobs, job);

	store_each_name(store, folder, store_remove_file, NULL);
	if (rmdir(folder) < 0 && errno != ENOENT)
		log_warning("%s: cannot remove: %s", folder, strerror(errno));
	free(folder);
}

void store_release(struct store *store, const char *job)
{
	char *jobs = gw_sprintf("%s/.jobs", store->root);

	pthread_mutex_lock(&store->mutex);
	release_folder(store, jobs, job, NULL);
	pthread_mutex_unlock(&store->mutex);
	free(jobs);
}

struct keep {
	char *const *jobs;
	size_t n;
};

static void release_if_other(struct store *store, const char *jobs, const char *job, void *data)
{
	const struct keep *keep = data;

	for (size_t i = 0; i < keep->n; i++)
		if (strcmp(job, keep->jobs[i]) == 0)
			return;
	release_folder(store, jobs, job, NULL);
}

void store_release_others(struct store *store, char *const *jobs, size_t n)
{
	char *folder = gw_sprintf("%s/.jobs", store->root);
	struct keep keep = {jobs, n};

	pthread_mutex_lock(&store->mutex);
	store_each_name(store, folder, release_if_other, &keep);
	pthread_mutex_unlock(&store->mutex);
	free(folder);
}

/* ---- the whole ---- */

bool store_open(struct store *store, const char *root, int64_t max_bytes, struct gw_error *err)
{
	char *temp = gw_sprintf("%s/.temp", root);

	store->root = gw_strdup(root);
	store->max_bytes = max_bytes;
	pthread_mutex_init(&store->mutex, NULL);
	store->ready = true;
	store_each_name(store, temp, store_remove_file, NULL);
	free(temp);
	store_forget_pruned(store);
	return make_folder(store, ".temp", err) && make_folder(store, ".urls", err) && make_folder(store, ".jobs", err);
}

void store_finish(struct store *store)
{
	if (!store->ready)
		return;
	pthread_mutex_destroy(&store->mutex);
	free(store->root);
	*store = (struct store){0};
}
