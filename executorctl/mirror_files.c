#include "executorctl/mirror_files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "executorctl/share_pack.h"
#include "libgateway/files.h"

/* ---- keys ---- */

const char *mirror_key_refused(const struct s3_object *object)
{
	const char *segment = object->key;
	size_t n;

	if (memchr(object->key, '\0', object->len))
		return "has a NUL in it";
	if (!object->len || *object->key == '/')
		return object->len ? "begins with a /" : "is empty";
	do {
		n = strcspn(segment, "/");
		if (n == 0)
			return "has an empty name between two /, or ends with a /";
		if ((n == 1 || n == 2) && strncmp(segment, "..", n) == 0)
			return "has a . or .. as a name";
		segment += n;
	} while (*segment++);
	return NULL;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct s3_object *)a)->key, ((const struct s3_object *)b)->key);
}

void mirror_sort(struct s3_objects *objects)
{
	if (objects->n)
		qsort(objects->v, objects->n, sizeof(*objects->v), by_key);
}

static bool is_in_bucket(const struct mirror_dir *dir, const char *key)
{
	const struct s3_object wanted = {.key = (char *)(uintptr_t)key}; /* not written */

	return dir->bucket->n && bsearch(&wanted, dir->bucket->v, dir->bucket->n, sizeof(wanted), by_key);
}

/* ---- the directory ---- */

bool mirror_dir_open(struct mirror_dir *dir, const char *name, const struct s3_objects *bucket, struct gw_error *err)
{
	*dir = (struct mirror_dir){.name = name, .root = realpath(name, NULL), .bucket = bucket};
	dir->fd = dir->root ? open(dir->root, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	return dir->fd >= 0 || gw_fail_errno(err, GW_UNREACHABLE, errno, "%s", name);
}

void mirror_dir_finish(struct mirror_dir *dir)
{
	if (dir->root && dir->fd >= 0)
		close(dir->fd);
	free(dir->root);
}

/* ---- what is not in the bucket ---- */

struct removing {
	struct mirror_dir *dir;
	size_t root_len; /* of a path that FTS gives: what stands before the key */
	size_t removed;
	struct gw_error *err;
};

static bool fail(struct removing *r, const FTSENT *e, int errnum)
{
	return gw_fail_errno(r->err, GW_UNREACHABLE, errnum, "%s/%s cannot be removed", r->dir->name, e->fts_path + r->root_len);
}

static bool remove_one(struct removing *r, const FTSENT *e)
{
	if (e->fts_info == FTS_F && !is_in_bucket(r->dir, e->fts_path + r->root_len)) {
		if (unlink(e->fts_accpath) < 0)
			return fail(r, e, errno);
		r->removed++;
	} else if (e->fts_info == FTS_DP && strlen(e->fts_path) > r->root_len) {
		if (rmdir(e->fts_accpath) < 0 && errno != ENOTEMPTY && errno != EEXIST)
			return fail(r, e, errno);
	} else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS) {
		return fail(r, e, e->fts_errno);
	}
	return true;
}

/* `below`: a folder in it, or "". Not through symbolic links. */
static bool remove_below(struct mirror_dir *dir, const char *below, size_t *removed, struct gw_error *err)
{
	bool is_slash = strcmp(dir->root, "/") == 0;
	struct removing r = {.dir = dir, .root_len = is_slash ? 1 : strlen(dir->root) + 1, .err = err};
	char *path = gw_sprintf("%s%s%s", dir->root, *below && !is_slash ? "/" : "", below);
	FTS *fts = fts_open((char *[]){path, NULL}, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	bool ok = fts || gw_fail_errno(err, GW_UNREACHABLE, errno, "%s cannot be read", dir->name);
	FTSENT *e;

	while (ok && (errno = 0, e = fts_read(fts)))
		ok = remove_one(&r, e);
	if (ok && errno)
		ok = gw_fail_errno(err, GW_UNREACHABLE, errno, "%s cannot be read", dir->name);
	if (fts)
		fts_close(fts);
	free(path);
	*removed += r.removed;
	return ok;
}

bool mirror_remove_others(struct mirror_dir *dir, size_t *removed, struct gw_error *err)
{
	return remove_below(dir, "", removed, err);
}

/* ---- folders ---- */

/* Symbolic links may lead about in the directory, not out of it. */
static int open_beneath(const struct mirror_dir *dir, const char *path)
{
	const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};

	return (int)syscall(SYS_openat2, dir->fd, path, &how, sizeof(how));
}

static bool fail_place(int errnum, struct gw_error *err)
{
	bool leads_out = errnum == EXDEV || errnum == ELOOP;

	if (leads_out)
		return gw_fail(err, GW_REFUSED, "a symbolic link in the directory leads out of it");
	gw_fail_errno(err, GW_REFUSED, errnum, "its file cannot be made");
	return false;
}

/* A folder of that name in `in`, where there is none yet; a file that is in its way and not in the bucket goes. */
static bool make_folder(const struct mirror_dir *dir, int in, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct stat st;

	if (fstatat(in, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && !is_in_bucket(dir, path))
		unlinkat(in, name, 0);
	return mkdirat(in, name, 0777) == 0 || errno == EEXIST;
}

/* The folder that `key` lies in, made where it is missing: a descriptor of the caller's; -1 with errno. */
static int open_folder(const struct mirror_dir *dir, const char *key)
{
	int folder = open_beneath(dir, ".");

	for (const char *end = strchr(key, '/'); folder >= 0 && end; end = strchr(end + 1, '/')) {
		char *path = gw_strndup(key, (size_t)(end - key));
		int inner = open_beneath(dir, path), why;

		if (inner < 0 && (errno == ENOENT || errno == ENOTDIR) && make_folder(dir, folder, path))
			inner = open_beneath(dir, path);
		why = errno;
		close(folder);
		free(path);
		errno = why;
		folder = inner;
	}
	return folder;
}

/* ---- one file ---- */

static bool make_temp(struct mirror_file *file, struct gw_error *err)
{
	static unsigned number;

	do {
		snprintf(file->temp, sizeof(file->temp), SHARE_TEMP_FRONT "%d.%u" SHARE_TEMP_BACK, (int)getpid(), number++);
		file->fd = openat(file->folder, file->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	} while (file->fd < 0 && errno == EEXIST);
	if (file->fd >= 0)
		return true;
	file->temp[0] = '\0';
	file->fd = 0;
	return fail_place(errno, err);
}

bool mirror_file_begin(struct mirror_dir *dir, struct mirror_file *file, const char *key, struct gw_error *err)
{
	mirror_file_finish(file);
	file->key = key;
	file->folder = open_folder(dir, key);
	if (file->folder >= 0)
		return make_temp(file, err);
	file->folder = 0;
	return fail_place(errno, err);
}

bool mirror_file_write(struct mirror_file *file, const void *bytes, size_t n, struct gw_error *err)
{
	return file_write_all(file->fd, bytes, n) ||
	       gw_fail_errno(err, GW_UNREACHABLE, errno, "it cannot be written"); /* nor could the others */
}

static bool is_folder_of_bucket(const struct mirror_dir *dir, const char *key)
{
	size_t n = strlen(key);

	for (size_t i = 0; i < dir->bucket->n; i++)
		if (strncmp(dir->bucket->v[i].key, key, n) == 0 && dir->bucket->v[i].key[n] == '/')
			return true;
	return false;
}

/* A folder that is in its way, with nothing of the bucket in it, goes. */
static bool move_there(struct mirror_dir *dir, struct mirror_file *file, const char *name)
{
	struct gw_error ignored = {0};
	size_t removed = 0;

	if (renameat(file->folder, file->temp, file->folder, name) == 0)
		return true;
	if (errno != EISDIR || is_folder_of_bucket(dir, file->key) || !remove_below(dir, file->key, &removed, &ignored)) {
		errno = EISDIR;
		return false;
	}
	return renameat(file->folder, file->temp, file->folder, name) == 0;
}

/* A file that was there keeps its permissions: a script is to stay one. */
static void keep_mode(const struct mirror_file *file, const char *name)
{
	struct stat st;

	if (fstatat(file->folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
		fchmod(file->fd, st.st_mode & 0777);
}

bool mirror_file_place(struct mirror_dir *dir, struct mirror_file *file, struct gw_error *err)
{
	const char *slash = strrchr(file->key, '/'), *name = slash ? slash + 1 : file->key;
	int fd = file->fd;

	keep_mode(file, name);
	file->fd = 0;
	if (close(fd) < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "it cannot be written");
	if (!move_there(dir, file, name))
		return fail_place(errno, err);
	file->temp[0] = '\0';
	return true;
}

void mirror_file_finish(struct mirror_file *file)
{
	if (file->fd)
		close(file->fd);
	if (file->temp[0])
		unlinkat(file->folder, file->temp, 0);
	if (file->folder)
		close(file->folder);
	*file = (struct mirror_file){.key = file->key};
}
