#include "libmars/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define OF_A_FOLDER (IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR | IN_MASK_ADD) /* one may be there for two names */
#define OF_THE_FILE (OF_A_FOLDER | IN_CLOSE_WRITE)
#define POINTS_MAX  128
#define LINKS_MAX   40 /* the kernel follows no more */

struct watch_point { /* a name that is looked up on the way to the file, and the watch of the directory where */
	int wd;
	char *path;
	const char *name; /* the end of path */
};

struct mars_watch {
	int fd;
	char *path;
	struct watch_point points[POINTS_MAX]; /* in the order of the way; the last is the file, if the way leads so far */
	size_t n;
};

/* --- The way to the file, as the kernel walks it ------------------------------------------------------------------------------------- */

struct way {
	char *at;   /* the directory reached: its path, without a symlink in it */
	char *rest; /* of the path; behind a symlink, of what that leads to */
	int links;
};

static void replace(char **text, char *by)
{
	free(*text);
	*text = by;
}

/* The next name of the way, or NULL at its end; `last`: nothing follows it. The caller frees. */
static char *take_name(struct way *way, bool *last)
{
	const char *from = way->rest + strspn(way->rest, "/"), *after = from + strcspn(from, "/");
	char *name = *from ? gw_strndup(from, (size_t)(after - from)) : NULL;

	*last = after[strspn(after, "/")] == '\0';
	replace(&way->rest, gw_strdup(after));
	return name;
}

static char *below(const char *dir, const char *name)
{
	return gw_sprintf("%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
}

/* True if `path`, a name of the way, is a symlink: then the way goes on with what it leads to. */
static bool follow_link(struct way *way, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0 || ++way->links > LINKS_MAX)
		return false;
	target[n] = '\0';
	if (target[0] == '/')
		replace(&way->at, gw_strdup("/"));
	replace(&way->rest, gw_sprintf("%s/%s", target, way->rest));
	return true;
}

/* Watches for another `name` where the way is, and only then is looked at what it is: what changes from then on is seen. */
static bool add_point(struct mars_watch *watch, const struct way *way, const char *name, bool last)
{
	struct watch_point *point = &watch->points[watch->n];

	point->wd = inotify_add_watch(watch->fd, way->at, last ? OF_THE_FILE : OF_A_FOLDER);
	if (point->wd < 0)
		return false;
	point->path = below(way->at, name);
	point->name = point->path + strlen(point->path) - strlen(name);
	watch->n++;
	return true;
}

static bool is_name(const char *name)
{
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* To the file, or to what is missing on the way. True: the directory of what the path names is watched. */
static bool walk(struct mars_watch *watch, struct gw_error *err)
{
	struct way way = {.at = gw_strdup(watch->path[0] == '/' ? "/" : "."), .rest = gw_strdup(watch->path)};
	bool watched = false, last;
	int why = ENAMETOOLONG;
	char *name, *path;

	while (watch->n < POINTS_MAX && (name = take_name(&way, &last))) {
		if (is_name(name) && !add_point(watch, &way, name, last))
			why = errno;
		else if (last)
			watched = true; /* a symlink there may lead to nothing yet */
		path = below(way.at, name);
		if (!is_name(name) || !follow_link(&way, path))
			replace(&way.at, gw_strdup(path));
		free(path);
		free(name);
	}
	if (!watched)
		gw_fail_errno(err, GW_UNREACHABLE, why, "cannot watch the directory of %s", watch->path);
	free(way.at);
	free(way.rest);
	return watched;
}

static bool is_watched(const struct mars_watch *watch, int wd)
{
	for (size_t i = 0; i < watch->n; i++)
		if (watch->points[i].wd == wd)
			return true;
	return false;
}

/* What leads to the file may be another now. */
static void walk_again(struct mars_watch *watch)
{
	int before[POINTS_MAX];
	size_t n = watch->n;

	for (size_t i = 0; i < n; i++) {
		before[i] = watch->points[i].wd;
		free(watch->points[i].path);
	}
	watch->n = 0;
	walk(watch, NULL);
	for (size_t i = 0; i < n; i++)
		if (!is_watched(watch, before[i]))
			inotify_rm_watch(watch->fd, before[i]); /* once more for one that was there for two names: refused */
}

struct mars_watch *mars_watch_create(const char *path, struct gw_error *err)
{
	struct mars_watch *watch = gw_calloc(1, sizeof(*watch));

	watch->path = gw_strdup(path);
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot watch %s", path);
	if (watch->fd < 0 || !walk(watch, err)) {
		mars_watch_destroy(watch);
		return NULL;
	}
	return watch;
}

void mars_watch_destroy(struct mars_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	for (size_t i = 0; i < watch->n; i++)
		free(watch->points[i].path);
	free(watch->path);
	free(watch);
}

int mars_watch_fd(const struct mars_watch *watch)
{
	return watch->fd;
}

/* --- What is seen -------------------------------------------------------------------------------------------------------------------- */

/* A file that was just made will be written and closed; a folder, a symlink or a hard link that was just made is complete. */
static bool is_complete(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && (!S_ISREG(st.st_mode) || st.st_nlink > 1);
}

static bool matters(const struct mars_watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < watch->n; i++) {
		const struct watch_point *point = &watch->points[i];

		if (event->wd == point->wd && event->len && strcmp(event->name, point->name) == 0 &&
		    (!(event->mask & IN_CREATE) || is_complete(point->path)))
			return true;
	}
	return false;
}

bool mars_watch_read(struct mars_watch *watch)
{
	char buf[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	const struct inotify_event *event;
	bool changed = false;
	ssize_t n;

	while ((n = read(watch->fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		for (char *p = buf; n > 0 && p < buf + n; p += sizeof(*event) + event->len) {
			event = (const struct inotify_event *)(const void *)p;
			changed |= matters(watch, event);
		}
	if (changed)
		walk_again(watch);
	return changed;
}
