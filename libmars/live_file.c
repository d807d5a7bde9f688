#include "libmars/live_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libgateway/files.h"
#include "libgateway/log.h"
#include "libmars/watch.h"

#define FILE_MAX_SIZE (1 << 20)

static bool read_file(struct live_file *file, size_t *things, struct gw_errors *errs)
{
	const char *name = strrchr(file->path, '/');
	struct gw_error err = {0};
	size_t n = 0;
	char *text;
	bool ok;

	if (access(file->path, F_OK) < 0 && errno == ENOENT)
		text = gw_strdup("");
	else
		text = file_read(file->path, FILE_MAX_SIZE, &n, &err);
	if (!text) {
		gw_errors_add(errs, err.kind, "%s", err.text);
		return false;
	}
	ok = file->decode(file->owner, text, n, name ? name + 1 : file->path, things, errs);
	free(text);
	return ok;
}

static void note_time(char since[32])
{
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(since, 32, "%H:%M:%S", &tm);
}

void live_file_read_again(struct live_file *file)
{
	struct gw_errors errs = {0};
	size_t things = 0;

	if (!file->watch)
		return;
	if (read_file(file, &things, &errs)) {
		note_time(file->since);
		log_info("%s: %zu %s", file->option, things, file->noun);
	}
	for (size_t i = 0; i < errs.n; i++)
		log_error("%s: %s. The %s read at %s stay in use", file->option, errs.v[i].text, file->noun, file->since);
	gw_errors_finish(&errs);
}

static void on_edited(void *data, int events)
{
	struct live_file *file = data;

	if (mars_watch_read(file->watch))
		live_file_read_again(file);
}

bool live_file_start(struct live_file *file, struct loop *loop, struct gw_error *err)
{
	if (!file->path)
		return true;
	file->watch = mars_watch_create(file->path, err);
	if (!file->watch)
		return gw_context(err, "%s", file->option);
	note_time(file->since);
	live_file_read_again(file);
	return loop_fd_start(loop, &file->fd, mars_watch_fd(file->watch), UV_READABLE, on_edited, file, err);
}

bool live_file_check(struct live_file *file, struct gw_error *err)
{
	struct gw_errors errs = {0};
	size_t things;
	bool ok;

	if (!file->path)
		return true;
	read_file(file, &things, &errs);
	for (size_t i = 1; i < errs.n; i++)
		log_error("%s: %s", file->option, errs.v[i].text);
	ok = gw_errors_none(&errs, err) || gw_context(err, "%s", file->option);
	gw_errors_finish(&errs);
	return ok;
}

void live_file_finish(struct live_file *file)
{
	loop_fd_finish(&file->fd);
	mars_watch_destroy(file->watch);
	file->watch = NULL;
}
