#include "executord/job_logs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executord/executord.h"
#include "libgateway/log.h"

/* ---- one pass, without the rest of executord ---- */

struct log_file {
	char *name; /* owned */
	struct timespec written;
	uint64_t size;
	bool kept;
};

struct log_files {
	struct log_file *v; /* owned */
	size_t n;
	uint64_t size; /* of all */
};

static int by_age(const void *a, const void *b)
{
	const struct log_file *x = a, *y = b;

	if (x->written.tv_sec != y->written.tv_sec)
		return x->written.tv_sec < y->written.tv_sec ? -1 : 1;
	if (x->written.tv_nsec != y->written.tv_nsec)
		return x->written.tv_nsec < y->written.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool is_kept(const char *name, char *const *kept, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strncmp(name, kept[i], strlen(kept[i])) == 0 && strcmp(name + strlen(kept[i]), ".log") == 0)
			return true;
	return false;
}

static void add(struct log_files *files, int folder, const char *name, char *const *kept, size_t n)
{
	const char *dot = strrchr(name, '.');
	struct stat st;

	if (!dot || strcmp(dot, ".log") != 0 || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return;
	files->v = gw_realloc(files->v, (files->n + 1) * sizeof(*files->v));
	files->v[files->n++] = (struct log_file){gw_strdup(name), st.st_mtim, (uint64_t)st.st_size, is_kept(name, kept, n)};
	files->size += (uint64_t)st.st_size;
}

static bool remove_oldest(struct log_files *files, int folder, const char *path, uint64_t max, struct gw_error *err)
{
	if (files->n)
		qsort(files->v, files->n, sizeof(*files->v), by_age);
	for (size_t i = 0; i < files->n && files->size > max; i++) {
		if (files->v[i].kept)
			continue;
		if (unlinkat(folder, files->v[i].name, 0) < 0 && errno != ENOENT)
			return gw_fail_errno(err, GW_UNREACHABLE, errno, "%s/%s cannot be removed", path, files->v[i].name);
		files->size -= files->v[i].size;
	}
	return true;
}

bool job_logs_prune(const char *folder, uint64_t max, char *const *kept, size_t n, struct gw_error *err)
{
	DIR *dir = opendir(folder);
	struct log_files files = {0};
	struct dirent *entry;
	bool ok;

	if (!dir)
		return errno == ENOENT || gw_fail_errno(err, GW_UNREACHABLE, errno, "%s", folder);
	while ((entry = readdir(dir)))
		add(&files, dirfd(dir), entry->d_name, kept, n);
	ok = remove_oldest(&files, dirfd(dir), folder, max, err);
	closedir(dir);
	for (size_t i = 0; i < files.n; i++)
		free(files.v[i].name);
	free(files.v);
	return ok;
}

/* ---- behind each job ---- */

struct pruning {
	struct executord *ex;
	char *folder; /* owned */
	uint64_t max;
	char **kept; /* owned, and their texts */
	size_t n;
	struct gw_error err;
};

static void keep(struct pruning *p, const char *job)
{
	p->kept = gw_realloc(p->kept, (p->n + 1) * sizeof(*p->kept));
	p->kept[p->n++] = gw_strdup(job);
}

static void keep_what_is_used(struct pruning *p)
{
	struct registry *r = &p->ex->registry;

	for (const struct job *job = p->ex->jobs.first; job; job = job->next)
		keep(p, job->id);
	for (size_t i = 0; i < r->n_duts; i++)
		for (size_t l = 0; l < r->duts[i]->training.n_loops; l++)
			if (r->duts[i]->training.loops[l].log_job)
				keep(p, r->duts[i]->training.loops[l].log_job);
}

static void on_work(uv_work_t *work)
{
	struct pruning *p = work->data;

	job_logs_prune(p->folder, p->max, p->kept, p->n, &p->err);
}

static void on_pruned(uv_work_t *work, int status)
{
	struct pruning *p = work->data;
	struct executord *ex = p->ex;

	log_failure("old logs of jobs", &p->err);
	for (size_t i = 0; i < p->n; i++)
		free(p->kept[i]);
	free(p->kept);
	free(p->folder);
	free(p);
	ex->job_logs.working = false;
	if (ex->job_logs.due)
		job_logs_prune_soon(ex);
}

void job_logs_prune_soon(struct executord *ex)
{
	struct pruning *p;

	ex->job_logs.due = ex->job_logs.working;
	if (ex->job_logs.working)
		return;
	p = gw_calloc(1, sizeof(*p));
	p->ex = ex;
	p->folder = env_state_path(&ex->env, "jobs");
	p->max = (uint64_t)env_integer(&ex->env, OPT_EXECUTOR_JOB_LOGS_SIZE) << 20;
	keep_what_is_used(p);
	ex->job_logs.working = true;
	ex->job_logs.work.data = p;
	gw_assert(uv_queue_work(&ex->loop.uv, &ex->job_logs.work, on_work, on_pruned) == 0);
}

void job_logs_finish(struct executord *ex)
{
	ex->job_logs.due = false;
	while (ex->job_logs.working) {
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
		ex->job_logs.due = false;
	}
}
