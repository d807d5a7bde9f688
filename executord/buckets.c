#include "executord/buckets.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "executord/executord.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define AGAIN_MS 2000

/* ---- the folder of what jobs bring ---- */

/* Of an executord that was killed. */
static void empty(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
}

/* A file system that knows no files without a name gives one that loses it. */
static int file_without_name(const char *folder)
{
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char *path;

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return fd;
	path = gw_sprintf("%s/body-XXXXXX", folder);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);
	return fd;
}

static bool has_room(int fd, uint64_t size)
{
	return file_disk_spares(fd, size + BUCKETS_RESERVE) &&
	       (!size || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0 || errno == EOPNOTSUPP || errno == ENOSYS);
}

int buckets_body_file(const struct executord *ex, uint64_t size, struct gw_error *err)
{
	int fd = file_without_name(ex->buckets.uploads);

	if (fd >= 0 && has_room(fd, size))
		return fd;
	gw_fail_errno(err, GW_UNREACHABLE, errno, "the body cannot be kept");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- bucketd ---- */

static void on_again(void *data)
{
	buckets_configure(data);
}

void buckets_configure_later(struct executord *ex)
{
	loop_timer_start(&ex->loop, &ex->buckets.again, AGAIN_MS, on_again, ex);
}

static void on_configured(void *data, const void *answer, const struct gw_error *err)
{
	const struct msg_bucket_state *state = answer;
	struct executord *ex = data;

	if (state) {
		ex->buckets.port = (int)state->port;
		log_info("job buckets are on port %d", ex->buckets.port);
	} else if (bus_peer_up(&ex->bus, "bucketd")) {
		log_warning("bucketd: %s; tried again", err->text);
		buckets_configure_later(ex);
	}
}

/* Before all jobds were heard a job that lives may not be known, and its bucket would go. */
void buckets_configure(struct executord *ex)
{
	struct msg_bucket_configure all = {0};

	loop_timer_stop(&ex->buckets.again);
	if (!ex->jobs.begun || !bus_peer_up(&ex->bus, "bucketd"))
		return;
	all.jobs = jobs_ids(ex);
	bus_ask(&ex->bus, "bucketd", MSG_BUCKET_CONFIGURE, &all, 0, on_configured, ex);
	free(all.jobs.v);
}

void buckets_on_peer(struct executord *ex, enum bus_peer_event what)
{
	if (what == BUS_PEER_UP)
		buckets_configure(ex);
	else if (what == BUS_PEER_DOWN)
		ex->buckets.port = 0;
}

bool buckets_there(const struct executord *ex, struct gw_error *err)
{
	char *shown;

	if (ex->buckets.port)
		return true;
	if (!ex->buckets.elsewhere)
		return gw_fail(err, GW_UNREACHABLE, "bucketd is not there, so the job can have no bucket now; try again later");
	shown = url_shown(env_text(&ex->env, OPT_MINIO_URL));
	gw_fail(err, GW_REFUSED,
		"MINIO_URL (%.200s) is another host's, so jobs get no buckets here; send the job without archive and groups", shown);
	free(shown);
	return false;
}

int buckets_port(const struct executord *ex)
{
	bool told = env_given(&ex->env, OPT_MINIO_URL) && ex->buckets.at.has_port && !ex->buckets.elsewhere;

	return told ? ex->buckets.at.port : ex->buckets.port;
}

/* ---- where they are ---- */

static void on_look(uv_work_t *work)
{
	struct executord *ex = work->data;

	ex->buckets.looked = !url_host_is_here(ex->buckets.at.host);
}

static void on_looked(uv_work_t *work, int status)
{
	struct executord *ex = work->data;

	ex->buckets.elsewhere = ex->buckets.looked;
}

bool buckets_start(struct executord *ex, struct gw_error *err)
{
	struct buckets *b = &ex->buckets;

	b->uploads = env_state_path(&ex->env, "uploads");
	if (!url_host_of(env_text(&ex->env, OPT_MINIO_URL), &b->at, err))
		return gw_context(err, "MINIO_URL");
	if (!dir_make(b->uploads, 0750, err))
		return false;
	empty(b->uploads);
	b->look.data = ex;
	if (env_given(&ex->env, OPT_MINIO_URL)) /* it may ask the network */
		gw_assert(uv_queue_work(&ex->loop.uv, &b->look, on_look, on_looked) == 0);
	return true;
}

void buckets_finish(struct executord *ex)
{
	loop_timer_finish(&ex->buckets.again);
	free(ex->buckets.uploads);
	ex->buckets.uploads = NULL;
}
