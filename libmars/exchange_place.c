#include "libmars/exchange_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEPT_MAX 999

static bool place_from_real(struct place *place, char *real, struct gw_error *err)
{
	char *slash = strrchr(real, '/');
	size_t len;

	snprintf(place->name, sizeof(place->name), "%s", slash + 1);
	snprintf(place->temp, sizeof(place->temp), ".%s.new", place->name);
	*slash = '\0';
	len = strlen(real);
	snprintf(place->temp_path, sizeof(place->temp_path), "%.*s/%s", (int)len, real, place->temp);
	place->dir = open(len ? real : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (place->dir < 0)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot open the directory of %s", place->path);
	return true;
}

/* The file need not exist, its directory must. */
bool place_init(struct place *place, const char *path, struct gw_error *err)
{
	char *real = realpath(path, NULL), *copy, *slash, *joined = NULL;
	struct stat st;
	bool ok;

	*place = (struct place){.dir = -1, .path = path};
	if (!real && errno == ENOENT && lstat(path, &st) < 0) {
		copy = gw_strdup(path);
		slash = strrchr(copy, '/');
		if (slash)
			*slash = '\0';
		real = realpath(!slash ? "." : slash == copy ? "/" : copy, NULL);
		if (real)
			joined = gw_sprintf("%s/%s", strcmp(real, "/") == 0 ? "" : real, slash ? slash + 1 : copy);
		free(copy);
		free(real);
		real = joined;
	}
	if (!real)
		return gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot find %s", path);
	ok = place_from_real(place, real, err);
	free(real);
	return ok;
}

void place_finish(struct place *place)
{
	if (place->dir >= 0)
		close(place->dir);
	free(place->kept);
}

bool place_swap(struct place *place)
{
	return renameat2(place->dir, place->temp, place->dir, place->name, RENAME_EXCHANGE) == 0;
}

static ino_t inode_of(struct place *place, const char *name)
{
	struct stat st;

	return fstatat(place->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 ? st.st_ino : 0;
}

ino_t place_temp_inode(struct place *place)
{
	return inode_of(place, place->temp);
}

ino_t place_name_inode(struct place *place)
{
	return inode_of(place, place->name);
}

static void tell(struct place *place, const char *beside)
{
	char *before = place->kept;
	int dir = (int)(strlen(place->temp_path) - strlen(place->temp));

	place->kept = gw_sprintf("%s%s%.*s%s", before ? before : "", before ? ", " : "", dir, place->temp_path, beside);
	free(before);
}

bool place_keep(struct place *place, const char *name, bool moved)
{
	char beside[sizeof(place->name) + 16];
	bool done = false;

	for (int i = 1; i <= KEPT_MAX && !done; i++) {
		snprintf(beside, sizeof(beside), "%s.kept-%d", place->name, i);
		done = moved ? renameat2(place->dir, name, place->dir, beside, RENAME_NOREPLACE) == 0
			     : linkat(place->dir, name, place->dir, beside, 0) == 0;
		if (!done && errno != EEXIST)
			return false;
	}
	if (done)
		tell(place, beside);
	return done;
}

void place_find_kept(struct place *place)
{
	int fd = openat(place->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t len = strlen(place->name);
	struct dirent *entry;

	free(place->kept);
	place->kept = NULL;
	while (dir && (entry = readdir(dir)))
		if (strncmp(entry->d_name, place->name, len) == 0 && strncmp(entry->d_name + len, ".kept-", 6) == 0)
			tell(place, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}
