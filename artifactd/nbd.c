#include "artifactd/nbd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "artifactd/store_internal.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define DIR_MODE     0710
#define HALF_MADE    0600 /* mode of an image that is not complete */
#define RANDOM_BYTES 16
#define TAIL         (1 + 2 * RANDOM_BYTES + 4) /* "-HEX.img" */
#define PIECE        (16 * 1024 * 1024)

struct nbd_make {
	struct work work;
	struct nbds *all;
	struct msg_artifact_nbd_make *of; /* owned */
	struct bus_call *call;
	char *path; /* owned; of the image; NULL: there is none */
	int64_t size;
};

/* ---- on the pool: copying ---- */

static bool given_up(struct nbd_make *m)
{
	return work_given_up(&m->work) && !gw_fail(&m->work.err, GW_REFUSED, "it is not wanted any more");
}

static bool cannot_write(struct nbd_make *m, int errnum)
{
	return gw_fail_errno(&m->work.err, GW_UNREACHABLE, errnum, "the image of the block device '%s' cannot be written", m->of->device);
}

static bool copy(struct nbd_make *m, int in, int out)
{
	ssize_t n;

	if (ioctl(out, FICLONE, in) == 0)
		return true;
	while ((n = file_copy_some(in, NULL, out, PIECE)) > 0)
		if (given_up(m))
			return false;
	return n == 0 || cannot_write(m, errno);
}

static bool fill(struct nbd_make *m, int in, int out)
{
	if (in >= 0)
		return copy(m, in, out);
	return ftruncate(out, m->size) == 0 || cannot_write(m, errno);
}

/* ---- on the pool: files ---- */

/* Another image of this device: of a setup that is tried again. */
static void remove_if_same(struct store *store, const char *folder, const char *name, void *device)
{
	size_t n = strlen(device);

	if (strlen(name) == n + TAIL && strncmp(name, device, n) == 0)
		store_remove_file(store, folder, name, NULL);
}

static char *random_path(const char *folder, const char *device)
{
	unsigned char bytes[RANDOM_BYTES];
	char hex[2 * RANDOM_BYTES + 1];

	gw_assert(getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
	return gw_sprintf("%s/%s-%s.img", folder, device, hex);
}

static void add_size(struct store *store, const char *folder, const char *name, void *sum)
{
	char *path = gw_sprintf("%s/%s", folder, name);
	struct stat st;

	if (lstat(path, &st) == 0)
		*(int64_t *)sum += st.st_size;
	free(path);
}

/* By their sizes, not by what they take now: the machine may write all of them full. What is there is looked up, so that it holds over
 * restarts; a job's images are made one after the other. */
static bool fits_beside_others(struct nbd_make *m, const char *folder)
{
	int64_t others = 0;

	store_each_name(m->all->store, folder, add_size, &others);
	return m->size <= m->all->max.job - others ||
	       gw_fail(&m->work.err, GW_BAD_INPUT,
		       "%lld bytes are too much beside %lld of the job's other block devices; accepted: up to %lld together "
		       "(EXECUTOR_NBD_MAX_SIZE)",
		       (long long)m->size, (long long)others, (long long)m->all->max.job);
}

/* Its mode comes last: nobody opens what is not complete, and the next start knows it by that. */
static bool make_image(struct nbd_make *m, const char *folder, int in)
{
	int out;
	bool ok;

	if (mkdir(folder, DIR_MODE) < 0 && errno != EEXIST)
		return cannot_write(m, errno);
	store_each_name(m->all->store, folder, remove_if_same, m->of->device);
	if (!fits_beside_others(m, folder))
		return false;
	m->path = random_path(folder, m->of->device);
	out = open(m->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, HALF_MADE);
	if (out < 0)
		return cannot_write(m, errno);
	ok = fill(m, in, out) && (fchmod(out, m->of->readonly ? 0440 : 0660) == 0 || cannot_write(m, errno));
	close(out);
	if (!ok)
		unlink(m->path);
	return ok;
}

static bool size_fits(struct nbd_make *m)
{
	return m->size <= m->all->max.image ||
	       gw_fail(&m->work.err, GW_BAD_INPUT, "%lld bytes is too much; accepted: up to %lld (EXECUTOR_ARTIFACT_MAX_SIZE)",
		       (long long)m->size, (long long)m->all->max.image);
}

static void run_make(struct work *work)
{
	struct nbd_make *m = (struct nbd_make *)work;
	char *folder = gw_sprintf("%s/%s", m->all->root, m->work.job);
	int in = -1;

	m->size = m->of->size;
	if (m->of->input)
		in = store_open_used(m->all->store, m->of->input, m->work.job, &m->size, &m->work.err);
	if (m->work.err.kind == GW_OK && size_fits(m))
		make_image(m, folder, in);
	if (in >= 0)
		close(in);
	free(folder);
}

struct removal {
	struct store *store;
	char *folder; /* owned */
};

static void run_removal(void *data)
{
	struct removal *r = data;

	store_each_name(r->store, r->folder, store_remove_file, NULL);
	if (rmdir(r->folder) < 0 && errno != ENOENT)
		log_warning("%s: cannot remove: %s", r->folder, strerror(errno));
}

static void after_removal(void *data)
{
	struct removal *r = data;

	free(r->folder);
	free(r);
}

/* ---- on the loop ---- */

static void remove_images(struct nbds *all, const char *job)
{
	struct removal *r = gw_calloc(1, sizeof(*r));

	*r = (struct removal){all->store, gw_sprintf("%s/%s", all->root, job)};
	pool_run(&all->works.pool, run_removal, after_removal, r);
}

static void make_end(struct work *work)
{
	struct nbd_make *m = (struct nbd_make *)work;

	if (work->err.kind != GW_OK) {
		log_warning("%sblock device %s: %s", log_job(work->job), m->of->device, work->err.text);
		bus_answer_error(m->call, &work->err);
	} else {
		log_info("%sblock device %s: %lld bytes of %s", log_job(work->job), m->of->device, (long long)m->size,
			 m->of->input ? m->of->input : "zeros");
		bus_answer(m->call, &(struct msg_artifact_nbd){.path = m->path, .size = m->size});
	}
	if (work->released)
		remove_images(m->all, work->job);
	bus_body_free(&bus_body_artifact_nbd_make, m->of);
	free(m->path);
	free(m);
}

static bool device_fits(const char *device, struct gw_error *err)
{
	if (*device && !device[strspn(device, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")])
		return true;
	return gw_fail(err, GW_BAD_INPUT, "device: '%s'; accepted: letters, digits, _ and -", device);
}

void nbds_make(struct nbds *all, const struct msg_artifact_nbd_make *make, const char *job, struct bus_call *call)
{
	struct nbd_make *m;
	struct gw_error err = {0};

	if (!device_fits(make->device, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	m = gw_calloc(1, sizeof(*m));
	m->all = all;
	m->of = bus_body_dup(&bus_body_artifact_nbd_make, make);
	m->call = call;
	works_add(&all->works, &m->work, job);
}

void nbds_release(struct nbds *all, const char *job)
{
	works_release(&all->works, job);
	remove_images(all, job);
}

static bool is_one_of(const struct bus_texts *jobs, const char *job)
{
	for (size_t i = 0; i < jobs->n; i++)
		if (strcmp(jobs->v[i], job) == 0)
			return true;
	return false;
}

/* The root is listed at once, and not on the pool: by then it may have a job that was admitted since. */
void nbds_release_others(struct nbds *all, const struct bus_texts *jobs)
{
	DIR *dir = opendir(all->root);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (store_job_name_fits(entry->d_name) && !is_one_of(jobs, entry->d_name))
			nbds_release(all, entry->d_name);
	if (dir)
		closedir(dir);
}

static void remove_if_half_made(struct store *store, const char *folder, const char *name, void *data)
{
	char *path = gw_sprintf("%s/%s", folder, name);
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == HALF_MADE)
		store_remove_file(store, folder, name, NULL);
	free(path);
}

static void remove_half_made(struct store *store, const char *root, const char *job, void *data)
{
	char *folder = gw_sprintf("%s/%s", root, job);

	store_each_name(store, folder, remove_if_half_made, NULL);
	free(folder);
}

bool nbds_open(struct nbds *all, struct loop *loop, struct store *store, const char *root, const struct nbd_bounds *bounds,
	       struct gw_error *err)
{
	char *lock = gw_sprintf("%s/.lock", root);
	bool ok = dir_make(root, DIR_MODE, err) && file_lock_take(&all->lock, lock, err);

	free(lock);
	works_init(&all->works, loop, run_make, make_end);
	all->works.in_turn = true;
	all->store = store;
	all->root = root[0] == '/' ? gw_strdup(root) : realpath(root, NULL); /* jobd may be started elsewhere */
	all->max = *bounds;
	if (ok)
		store_each_name(store, root, remove_half_made, NULL);
	return ok;
}

void nbds_finish(struct nbds *all)
{
	works_finish(&all->works);
	file_lock_finish(&all->lock);
	free(all->root);
	*all = (struct nbds){0};
}
