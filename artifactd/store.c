#include "artifactd/store.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libgateway/json.h"
#include "libgateway/log.h"

#define PREFIX       "sha256-"
#define URL_FILE_MAX 8192
#define FILE_MODE    0640
#define DIR_MODE     0750

/* ---- folders ---- */

/* Calls `each` with the names in a folder that do not begin with a dot; a missing folder is an empty one. */
typedef void each_name_fn(struct store *store, const char *folder, const char *name, void *data);
static void each_name(struct store *store, const char *folder, each_name_fn *each, void *data)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			each(store, folder, entry->d_name, data);
	if (dir)
		closedir(dir);
}

static void remove_file(struct store *store, const char *folder, const char *name, void *data)
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
	temp->fd = open(temp->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
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
	const char *at = bytes;

	hash_add(&temp->hash, bytes, n);
	temp->size += (int64_t)n;
	while (n) {
		ssize_t written = write(temp->fd, at, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return gw_fail_errno(err, GW_UNREACHABLE, errno, "the artifact cache cannot be written");
		at += written;
		n -= (size_t)written;
	}
	return true;
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
	snprintf(name, STORE_NAME_MAX, PREFIX "%s", hex);
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

	each_name(store, folder, remove_file, NULL);
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
	each_name(store, folder, release_if_other, &keep);
	pthread_mutex_unlock(&store->mutex);
	free(folder);
}

/* ---- pruning ---- */

struct artifact {
	char name[STORE_NAME_MAX];
	int64_t size;
	struct timespec asked;
	bool used;
};
struct artifacts {
	struct artifact *v;
	size_t n;
	int64_t bytes;
};

static void list_artifact(struct store *store, const char *folder, const char *name, void *data)
{
	struct artifacts *all = data;
	char *path = gw_sprintf("%s/%s", folder, name);
	struct stat st;

	if (strncmp(name, PREFIX, strlen(PREFIX)) == 0 && strlen(name) < STORE_NAME_MAX && lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		all->v = gw_realloc(all->v, (all->n + 1) * sizeof(*all->v));
		all->v[all->n] = (struct artifact){.size = st.st_size, .asked = st.st_mtim, .used = st.st_nlink > 1};
		snprintf(all->v[all->n++].name, STORE_NAME_MAX, "%s", name);
		all->bytes += st.st_size;
	}
	free(path);
}

static int by_age(const void *a, const void *b)
{
	const struct timespec *x = &((const struct artifact *)a)->asked, *y = &((const struct artifact *)b)->asked;

	if (x->tv_sec != y->tv_sec)
		return x->tv_sec < y->tv_sec ? -1 : 1;
	return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

void store_prune(struct store *store)
{
	struct artifacts all = {0};

	pthread_mutex_lock(&store->mutex);
	each_name(store, store->root, list_artifact, &all);
	if (all.bytes > store->max_bytes)
		qsort(all.v, all.n, sizeof(*all.v), by_age);
	for (size_t i = 0; i < all.n && all.bytes > store->max_bytes; i++) {
		if (all.v[i].used)
			continue;
		log_info("artifact %s (%lld bytes) is pruned", all.v[i].name, (long long)all.v[i].size);
		remove_file(store, store->root, all.v[i].name, NULL);
		all.bytes -= all.v[i].size;
	}
	pthread_mutex_unlock(&store->mutex);
	free(all.v);
}

/* ---- URLs ---- */

static char *url_path(const struct store *store, const char *url)
{
	char hex[HASH_HEX + 1];

	hash_of(url, strlen(url), hex);
	return gw_sprintf("%s/.urls/%s", store->root, hex);
}

static bool copy_member(const cJSON *json, const char *member, char *to, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, member));

	return text && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool read_url_file(const char *path, struct store_url *known)
{
	size_t len = 0;
	char *text = file_read(path, URL_FILE_MAX, &len, NULL);
	cJSON *json = text ? json_decode(text, len, NULL) : NULL;
	bool ok = copy_member(json, "name", known->name, sizeof(known->name)) &&
		  copy_member(json, "etag", known->etag, sizeof(known->etag)) &&
		  copy_member(json, "last_modified", known->last_modified, sizeof(known->last_modified)) && !strchr(known->name, '/');

	cJSON_Delete(json);
	free(text);
	return ok;
}

bool store_url_read(struct store *store, const char *url, struct store_url *known)
{
	char *path = url_path(store, url);
	bool ok = read_url_file(path, known);

	free(path);
	return ok;
}

/* What led to an artifact that has been pruned since leads nowhere. */
static void forget_if_pruned(struct store *store, const char *folder, const char *name, void *data)
{
	char *path = gw_sprintf("%s/%s", folder, name), *artifact;
	struct store_url known;
	bool there = read_url_file(path, &known);

	artifact = there ? gw_sprintf("%s/%s", store->root, known.name) : NULL;
	if (!there || access(artifact, F_OK) != 0)
		remove_file(store, folder, name, NULL);
	free(artifact);
	free(path);
}

static void forget_pruned(struct store *store)
{
	char *folder = gw_sprintf("%s/.urls", store->root);

	each_name(store, folder, forget_if_pruned, NULL);
	free(folder);
}

bool store_url_write(struct store *store, const char *url, const struct store_url *known, struct gw_error *err)
{
	char *path = url_path(store, url), *text;
	cJSON *json = cJSON_CreateObject();
	bool ok;

	cJSON_AddStringToObject(json, "name", known->name);
	cJSON_AddStringToObject(json, "etag", known->etag);
	cJSON_AddStringToObject(json, "last_modified", known->last_modified);
	text = cJSON_PrintUnformatted(json);
	ok = file_save(path, text, strlen(text), FILE_MODE, err);
	cJSON_Delete(json);
	free(text);
	free(path);
	return ok;
}

/* ---- the whole ---- */

bool store_open(struct store *store, const char *root, int64_t max_bytes, struct gw_error *err)
{
	char *temp = gw_sprintf("%s/.temp", root);

	store->root = gw_strdup(root);
	store->max_bytes = max_bytes;
	pthread_mutex_init(&store->mutex, NULL);
	store->ready = true;
	each_name(store, temp, remove_file, NULL);
	free(temp);
	forget_pruned(store);
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
