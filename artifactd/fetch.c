#include "artifactd/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "artifactd/release.h"
#include "libgateway/log.h"
#include "libgateway/url.h"

enum {
	AT_ONCE = 16,
	REDIRECTS = 10,
	TOTAL_MS = 4 * 3600 * 1000, /* of a download */
};

struct waiter {
	struct waiter *next; /* in fetch.waiters */
	char *job;           /* owned */
	struct bus_call *call;
	bool released; /* the job ended while the pool was at work */
};

/* QUEUED: too many run. LOOKING: the pool looks up what the URL led to last time. STORING: the pool makes it durable; nobody joins any
 * more. */
enum fetch_state { QUEUED, LOOKING, LOADING, STORING };

struct fetch {
	struct fetch *next; /* in fetches.first */
	struct fetches *all;
	enum fetch_state state;
	char *url, *shown; /* owned; NULL: data */
	char *data;        /* owned; NULL: url */
	struct waiter *waiters;
	struct http_transfer *transfer;
	struct store_temp temp;
	struct store_url known; /* what the URL led to; after a download: leads to */
	bool has_known, not_modified;
	int64_t size;
	struct gw_error err;
	char **jobs; /* owned; of the waiters as the pool's task began: what it may look at */
	size_t n_jobs;
};

static void start_queued(struct fetches *all);

/* ---- waiters ---- */

static void waiter_add(struct fetch *f, const char *job, struct bus_call *call)
{
	struct waiter *w = gw_calloc(1, sizeof(*w));

	w->job = gw_strdup(job);
	w->call = call;
	w->next = f->waiters;
	f->waiters = w;
}

static void waiter_answer(struct waiter *w, const struct fetch *f)
{
	char name[STORE_NAME_MAX];
	struct msg_artifact artifact = {.name = name, .size = f->size};

	snprintf(name, sizeof(name), "%s", f->known.name);
	if (f->err.kind != GW_OK) {
		log_warning("%sartifact: %s", log_job(w->job), f->err.text);
		bus_answer_error(w->call, &f->err);
	} else {
		log_info("%sartifact: %s: %lld bytes, %s%s", log_job(w->job), f->shown ? f->shown : "data", (long long)f->size, name,
			 f->not_modified ? ", as cached" : "");
		bus_answer(w->call, &artifact);
	}
	if (w->released)
		release_job(&f->all->pool, f->all->store, w->job, NULL);
	free(w->job);
	free(w);
}

/* The pool may be about to give the job its use of the artifact: then it is taken back afterwards. */
static void waiters_release(struct fetch *f, const char *job)
{
	struct gw_error err = {0};

	gw_fail(&err, GW_REFUSED, "job %s has ended", job);
	for (struct waiter **at = &f->waiters, *w; (w = *at);) {
		if (strcmp(w->job, job) != 0) {
			at = &w->next;
		} else if (f->state == LOOKING || f->state == STORING) {
			w->released = true;
			at = &w->next;
		} else {
			*at = w->next;
			bus_answer_error(w->call, &err);
			free(w->job);
			free(w);
		}
	}
}

static void free_texts(char **texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(texts[i]);
	free(texts);
}

static void take_jobs(struct fetch *f)
{
	free_texts(f->jobs, f->n_jobs);
	f->jobs = NULL;
	f->n_jobs = 0;
	for (const struct waiter *w = f->waiters; w; w = w->next) {
		f->jobs = gw_realloc(f->jobs, (f->n_jobs + 1) * sizeof(*f->jobs));
		f->jobs[f->n_jobs++] = gw_strdup(w->job);
	}
}

/* ---- a fetch's life ---- */

static struct fetch *fetch_create(struct fetches *all)
{
	struct fetch *f = gw_calloc(1, sizeof(*f));

	f->all = all;
	*all->end = f;
	all->end = &f->next;
	return f;
}

static void fetch_unlink(struct fetch *f)
{
	struct fetch **at = &f->all->first;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	if (f->all->end == &f->next)
		f->all->end = at;
}

static void fetch_end(struct fetch *f)
{
	struct fetches *all = f->all;
	struct waiter *w;

	fetch_unlink(f);
	all->running -= f->state != QUEUED;
	store_temp_abandon(&f->temp);
	while ((w = f->waiters)) {
		f->waiters = w->next;
		waiter_answer(w, f);
	}
	free_texts(f->jobs, f->n_jobs);
	free(f->url);
	free(f->shown);
	free(f->data);
	free(f);
	start_queued(all);
}

/* The pool: the download or the data becomes an artifact that all who wait use. */
static void run_store(void *data)
{
	struct fetch *f = data;
	struct store *store = f->all->store;
	bool ok = f->not_modified || !f->data ||
		  (store_temp_open(store, &f->temp, &f->err) && store_temp_write(&f->temp, f->data, strlen(f->data), &f->err));

	if (ok && !f->not_modified)
		ok = store_commit(store, &f->temp, f->jobs[0], f->known.name, &f->err);
	for (size_t i = 0; ok && i < f->n_jobs; i++)
		ok = store_use(store, f->known.name, f->jobs[i], &f->size, &f->err);
	if (ok && f->url && !f->not_modified)
		ok = store_url_write(store, f->url, &f->known, &f->err);
	if (!ok && f->shown)
		gw_context(&f->err, "%.200s", f->shown);
}

static void after_store(void *data)
{
	fetch_end(data);
}

static void fetch_store(struct fetch *f)
{
	f->state = STORING;
	take_jobs(f);
	pool_run(&f->all->pool, run_store, after_store, f);
}

static bool take_bytes(void *data, const void *bytes, size_t n)
{
	struct fetch *f = data;

	return store_temp_write(&f->temp, bytes, n, &f->err) || gw_context(&f->err, "%.200s", f->shown);
}

static bool address_allowed(void *data, const struct sockaddr *address)
{
	const struct fetch *f = data;

	return deny_allows(f->all->deny, address);
}

enum gw_error_kind fetch_kind_of_status(int status)
{
	if (status == 404 || status == 410)
		return GW_NOT_FOUND;
	return status == 401 || status == 403 ? GW_REFUSED : GW_UNREACHABLE;
}

/* A tag that is too long to keep is as good as none. */
static void keep_tag(char *to, const char *tag)
{
	snprintf(to, STORE_TAG_MAX + 1, "%s", tag && strlen(tag) <= STORE_TAG_MAX ? tag : "");
}

static void on_loaded(void *data, const struct http_answer *answer, const struct gw_error *err)
{
	struct fetch *f = data;

	f->transfer = NULL;
	f->not_modified = f->has_known && answer->status == 304;
	if (f->err.kind == GW_OK && err->kind != GW_OK)
		f->err = *err;
	else if (f->err.kind == GW_OK && answer->status != 200 && !f->not_modified)
		gw_fail(&f->err, fetch_kind_of_status(answer->status), "%.200s: the server answered %d; accepted: 200", f->shown,
			answer->status);
	if (f->err.kind != GW_OK) {
		fetch_end(f);
		return;
	}
	if (!f->not_modified) {
		keep_tag(f->known.etag, answer->etag);
		keep_tag(f->known.last_modified, answer->last_modified);
	}
	fetch_store(f);
}

/* RFC 9110 section 13.1.3: If-Modified-Since is for what has no ETag. */
static char *condition(const struct fetch *f)
{
	if (f->has_known && f->known.etag[0])
		return gw_sprintf("If-None-Match: %s", f->known.etag);
	if (f->has_known && f->known.last_modified[0])
		return gw_sprintf("If-Modified-Since: %s", f->known.last_modified);
	return NULL;
}

static bool ask_server(struct fetch *f)
{
	char *header = condition(f);
	const char *headers[] = {header, NULL};
	struct http_ask ask = {
		.url = f->url,
		.headers = headers,
		.answer_max = (size_t)f->all->max_bytes,
		.total_ms = TOTAL_MS,
		.redirects = REDIRECTS,
		.sink = take_bytes,
		.address_allowed = address_allowed,
		.done = on_loaded,
		.data = f,
	};

	f->transfer = http_client_ask(f->all->client, &ask, &f->err);
	free(header);
	return f->transfer || gw_context(&f->err, "%.200s", f->shown);
}

/* The pool: what the URL led to last time is held for the first who waits, so that it is not pruned while the server is asked. */
static void run_look(void *data)
{
	struct fetch *f = data;

	f->has_known = store_url_read(f->all->store, f->url, &f->known) &&
		       store_use(f->all->store, f->known.name, f->jobs[0], &f->size, NULL);
}

static bool all_released(const struct fetch *f)
{
	for (const struct waiter *w = f->waiters; w; w = w->next)
		if (!w->released)
			return false;
	return true;
}

static void after_look(void *data)
{
	struct fetch *f = data;

	if (f->all->stopping)
		gw_fail(&f->err, GW_UNREACHABLE, "%.200s: given up, since this program stops", f->shown);
	else if (all_released(f))
		gw_fail(&f->err, GW_REFUSED, "%.200s: no job waits for it any more", f->shown);
	f->state = LOADING;
	if (f->err.kind != GW_OK || !store_temp_open(f->all->store, &f->temp, &f->err) || !ask_server(f))
		fetch_end(f);
}

static void fetch_start(struct fetch *f)
{
	f->all->running++;
	if (f->data) {
		fetch_store(f);
		return;
	}
	f->state = LOOKING;
	take_jobs(f);
	pool_run(&f->all->pool, run_look, after_look, f);
}

static void start_queued(struct fetches *all)
{
	struct fetch *next;

	for (struct fetch *f = all->first; f && all->running < AT_ONCE && !all->stopping; f = next) {
		next = f->next;
		if (f->state == QUEUED)
			fetch_start(f);
	}
}

/* ---- public ---- */

bool fetches_init(struct fetches *all, struct loop *loop, struct store *store, const struct deny *deny, int64_t max_bytes,
		  struct gw_error *err)
{
	*all = (struct fetches){.pool.loop = loop, .store = store, .deny = deny, .max_bytes = max_bytes};
	all->end = &all->first;
	all->client = http_client_create(loop, err);
	return all->client != NULL;
}

void fetches_finish(struct fetches *all)
{
	struct fetch *f, *next;

	if (!all->client)
		return;
	all->stopping = true;
	http_client_destroy(all->client);
	for (f = all->first; f; f = next) {
		next = f->next;
		if (f->state != QUEUED)
			continue; /* the pool has it */
		gw_fail(&f->err, GW_UNREACHABLE, "%.200s: given up, since this program stops", f->shown ? f->shown : "data");
		fetch_end(f);
	}
	pool_finish(&all->pool);
	*all = (struct fetches){0};
}

void fetch_url(struct fetches *all, const char *url, const char *job, struct bus_call *call)
{
	struct fetch *f = all->first;

	while (f && !(f->url && f->state != STORING && strcmp(f->url, url) == 0))
		f = f->next;
	if (!f) {
		f = fetch_create(all);
		f->url = gw_strdup(url);
		f->shown = url_shown(url);
	}
	waiter_add(f, job, call);
	start_queued(all);
}

void fetch_data(struct fetches *all, const char *data, const char *job, struct bus_call *call)
{
	struct fetch *f = fetch_create(all);

	f->data = gw_strdup(data);
	waiter_add(f, job, call);
	start_queued(all);
}

void fetches_release(struct fetches *all, const char *job, struct bus_call *call)
{
	char *name = gw_strdup(job);
	struct fetch *f, *next;

	for (f = all->first; f; f = next) {
		next = f->next;
		waiters_release(f, job);
		if (f->waiters)
			continue;
		if (f->transfer)
			http_client_cancel(f->transfer);
		fetch_end(f);
	}
	release_job(&all->pool, all->store, name, call);
	free(name);
}

void fetches_release_others(struct fetches *all, const struct bus_texts *jobs, struct bus_call *call)
{
	release_others(&all->pool, all->store, jobs, call);
}
