#include "artifactd/release.h"

#include <stdlib.h>

struct release {
	struct store *store;
	char **jobs; /* owned; one: that one; or all others than these */
	size_t n;
	bool others;
	struct bus_call *call;
};

static void run_release(void *data)
{
	struct release *r = data;

	if (r->others)
		store_release_others(r->store, r->jobs, r->n);
	else
		store_release(r->store, r->jobs[0]);
	store_prune(r->store);
}

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

static void after_release(void *data)
{
	struct release *r = data;

	if (r->call)
		bus_answer(r->call, NULL);
	free_texts(r->jobs, r->n);
	free(r);
}

static void release(struct pool *pool, struct store *store, char *const *jobs, size_t n, bool others, struct bus_call *call)
{
	struct release *r = gw_calloc(1, sizeof(*r));

	*r = (struct release){.store = store, .jobs = gw_calloc(n + 1, sizeof(*r->jobs)), .n = n, .others = others, .call = call};
	for (size_t i = 0; i < n; i++)
		r->jobs[i] = gw_strdup(jobs[i]);
	pool_run(pool, run_release, after_release, r);
}

void release_job(struct pool *pool, struct store *store, char *job, struct bus_call *call)
{
	release(pool, store, &job, 1, false, call);
}

void release_others(struct pool *pool, struct store *store, const struct bus_texts *jobs, struct bus_call *call)
{
	release(pool, store, jobs->v, jobs->n, true, call);
}
