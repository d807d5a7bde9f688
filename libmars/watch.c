#include "libmars/watch.h"

#include "libmars/db.h"
#include "libmars/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WHAT (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR)

struct watch_point { /* a directory and the name in it that matters */
	int wd;
	char path[PATH_MAX];
	char name[NAME_MAX + 1];
};

#define POINTS_MAX 8

struct mars_watch {
	int fd;
	char *path;
	struct watch_point points[POINTS_MAX]; /* the path's own directory; with a symlink, that of where it leads, and so on */
	size_t n;
};

static void split(const char *path, char *dir, size_t size, char name[NAME_MAX + 1])
{
	const char *slash = strrchr(path, '/');

	snprintf(dir, size, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
	if (slash == path)
		snprintf(dir, size, "/");
	snprintf(name, NAME_MAX + 1, "%.*s", NAME_MAX, slash ? slash + 1 : path); /* the kernel has no longer names */
}

static bool add_point(struct mars_watch *watch, struct watch_point *point, const char *path, struct gw_error *err)
{
	char dir[PATH_MAX];

	snprintf(point->path, sizeof(point->path), "%s", path);
	split(path, dir, sizeof(dir), point->name);
	point->wd = inotify_add_watch(watch->fd, dir, WHAT);
	return point->wd >= 0 || gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot watch %s", dir);
}

/* `path` becomes what the symlink there leads to, which need not exist. */
static bool next_hop(char path[PATH_MAX])
{
	char target[PATH_MAX], dir[PATH_MAX], name[NAME_MAX + 1], *joined;
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	bool fits;

	if (n <= 0)
		return false;
	target[n] = '\0';
	split(path, dir, sizeof(dir), name);
	joined = target[0] == '/' ? gw_strdup(target) : gw_sprintf("%s/%s", dir, target);
	fits = strlen(joined) < PATH_MAX;
	snprintf(path, PATH_MAX, "%s", joined);
	free(joined);
	return fits;
}

static bool is_watched(const struct mars_watch *watch, int wd)
{
	for (size_t i = 0; i < watch->n; i++)
		if (watch->points[i].wd == wd)
			return true;
	return false;
}

/* A symlink may be replaced by another at any time, so where it leads is looked at anew. */
static void follow_symlinks(struct mars_watch *watch)
{
	char path[PATH_MAX];
	int before[POINTS_MAX];
	size_t n = watch->n;

	for (size_t i = 0; i < n; i++)
		before[i] = watch->points[i].wd;
	snprintf(path, sizeof(path), "%s", watch->path);
	for (watch->n = 1; watch->n < POINTS_MAX && next_hop(path); watch->n++)
		if (!add_point(watch, &watch->points[watch->n], path, NULL))
			break;
	for (size_t i = 1; i < n; i++) /* one directory may be there twice */
		if (!is_watched(watch, before[i]))
			inotify_rm_watch(watch->fd, before[i]);
}

struct mars_watch *mars_watch_create(const char *path, struct gw_error *err)
{
	struct mars_watch *watch = gw_calloc(1, sizeof(*watch));

	watch->path = gw_strdup(path);
	watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (watch->fd < 0)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot watch %s", path);
	if (watch->fd < 0 || !add_point(watch, &watch->points[0], path, err)) {
		mars_watch_destroy(watch);
		return NULL;
	}
	follow_symlinks(watch);
	return watch;
}

void mars_watch_destroy(struct mars_watch *watch)
{
	if (!watch)
		return;
	if (watch->fd >= 0)
		close(watch->fd);
	free(watch->path);
	free(watch);
}

int mars_watch_fd(const struct mars_watch *watch)
{
	return watch->fd;
}

/* A file that was just made will be written and closed; a symlink or a hard link that was just made is complete. */
static bool matters(const struct mars_watch *watch, const struct inotify_event *event)
{
	struct stat st;

	if (event->mask & IN_Q_OVERFLOW)
		return true;
	for (size_t i = 0; i < watch->n; i++) {
		if (event->wd != watch->points[i].wd || !event->len || strcmp(event->name, watch->points[i].name) != 0)
			continue;
		if (!(event->mask & IN_CREATE))
			return true;
		if (lstat(watch->points[i].path, &st) == 0 && (S_ISLNK(st.st_mode) || st.st_nlink > 1))
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
		follow_symlinks(watch);
	return changed;
}

static void keep_last_good(struct mars_db *db, const struct gw_errors *errs)
{
	struct gw_error first = {0};
	struct tm tm;
	char when[32];
	bool asks; /* "did you mean ...?" */
	time_t at = (time_t)db->loaded_at;

	gw_errors_none(errs, &first);
	asks = first.text[0] && first.text[strlen(first.text) - 1] == '?';
	localtime_r(&at, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	snprintf(db->error, sizeof(db->error), "%.440s%s The database read at %s stays in use.", first.text, asks ? "" : ".", when);
}

struct mars_reload {
	struct mars_db *db; /* only begin and end touch it */
	char *name, *path;
	struct mars_options options;
	struct content *before, *outcome; /* outcome: `before` again if nothing has changed; NULL: not valid */
	bool unsettled;                   /* it is being written: nothing is known of it until its writer closes it, which is seen */
	struct gw_errors errs;
};

struct mars_reload *mars_reload_begin(struct mars_db *db)
{
	struct mars_reload *reload = gw_calloc(1, sizeof(*reload));

	gw_assert(db->path && !db->busy);
	db->busy = true;
	reload->db = db;
	reload->name = gw_strdup(db->name);
	reload->path = gw_strdup(db->path);
	reload->options = db->options;
	reload->before = content_hold(db->content);
	return reload;
}

void mars_reload_work(struct mars_reload *reload)
{
	struct content *before = reload->before;
	struct gw_error err = {0};
	size_t len;
	char *text = mars_file_read_settled(reload->path, &len, &err);

	reload->unsettled = !text && err.kind == GW_OK;
	if (reload->unsettled) {
		reload->outcome = content_hold(before);
	} else if (!text) {
		gw_errors_add(&reload->errs, err.kind, "%s", err.text);
	} else if (len == before->len && memcmp(text, before->text, len) == 0) {
		free(text);
		reload->outcome = content_hold(before);
	} else {
		reload->outcome = content_create_again(text, len, reload->name, &reload->options, before, &reload->errs);
	}
}

static void hand_errors(struct gw_errors *from, struct gw_errors *to)
{
	for (size_t i = 0; i < from->n; i++)
		gw_errors_add(to, from->v[i].kind, "%s", from->v[i].text);
	to->left_out += from->left_out;
}

bool mars_reload_end(struct mars_reload *reload, struct mars_changes *changes, struct gw_errors *errs)
{
	struct mars_db *db = reload->db;
	bool ok = reload->outcome != NULL;

	db->busy = false;
	hand_errors(&reload->errs, errs);
	if (!ok)
		keep_last_good(db, &reload->errs);
	else if (reload->unsettled)
		; /* what was wrong with it, if anything, still is */
	else if (reload->outcome == db->content)
		db->error[0] = '\0';
	else
		mars_db_replace(db, content_hold(reload->outcome), changes);
	content_release(reload->outcome);
	content_release(reload->before);
	gw_errors_finish(&reload->errs);
	free(reload->name);
	free(reload->path);
	free(reload);
	return ok;
}

bool mars_db_reload(struct mars_db *db, struct mars_changes *changes, struct gw_errors *errs)
{
	struct mars_reload *reload = mars_reload_begin(db);

	mars_reload_work(reload);
	return mars_reload_end(reload, changes, errs);
}
