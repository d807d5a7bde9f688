#include "artifactd/images.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "artifactd/image_command.h"
#include "artifactd/process.h"
#include "libgateway/log.h"
#include "libjob/job_image.h"

#define AT_ONCE    2                /* a store has a lock: more would wait for each other */
#define WAITERS    1024             /* of all pulls */
#define PULL_MS    (60 * 60 * 1000) /* a job's infra_setup is shorter or longer, and ends it by itself */
#define EXISTS_MS  (60 * 1000)
#define RELAXED_MS (5 * 60 * 1000) /* what was pulled since is as good as pulled now */

struct image_waiter {
	struct image_waiter *next; /* in its pull's waiters */
	char *job;                 /* owned */
	struct bus_call *call;
};

struct image_pull {
	struct image_pull *next; /* in images.first: in the order of asking */
	struct images *all;
	char *key, *store, *image, *platform; /* owned */
	bool tls_verify, missing;             /* missing: only if it is not there */
	bool begun, given_up;
	struct process *process; /* NULL: not running now */
	struct image_waiter *waiters;
};

/* ---- ends ---- */

static void start_queued(struct images *all);

static void unlink_pull(struct image_pull *p)
{
	struct image_pull **at = &p->all->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

static void pull_free(struct image_pull *p)
{
	unlink_pull(p);
	free(p->key);
	free(p->store);
	free(p->image);
	free(p->platform);
	free(p);
}

static void waiter_end(struct image_waiter *w, const char *id, bool pulled, const struct gw_error *why)
{
	if (id)
		bus_answer(w->call, &(struct msg_artifact_image){.image_id = (char *)id, .pulled = pulled});
	else
		bus_answer_error(w->call, why);
	free(w->job);
	free(w);
}

static void pull_end(struct image_pull *p, const char *id, bool pulled, const struct gw_error *why)
{
	struct images *all = p->all;
	struct image_waiter *w;

	if (id)
		log_info("image: %s for %s: %s, %s", p->image, p->platform, id, pulled ? "pulled" : "is there already");
	else
		log_warning("image: %s for %s: %s", p->image, p->platform, why->text);
	while ((w = p->waiters)) {
		p->waiters = w->next;
		waiter_end(w, id, pulled, why);
	}
	all->running -= p->begun;
	pull_free(p);
	start_queued(all);
}

/* ---- what is known ---- */

static const struct image_known *known_find(const struct images *all, const char *key)
{
	const struct image_known *found = NULL;

	for (size_t i = 0; i < IMAGES_KNOWN; i++)
		if (all->known[i].key && strcmp(all->known[i].key, key) == 0 && (!found || all->known[i].at_ms >= found->at_ms))
			found = &all->known[i];
	return found;
}

static void known_add(struct images *all, const char *key, const char *id)
{
	struct image_known *k = (struct image_known *)known_find(all, key);

	if (!k)
		k = &all->known[all->n_known++ % IMAGES_KNOWN];
	if (!k->key || strcmp(k->key, key) != 0) {
		free(k->key);
		k->key = gw_strdup(key);
	}
	snprintf(k->id, sizeof(k->id), "%s", id);
	k->at_ms = loop_now_ms(all->loop);
}

/* ---- commands ---- */

static struct process *run(struct image_pull *p, const char *command, uint64_t ms, process_done *done, struct gw_error *err)
{
	char *store = gw_sprintf("%s/%s", p->all->path, p->store);
	const struct image_words words = {store, p->tls_verify ? "true" : "false", p->platform, p->image};
	char **argv = image_command_make(command, &words, err);

	if (argv && mkdir(store, 0755) < 0 && errno != EEXIST)
		gw_fail_errno(err, GW_REFUSED, errno, "IMAGESTORE_PATH: %s cannot be made", store);
	else if (argv)
		p->process = process_start(p->all->loop, argv, ms, done, p, err);
	image_command_free(argv);
	free(store);
	return p->process;
}

/* The last line of what was printed is the id. */
static bool id_of(const struct process_end *end, char id[129], struct gw_error *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:._-@/+";
	size_t n = strlen(end->out), start;

	while (n && strchr(" \r\n", end->out[n - 1]))
		n--;
	for (start = n; start && end->out[start - 1] != '\n'; start--)
		;
	if (n == start || n - start > 128 || strspn(end->out + start, letters) < n - start)
		return gw_fail(err, GW_REFUSED, "IMAGESTORE_PULL_CMD printed no image id as its last line; found: '%.*s'",
			       n - start > 100 ? 100 : (int)(n - start), end->out + start);
	snprintf(id, 129, "%.*s", (int)(n - start), end->out + start);
	return true;
}

static void on_pulled(void *data, const struct process_end *end)
{
	struct image_pull *p = data;
	struct gw_error err = end->err;
	char id[129];

	p->process = NULL;
	if (err.kind == GW_OK && id_of(end, id, &err)) {
		known_add(p->all, p->key, id);
		pull_end(p, id, true, NULL);
	} else {
		pull_end(p, NULL, false, &err);
	}
}

static void pull(struct image_pull *p)
{
	struct gw_error err = {0};

	if (!run(p, p->all->pull_command, PULL_MS, on_pulled, &err))
		pull_end(p, NULL, false, &err);
}

/* Its id is what its pull printed; the command prints none, so after a restart it is called by its name. */
static void on_looked(void *data, const struct process_end *end)
{
	struct image_pull *p = data;
	const struct image_known *known = known_find(p->all, p->key);
	struct gw_error err = end->err;

	p->process = NULL;
	if (end->code == 0)
		pull_end(p, known ? known->id : p->image, false, NULL);
	else if (p->given_up)
		pull_end(p, NULL, false, &err);
	else
		pull(p);
}

static void begin(struct image_pull *p)
{
	struct gw_error err = {0};

	p->begun = true;
	p->all->running++;
	if (!p->missing)
		pull(p);
	else if (!run(p, p->all->exists_command, EXISTS_MS, on_looked, &err))
		pull_end(p, NULL, false, &err);
}

static struct image_pull *next_queued(const struct images *all)
{
	struct image_pull *p = all->first;

	while (p && p->begun)
		p = p->next;
	return p;
}

static void start_queued(struct images *all)
{
	struct image_pull *p;

	while (!all->stopping && all->running < AT_ONCE && (p = next_queued(all)))
		begin(p);
}

/* ---- asking ---- */

static bool may_get(const struct images *all, const struct msg_artifact_image_get *get, struct gw_error *err)
{
	if (!all->path)
		return gw_fail(err, GW_REFUSED, "this gateway has no image store: IMAGESTORE_PATH is not set");
	if (strcmp(get->store, "public") != 0)
		return gw_fail(err, GW_BAD_INPUT, "store: '%s'; accepted: public", get->store);
	if (!job_image_name_fits(get->image))
		return gw_fail(err, GW_BAD_INPUT, "image: '%.100s'; accepted: %s", get->image, JOB_IMAGE_NAME_ACCEPTED);
	if (!job_image_platform_fits(get->platform))
		return gw_fail(err, GW_BAD_INPUT, "platform: '%s'; accepted: %s", get->platform, JOB_IMAGE_PLATFORM_ACCEPTED);
	if (!job_image_pull_fits(get->pull))
		return gw_fail(err, GW_BAD_INPUT, "pull: '%s'; accepted: relaxed_always, always, missing", get->pull);
	return true;
}

static size_t waiters_of(const struct images *all)
{
	size_t n = 0;

	for (const struct image_pull *p = all->first; p; p = p->next)
		for (const struct image_waiter *w = p->waiters; w; w = w->next)
			n++;
	return n;
}

static struct image_pull *find_or_add(struct images *all, const struct msg_artifact_image_get *get, const char *key)
{
	bool missing = strcmp(get->pull, "missing") == 0;
	struct image_pull **at = &all->first;

	for (; *at; at = &(*at)->next)
		if (!(*at)->given_up && (*at)->missing == missing && strcmp((*at)->key, key) == 0)
			return *at;
	*at = gw_calloc(1, sizeof(**at));
	**at = (struct image_pull){.all = all,
				   .key = gw_strdup(key),
				   .store = gw_strdup(get->store),
				   .image = gw_strdup(get->image),
				   .platform = gw_strdup(get->platform),
				   .tls_verify = get->tls_verify,
				   .missing = missing};
	return *at;
}

static void wait_for(struct image_pull *p, const char *job, struct bus_call *call)
{
	struct image_waiter *w = gw_calloc(1, sizeof(*w));

	*w = (struct image_waiter){p->waiters, gw_strdup(job), call};
	p->waiters = w;
}

void images_get(struct images *all, const struct msg_artifact_image_get *get, const char *job, struct bus_call *call)
{
	char *key = gw_sprintf("%s %s %s %d", get->store, get->image, get->platform, get->tls_verify);
	const struct image_known *known = strcmp(get->pull, "relaxed_always") == 0 ? known_find(all, key) : NULL;
	struct gw_error err = {0};

	if (may_get(all, get, &err) && waiters_of(all) >= WAITERS)
		gw_fail(&err, GW_BUSY, "more than %d wait for images already", WAITERS);
	if (err.kind != GW_OK) {
		bus_answer_error(call, &err);
	} else if (known && loop_now_ms(all->loop) - known->at_ms < RELAXED_MS) {
		bus_answer(call, &(struct msg_artifact_image){.image_id = (char *)known->id});
	} else {
		wait_for(find_or_add(all, get, key), job, call);
		start_queued(all);
	}
	free(key);
}

static void give_up(struct image_pull *p, const char *why)
{
	struct gw_error err = {0};

	p->given_up = true;
	if (p->process) {
		process_stop(p->process, why); /* its end is pull_end */
	} else {
		gw_fail(&err, GW_REFUSED, "%s", why);
		pull_end(p, NULL, false, &err);
	}
}

static void forget_job(struct image_pull *p, const char *job)
{
	struct gw_error ended = {0};

	gw_fail(&ended, GW_REFUSED, "the job has ended");
	for (struct image_waiter **at = &p->waiters, *w; (w = *at);) {
		if (strcmp(w->job, job) == 0) {
			*at = w->next;
			waiter_end(w, NULL, false, &ended);
		} else {
			at = &w->next;
		}
	}
}

/* An end starts others, maybe: looked at anew after each. */
void images_release(struct images *all, const char *job)
{
	struct image_pull *p;

	for (p = all->first; p; p = p->next)
		forget_job(p, job);
	for (p = all->first; p;) {
		if (p->waiters || p->given_up) {
			p = p->next;
		} else {
			give_up(p, "no job wants the image any more");
			p = all->first;
		}
	}
}

bool images_check(const struct images *all, struct gw_error *err)
{
	const struct image_words words = {"", "", "", ""};
	char **argv = image_command_make(all->pull_command, &words, err);

	image_command_free(argv);
	if (!argv)
		return gw_context(err, "IMAGESTORE_PULL_CMD");
	argv = image_command_make(all->exists_command, &words, err);
	image_command_free(argv);
	return argv || gw_context(err, "IMAGESTORE_IMAGE_EXISTS_CMD");
}

void images_finish(struct images *all)
{
	all->stopping = true;
	for (struct image_pull *p = all->first, *next; p; p = next) {
		next = p->next;
		give_up(p, "this program stops");
	}
	while (all->first)
		uv_run(&all->loop->uv, UV_RUN_ONCE);
	for (size_t i = 0; i < IMAGES_KNOWN; i++)
		free(all->known[i].key);
	*all = (struct images){0};
}
