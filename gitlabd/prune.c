/* gitlab.prune: sweeps the instances, and removes what was found if that is wanted. */
#include <stdlib.h>
#include <string.h>

#include "gitlabd/orphans.h"

enum { PATIENCE_MS = 45000 }; /* of the sweep, and again of the removals: the asker's is 100 s */

struct prune {
	struct prune *next;
	struct orphans *all;
	struct bus_call *call;
	bool remove, removing;
	struct bus_texts names; /* of the instances that are swept; owned */
	struct bus_texts errors;
	struct loop_timer timer;
};

static void texts_add(struct bus_texts *texts, char *text)
{
	texts->v = gw_realloc(texts->v, (texts->n + 1) * sizeof(*texts->v));
	texts->v[texts->n++] = text;
}

static void texts_finish(struct bus_texts *texts)
{
	for (size_t i = 0; i < texts->n; i++)
		free(texts->v[i]);
	free(texts->v);
	*texts = (struct bus_texts){0};
}

static void prune_free(struct prune *prune)
{
	struct prune **at = &prune->all->prunes;

	while (*at != prune)
		at = &(*at)->next;
	*at = prune->next;
	loop_timer_finish(&prune->timer);
	texts_finish(&prune->names);
	texts_finish(&prune->errors);
	free(prune);
}

static void add_found(struct msg_gitlab_pruned *out, const struct sweep *sweep)
{
	for (size_t i = 0; i < sweep->last.n && out->orphans.n < 10000; i++) {
		const struct orphan *orphan = &sweep->last.v[i];

		out->orphans.v = gw_realloc(out->orphans.v, (out->orphans.n + 1) * sizeof(*out->orphans.v));
		out->orphans.v[out->orphans.n++] = (struct msg_gitlab_orphan){.instance = sweep->instance,
									      .runner_id = orphan->runner_id,
									      .description = orphan->description,
									      .error = orphan->error};
	}
}

static void answer(struct prune *prune)
{
	struct msg_gitlab_pruned out = {0};

	for (size_t i = 0; i < prune->names.n; i++) {
		struct sweep *sweep = sweep_get(prune->all, prune->names.v[i]);

		if (sweep->running || sweep->error)
			texts_add(&prune->errors, gw_sprintf("%.120s: %.380s", sweep->instance,
							     sweep->error ? sweep->error : "it has not answered all that it was asked"));
		else
			add_found(&out, sweep);
	}
	out.errors = prune->errors;
	bus_answer(prune->call, &out);
	free(out.orphans.v);
	prune_free(prune);
}

static void on_patience(void *data)
{
	answer(data);
}

static bool all_ended(const struct prune *prune)
{
	for (size_t i = 0; i < prune->names.n; i++)
		if (sweep_get(prune->all, prune->names.v[i])->running)
			return false;
	return true;
}

/* From the loop: a sweep may end while the next ones are only begun. */
static void step_soon(struct prune *prune);

static void step(void *data)
{
	struct prune *prune = data;
	bool again = prune->remove && !prune->removing;

	if (!all_ended(prune))
		return;
	if (!again) {
		answer(prune);
		return;
	}
	prune->removing = true;
	loop_timer_start(prune->all->slots->loop, &prune->timer, PATIENCE_MS, on_patience, prune);
	for (size_t i = 0; i < prune->names.n; i++) {
		struct sweep *sweep = sweep_get(prune->all, prune->names.v[i]);

		if (!sweep->running && !sweep->error)
			sweep_remove(sweep);
	}
	step_soon(prune); /* there may be nothing to remove */
}

static void step_soon(struct prune *prune)
{
	if (all_ended(prune))
		loop_timer_start(prune->all->slots->loop, &prune->timer, 0, step, prune);
}

void prune_step(struct orphans *orphans)
{
	for (struct prune *prune = orphans->prunes; prune; prune = prune->next)
		step_soon(prune);
}

static void begin_one(struct prune *prune, const char *instance)
{
	struct sweep *sweep = sweep_get(prune->all, instance);
	struct gw_error err = {0};

	slot_set_text(&sweep->error, NULL);
	probe_try_again(&prune->all->slots->access, instance); /* whoever asks may have mended it on the GitLab */
	if (sweep_start(sweep, &err))
		texts_add(&prune->names, gw_strdup(instance));
	else
		texts_add(&prune->errors, gw_sprintf("%.120s: %.380s", instance, err.text));
}

void orphans_prune(struct orphans *orphans, const struct msg_gitlab_prune *what, struct bus_call *call)
{
	const struct model *model = orphans->slots->model;
	struct prune *prune;
	struct gw_error err = {0};

	if (what->instance && !model_instance(model, what->instance)) {
		gw_fail(&err, GW_NOT_FOUND, "the database has no GitLab instance '%s'", what->instance);
		bus_answer_error(call, &err);
		return;
	}
	prune = gw_calloc(1, sizeof(*prune));
	*prune = (struct prune){.next = orphans->prunes, .all = orphans, .call = call, .remove = what->remove};
	orphans->prunes = prune;
	loop_timer_start(orphans->slots->loop, &prune->timer, PATIENCE_MS, on_patience, prune);
	for (size_t i = 0; i < model->n_instances; i++)
		if (!what->instance || strcmp(model->instances[i]->name, what->instance) == 0)
			begin_one(prune, model->instances[i]->name);
	prune_step(orphans);
}

void prunes_stop(struct orphans *orphans)
{
	struct gw_error err = {0};

	gw_fail(&err, GW_UNREACHABLE, "gitlabd stops");
	while (orphans->prunes) {
		bus_answer_error(orphans->prunes->call, &err);
		prune_free(orphans->prunes);
	}
}
