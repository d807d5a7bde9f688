#include "jobd/artifacts.h"

#include <stdlib.h>
#include <string.h>

#include "jobd/jobd.h"

#define AT_ONCE       16   /* requests under way */
#define ARTIFACTS_MAX 1024 /* different ones of a job */
#define DATA_MAX      4194304

struct artifact_want {
	struct jobd *j;
	const struct job_artifact *of; /* borrowed from the job */
	struct ask *ask;               /* under way */
	char *name;                    /* owned; NULL until it is fetched */
};

/* ---- all that a job has ---- */

typedef bool each_artifact(void *data, const struct job_artifact *artifact, struct gw_error *err);

static bool each_of(const struct job_artifacts *list, each_artifact *each, void *data, struct gw_error *err)
{
	for (size_t i = 0; i < list->n; i++)
		if (!each(data, &list->v[i], err))
			return false;
	return true;
}

static bool each_of_deployment(const struct job_deployment *d, each_artifact *each, void *data, struct gw_error *err)
{
	return (!d->kernel || each(data, d->kernel, err)) && each_of(&d->initramfs, each, data, err) && each_of(&d->dtb, each, data, err) &&
	       each_of(&d->http, each, data, err) && each_of(&d->tftp, each, data, err);
}

static bool each_of_job(const struct job *job, each_artifact *each, void *data, struct gw_error *err)
{
	return each_of_deployment(&job->start, each, data, err) && each_of_deployment(&job->next, each, data, err);
}

static bool check_one(void *data, const struct job_artifact *a, struct gw_error *err)
{
	if (a->is_regex)
		return gw_fail(err, GW_BAD_INPUT, "job: %s.path: a regex that stands for many files is not built yet; accepted: one path",
			       a->where);
	if (a->data && (a->data_len > DATA_MAX || strlen(a->data) != a->data_len))
		return gw_fail(err, GW_BAD_INPUT, "job: %s.data: accepted: text of at most %d bytes, without NUL", a->where, DATA_MAX);
	return true;
}

bool artifacts_check(const struct job *job, struct gw_error *err)
{
	return each_of_job(job, check_one, NULL, err);
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same content is wanted once, wherever the job names it. */
static struct artifact_want *find(const struct artifacts *all, const struct job_artifact *artifact)
{
	for (size_t i = 0; i < all->n; i++)
		if (same_text(all->v[i].of->url, artifact->url) && same_text(all->v[i].of->data, artifact->data))
			return &all->v[i];
	return NULL;
}

static bool want(void *data, const struct job_artifact *artifact, struct gw_error *err)
{
	struct jobd *j = data;
	struct artifacts *all = &j->artifacts;

	if (find(all, artifact))
		return true;
	if (all->n == ARTIFACTS_MAX)
		return gw_fail(err, GW_BAD_INPUT, "the job has more than %d different artifacts", ARTIFACTS_MAX);
	all->v[all->n++] = (struct artifact_want){.j = j, .of = artifact};
	return true;
}

/* ---- fetching ---- */

static void ask_more(struct jobd *j);

static void on_got(void *data, const void *answer, const struct gw_error *err)
{
	struct artifact_want *w = data;
	const struct msg_artifact *artifact = answer;
	struct jobd *j = w->j;
	char text[700];

	w->ask = NULL;
	if (!artifact) {
		snprintf(text, sizeof(text), "%s: %s", w->of->where, err->text);
		artifacts_give_up(j);
		drive_happened(j, RUN_ARTIFACTS_FAILED, text);
		return;
	}
	w->name = gw_strdup(artifact->name);
	if (++j->artifacts.done == j->artifacts.n)
		drive_happened(j, RUN_ARTIFACTS_READY, NULL);
	else
		ask_more(j);
}

static void ask_more(struct jobd *j)
{
	struct artifacts *all = &j->artifacts;

	while (all->asked < all->n && all->asked - all->done < AT_ONCE) {
		struct artifact_want *w = &all->v[all->asked++];
		struct msg_artifact_get get = {.capability = j->go->capability, .url = w->of->url, .data = w->of->data};
		w->ask = ask_start(&j->asks, "artifactd", MSG_ARTIFACT_GET, &get, on_got, w);
	}
}

void artifacts_fetch(struct jobd *j)
{
	struct gw_error err = {0};

	artifacts_finish(j);
	j->artifacts.v = gw_calloc(ARTIFACTS_MAX, sizeof(*j->artifacts.v)); /* fixed: the asks point into it */
	if (!each_of_job(&j->job, want, j, &err))
		drive_happened(j, RUN_ARTIFACTS_FAILED, err.text);
	else if (j->artifacts.n == 0)
		drive_happened(j, RUN_ARTIFACTS_READY, NULL);
	else
		ask_more(j);
}

void artifacts_give_up(struct jobd *j)
{
	for (size_t i = 0; i < j->artifacts.n; i++)
		ask_cancel(&j->artifacts.v[i].ask);
}

const char *artifacts_name(const struct jobd *j, const struct job_artifact *artifact)
{
	const struct artifact_want *w = find(&j->artifacts, artifact);

	gw_assert(w && w->name);
	return w->name;
}

void artifacts_finish(struct jobd *j)
{
	artifacts_give_up(j);
	for (size_t i = 0; i < j->artifacts.n; i++)
		free(j->artifacts.v[i].name);
	free(j->artifacts.v);
	j->artifacts = (struct artifacts){0};
}
