#include "jobd/artifacts.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"

#define AT_ONCE       16   /* requests under way */
#define ARTIFACTS_MAX 1024 /* different ones of a job, before its first boot */
#define ASKED_MAX     1024 /* more that its DUT asked for */
#define DATA_MAX      4194304

struct artifact_waiter {
	struct artifact_waiter *next; /* in its want's waiters */
	artifact_done *done;
	void *data;
};

struct artifact_want {
	struct jobd *j;
	const struct job_artifact *of; /* borrowed from the job */
	char *url;                     /* owned: of a regex path; NULL: the artifact's own, if any */
	size_t step;                   /* of its steps: those before it are made */
	struct ask *ask;               /* under way */
	char *name;                    /* owned; of what it is so far; NULL: nothing yet */
	bool started, done;
	struct gw_error err;             /* once done: why there is none */
	bool later;                      /* not of before the first boot: asked for by the machine */
	struct artifact_waiter *waiters; /* owned */
};

/* ---- all that a job has ---- */

typedef bool each_artifact(void *data, const struct job_artifact *artifact, struct gw_error *err);

/* What is added to it before it. */
static bool each_with_parts(void *data, const struct job_artifact *a, each_artifact *each, struct gw_error *err)
{
	for (size_t s = 0; s < a->n_steps; s++)
		for (size_t i = 0; i < a->steps[s].n_add; i++)
			if (!each_with_parts(data, a->steps[s].add[i].artifact, each, err))
				return false;
	return each(data, a, err);
}

static bool each_of(const struct job_artifacts *list, each_artifact *each, void *data, struct gw_error *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (!each_with_parts(data, &list->v[i], each, err))
			return false;
	return true;
}

static bool each_of_deployment(const struct job_deployment *d, each_artifact *each, void *data, struct gw_error *err)
{
	for (size_t i = 0; i < d->nbds.n; i++)
		if (d->nbds.v[i].artifact.url && !each_with_parts(data, &d->nbds.v[i].artifact, each, err))
			return false;
	return (!d->kernel || each_with_parts(data, d->kernel, each, err)) && each_of(&d->initramfs, each, data, err) &&
	       each_of(&d->dtb, each, data, err) && each_of(&d->http, each, data, err) && each_of(&d->tftp, each, data, err);
}

static bool each_of_job(const struct job *job, each_artifact *each, void *data, struct gw_error *err)
{
	return each_of_deployment(&job->start, each, data, err) && each_of_deployment(&job->next, each, data, err);
}

static bool check_one(void *data, const struct job_artifact *a, struct gw_error *err)
{
	if (a->data && (a->data_len > DATA_MAX || strlen(a->data) != a->data_len))
		return gw_fail(err, GW_BAD_INPUT, "job: %s.data: accepted: text of at most %d bytes, without NUL", a->where, DATA_MAX);
	return true;
}

bool artifacts_check(const struct job *job, struct gw_error *err)
{
	return each_of_job(job, check_one, NULL, err);
}

/* ---- what is the same ---- */

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_step(const struct job_step *a, const struct job_step *b)
{
	if (a->kind != b->kind || !same_text(a->compression, b->compression) || !same_text(a->architecture, b->architecture) ||
	    !same_text(a->os, b->os) || !same_text(a->type, b->type) || !same_text(a->extension, b->extension) ||
	    !same_text(a->match, b->match) || a->n_add != b->n_add || a->n_keep != b->n_keep)
		return false;
	for (size_t i = 0; i < a->n_add; i++)
		if (!same_text(a->add[i].path, b->add[i].path) || a->add[i].mode != b->add[i].mode ||
		    !artifacts_same(a->add[i].artifact, b->add[i].artifact))
			return false;
	for (size_t i = 0; i < a->n_keep; i++)
		if (!same_text(a->keep[i].path, b->keep[i].path) || !same_text(a->keep[i].rewrite, b->keep[i].rewrite))
			return false;
	return true;
}

bool artifacts_same(const struct job_artifact *a, const struct job_artifact *b)
{
	if (!same_text(a->url, b->url) || !same_text(a->data, b->data) || a->n_steps != b->n_steps)
		return false;
	for (size_t i = 0; i < a->n_steps; i++)
		if (!same_step(&a->steps[i], &b->steps[i]))
			return false;
	return true;
}

/* The same content is wanted once, wherever the job names it. */
static struct artifact_want *find(const struct artifacts *all, const struct job_artifact *artifact, const char *url)
{
	for (size_t i = 0; i < all->n; i++)
		if (same_text(all->v[i]->url, url) && artifacts_same(all->v[i]->of, artifact))
			return all->v[i];
	return NULL;
}

static struct artifact_want *want_add(struct jobd *j, const struct job_artifact *artifact, const char *url)
{
	struct artifacts *all = &j->artifacts;
	struct artifact_want *w = gw_calloc(1, sizeof(*w));

	w->j = j;
	w->of = artifact;
	w->url = gw_strdup(url);
	all->v = gw_realloc(all->v, (all->n + 1) * sizeof(struct artifact_want *));
	all->v[all->n++] = w;
	return w;
}

static bool want(void *data, const struct job_artifact *artifact, struct gw_error *err)
{
	struct jobd *j = data;

	if (artifact->is_regex || find(&j->artifacts, artifact, NULL))
		return true;
	if (j->artifacts.n == ARTIFACTS_MAX)
		return gw_fail(err, GW_BAD_INPUT, "the job has more than %d different artifacts", ARTIFACTS_MAX);
	want_add(j, artifact, NULL);
	return true;
}

/* ---- fetching and making ---- */

static void ask_more(struct jobd *j);
static void next_step(struct artifact_want *w);

static void want_end(struct artifact_want *w, const struct gw_error *why)
{
	struct jobd *j = w->j;
	struct artifact_waiter *waiter;

	w->done = true;
	w->err = *why;
	j->artifacts.under_way--;
	if (w->later) {
		while ((waiter = w->waiters)) {
			w->waiters = waiter->next;
			waiter->done(j, waiter->data, why->kind == GW_OK ? w->name : NULL, why);
			free(waiter);
		}
		ask_more(j);
	} else {
		j->artifacts.had += why->kind == GW_OK;
		artifacts_changed(j, why);
	}
}

void artifacts_changed(struct jobd *j, const struct gw_error *why)
{
	if (why->kind != GW_OK) {
		artifacts_give_up(j);
		drive_happened(j, RUN_ARTIFACTS_FAILED, why->text);
	} else if (j->artifacts.had < j->artifacts.first || j->images.had < j->images.n) {
		ask_more(j);
	} else if (j->nbd.had < j->nbd.n) {
		nbd_make(j);
	} else {
		progress_stop(j);
		drive_happened(j, RUN_ARTIFACTS_READY, NULL);
	}
}

static void on_got(void *data, const void *answer, const struct gw_error *why)
{
	struct artifact_want *w = data;
	const struct msg_artifact *artifact = answer;
	struct gw_error err = {0};

	w->ask = NULL;
	if (!artifact) {
		gw_fail(&err, why->kind, "%s: %s", w->of->where, why->text);
		want_end(w, &err);
		return;
	}
	free(w->name);
	w->name = gw_strdup(artifact->name);
	next_step(w);
}

static void ask_make(struct artifact_want *w, const struct job_step *step)
{
	struct msg_artifact_add *add = gw_calloc(step->n_add + 1, sizeof(*add));
	struct msg_artifact_keep *keep = gw_calloc(step->n_keep + 1, sizeof(*keep));
	char kind[16];
	struct msg_artifact_make make = {.capability = w->j->go->capability,
					 .input = w->name,
					 .kind = kind,
					 .compression = step->compression,
					 .architecture = step->architecture,
					 .os = step->os,
					 .type = step->type,
					 .extension = step->extension,
					 .match = step->match,
					 .add = {add, step->n_add},
					 .keep = {keep, step->n_keep}};

	snprintf(kind, sizeof(kind), "%s", step->kind == JOB_STEP_UBOOT ? "uboot" : "archive");
	for (size_t i = 0; i < step->n_add; i++)
		add[i] = (struct msg_artifact_add){.path = step->add[i].path,
						   .artifact = find(&w->j->artifacts, step->add[i].artifact, NULL)->name,
						   .mode = step->add[i].mode};
	for (size_t i = 0; i < step->n_keep; i++)
		keep[i] = (struct msg_artifact_keep){.path = step->keep[i].path, .rewrite = step->keep[i].rewrite};
	w->ask = ask_start(&w->j->asks, "artifactd", MSG_ARTIFACT_MAKE, &make, on_got, w);
	free(add);
	free(keep);
}

static void next_step(struct artifact_want *w)
{
	struct msg_artifact_get get = {.capability = w->j->go->capability, .url = w->url ? w->url : w->of->url, .data = w->of->data};
	static const struct gw_error none = {0};

	if (!w->name && !w->of->made)
		w->ask = ask_start(&w->j->asks, "artifactd", MSG_ARTIFACT_GET, &get, on_got, w);
	else if (w->step < w->of->n_steps)
		ask_make(w, &w->of->steps[w->step++]);
	else
		want_end(w, &none);
}

static bool parts_are_there(const struct artifact_want *w)
{
	for (size_t s = 0; s < w->of->n_steps; s++)
		for (size_t i = 0; i < w->of->steps[s].n_add; i++) {
			const struct artifact_want *part = find(&w->j->artifacts, w->of->steps[s].add[i].artifact, NULL);

			if (!part || !part->done || part->err.kind != GW_OK)
				return false;
		}
	return true;
}

static void ask_more(struct jobd *j)
{
	struct artifacts *all = &j->artifacts;

	for (size_t i = 0; i < all->n && all->under_way < AT_ONCE; i++) {
		struct artifact_want *w = all->v[i];

		if (w->started || !parts_are_there(w))
			continue;
		w->started = true;
		all->under_way++;
		next_step(w);
	}
}

void artifacts_fetch(struct jobd *j)
{
	struct gw_error err = {0};

	artifacts_finish(j);
	if (!each_of_job(&j->job, want, j, &err) || !nbd_prepare(j, &err)) {
		drive_happened(j, RUN_ARTIFACTS_FAILED, err.text);
		return;
	}
	j->artifacts.first = j->artifacts.n;
	images_fetch(j);
	progress_start(j);
	artifacts_changed(j, &err);
}

static struct artifact_want *want_later(struct jobd *j, const struct job_artifact *artifact, const char *url)
{
	struct artifact_want *w = want_add(j, artifact, url);

	w->later = true;
	return w;
}

static void wait_for(struct artifact_want *w, artifact_done *done, void *data)
{
	struct artifact_waiter *waiter = gw_calloc(1, sizeof(*waiter));

	*waiter = (struct artifact_waiter){w->waiters, done, data};
	w->waiters = waiter;
}

/* One that failed is tried again. */
static void begin_again(struct artifact_want *w)
{
	w->started = w->done = false;
	w->step = 0;
	free(w->name);
	w->name = NULL;
}

void artifacts_get(struct jobd *j, const struct job_artifact *artifact, const char *url, artifact_done *done, void *data)
{
	struct artifact_want *w = find(&j->artifacts, artifact, url);
	struct gw_error err = {0};

	if (w && w->done && w->err.kind == GW_OK) {
		done(j, data, w->name, &err);
		return;
	}
	if (!w && j->artifacts.n >= j->artifacts.first + ASKED_MAX) {
		gw_fail(&err, GW_BUSY, "the machine has asked for %d different files already", ASKED_MAX);
		done(j, data, NULL, &err);
		return;
	}
	w = w ? w : want_later(j, artifact, url);
	wait_for(w, done, data);
	if (w->done)
		begin_again(w);
	ask_more(j);
}

static void forget_waiters(struct artifact_want *w)
{
	struct artifact_waiter *waiter;

	while ((waiter = w->waiters)) {
		w->waiters = waiter->next;
		free(waiter);
	}
}

void artifacts_forget_later(struct jobd *j)
{
	for (size_t i = 0; i < j->artifacts.n; i++)
		forget_waiters(j->artifacts.v[i]);
}

void artifacts_name_awaited(const struct jobd *j, struct progress_names *names)
{
	for (size_t i = 0; i < j->artifacts.first; i++)
		if (!j->artifacts.v[i]->done)
			progress_name(names, j->artifacts.v[i]->of->where);
}

void artifacts_give_up(struct jobd *j)
{
	progress_stop(j);
	images_give_up(j);
	nbd_give_up(j);
	for (size_t i = 0; i < j->artifacts.n; i++) {
		ask_cancel(&j->artifacts.v[i]->ask);
		j->artifacts.v[i]->started = true;
		forget_waiters(j->artifacts.v[i]);
	}
}

const char *artifacts_name(const struct jobd *j, const struct job_artifact *artifact)
{
	const struct artifact_want *w = find(&j->artifacts, artifact, NULL);

	gw_assert(w && w->name);
	return w->name;
}

void artifacts_finish(struct jobd *j)
{
	artifacts_give_up(j);
	images_finish(j);
	nbd_finish(j);
	for (size_t i = 0; i < j->artifacts.n; i++) {
		free(j->artifacts.v[i]->url);
		free(j->artifacts.v[i]->name);
		free(j->artifacts.v[i]);
	}
	free(j->artifacts.v);
	j->artifacts = (struct artifacts){0};
}
