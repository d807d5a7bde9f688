#include "artifactd/works.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 2 }; /* of the pool's four threads: downloads want some, too */

static void start_queued(struct works *all);

static void unlink_work(struct work *work)
{
	struct work **at = &work->all->first;

	while (*at != work)
		at = &(*at)->next;
	*at = work->next;
	if (work->all->last == &work->next)
		work->all->last = at;
}

static void work_end(struct work *work)
{
	char *job = work->job;

	unlink_work(work);
	work->all->end(work);
	free(job);
}

static void run_work(void *data)
{
	struct work *work = data;

	work->all->run(work);
}

static void after_work(void *data)
{
	struct work *work = data;
	struct works *all = work->all;

	all->running--;
	work_end(work);
	start_queued(all);
}

static bool may_begin(const struct works *all, const struct work *work)
{
	for (const struct work *other = all->first; all->in_turn && other; other = other->next)
		if (other->begun && strcmp(other->job, work->job) == 0)
			return false;
	return !work->begun;
}

static void start_queued(struct works *all)
{
	for (struct work *work = all->first; work && all->running < AT_ONCE && !all->stopping; work = work->next) {
		if (!may_begin(all, work))
			continue;
		work->begun = true;
		all->running++;
		pool_run(&all->pool, run_work, after_work, work);
	}
}

static void give_up(struct work *work, const char *why)
{
	if (work->begun) {
		__atomic_store_n(&work->given_up, true, __ATOMIC_RELAXED);
		return;
	}
	gw_fail(&work->err, GW_REFUSED, "%s", why);
	work_end(work);
}

bool work_given_up(const struct work *work)
{
	return __atomic_load_n(&work->given_up, __ATOMIC_RELAXED);
}

void works_init(struct works *all, struct loop *loop, void (*run)(struct work *work), void (*end)(struct work *work))
{
	*all = (struct works){.pool.loop = loop, .run = run, .end = end};
	all->last = &all->first;
}

void works_add(struct works *all, struct work *work, const char *job)
{
	work->all = all;
	work->job = gw_strdup(job);
	*all->last = work;
	all->last = &work->next;
	start_queued(all);
}

void works_release(struct works *all, const char *job)
{
	for (struct work *work = all->first, *next; work; work = next) {
		next = work->next;
		if (strcmp(work->job, job) != 0)
			continue;
		work->released = work->begun;
		give_up(work, "the job has ended");
	}
}

void works_finish(struct works *all)
{
	if (!all->last)
		return;
	all->stopping = true;
	for (struct work *work = all->first, *next; work; work = next) {
		next = work->next;
		give_up(work, "given up, since this program stops");
	}
	pool_finish(&all->pool);
	*all = (struct works){0};
}
