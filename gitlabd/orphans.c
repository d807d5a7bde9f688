#include "gitlabd/orphans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"

enum { DESCRIPTION_MAX = 256 /* bytes; ours are shorter */, SOON_MS = 50, REFUSALS_MAX = 3 };

/* ---- lists ---- */

static void list_add(struct orphan_list *list, int64_t runner_id, const char *description)
{
	if (list->n >= ORPHANS_MAX)
		return;
	list->v = gw_realloc(list->v, (list->n + 1) * sizeof(*list->v));
	list->v[list->n++] = (struct orphan){.runner_id = runner_id, .description = gw_strdup(description)};
}

static void list_finish(struct orphan_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		free(list->v[i].description);
		free(list->v[i].error);
	}
	free(list->v);
	*list = (struct orphan_list){0};
}

/* ---- whose they are ---- */

static const struct msg_gitlab_instance *instance_of(const struct sweep *sweep)
{
	return model_instance(sweep->all->slots->model, sweep->instance);
}

static bool is_known(const struct sweep *sweep, const char *url, int64_t id, const char *description)
{
	return slots_know(sweep->all->slots, url, id, description) || removals_has(sweep->all->slots->removals, url, id);
}

/* FARM-gateway, or a full name: FARM-base_name-N. A farm whose name begins as ours makes such names too: its tags tell them apart. */
static bool is_suspect(const struct sweep *sweep, const char *url, const struct api_listed *listed)
{
	const struct slots *slots = sweep->all->slots;
	const char *name = listed->description, *number = strrchr(name, '-');
	size_t len = strlen(slots->farm);
	bool is_full = strncmp(name, slots->farm, len) == 0 && name[len] == '-' && number > name + len && number[1] &&
		       strspn(number + 1, "0123456789") == strlen(number + 1);

	return strlen(name) <= DESCRIPTION_MAX && (is_full || strcmp(name, slots->gateway_name) == 0) &&
	       !is_known(sweep, url, listed->id, name);
}

/* All that we register have one of the two: a name alone may be somebody else's. */
static bool is_ours(const struct sweep *sweep, const struct api_details *details)
{
	const struct slots *slots = sweep->all->slots;

	for (size_t i = 0; i < details->n_tags; i++)
		if (strncmp(details->tags[i], "farm:", 5) == 0 ? strcmp(details->tags[i] + 5, slots->farm) == 0
							       : strcmp(details->tags[i], slots->gateway_name) == 0)
			return true;
	return false;
}

/* ---- a sweep ---- */

static void sweep_end(struct sweep *sweep, const char *error)
{
	free(sweep->error);
	sweep->error = gw_strdup(error);
	list_finish(&sweep->suspects);
	if (!error) {
		if (!sweep->removing && sweep->found.n && sweep->found.n != sweep->last.n)
			log_warning("gitlab=%s runners that no machine has: %zu; `executorctl gitlab prune` removes them", sweep->instance,
				    sweep->found.n);
		list_finish(&sweep->last);
		sweep->last = sweep->found;
		sweep->found = (struct orphan_list){0};
	}
	list_finish(&sweep->found);
	sweep->running = sweep->removing = false;
	prune_step(sweep->all);
}

static void sweep_next(struct sweep *sweep)
{
	const struct msg_gitlab_instance *instance = instance_of(sweep);

	if (sweep->all->slots->servers->stopping)
		return;
	if (sweep->restart) {
		list_finish(&sweep->suspects);
		list_finish(&sweep->found);
		sweep->page = 1;
		sweep->restart = false;
	}
	if (!instance)
		sweep_end(sweep, "the database has no such GitLab instance any more");
	else if (sweep->page || sweep->suspects.n || (sweep->removing && sweep->at < sweep->found.n))
		work_queue(&sweep->work, servers_get(sweep->all->slots->servers, instance->url));
	else
		sweep_end(sweep, NULL);
}

/* Whether the sweep goes on with this answer. If not, it was ended, or it asks again later. */
static bool heard(struct sweep *sweep, const struct api_answer *answer, bool may_be_refused)
{
	struct server *server = sweep->server;

	sweep->busy = false;
	server_heard(server, answer);
	server_release(server);
	if (!sweep->removing || !answer->may_be_about_asked) /* who may not remove may read */
		slots_heard_access(sweep->all->slots, sweep->instance, sweep->probe, answer);
	if (answer->class == API_TRY_LATER || answer->class == API_NOT_GITLAB) {
		slot_set_text(&sweep->error, answer->text);
		sweep_next(sweep);
		return false;
	}
	if (answer->class == API_OK || may_be_refused)
		return true;
	sweep_end(sweep, answer->text);
	return false;
}

static void on_page(void *data, struct api_answer *answer)
{
	struct sweep *sweep = data;

	if (!heard(sweep, answer, false))
		return;
	for (size_t i = 0; i < answer->n_listed; i++)
		if (is_suspect(sweep, sweep->server->url, &answer->listed[i]))
			list_add(&sweep->suspects, answer->listed[i].id, answer->listed[i].description);
	sweep->page = answer->next_page > sweep->page && answer->next_page <= ORPHANS_PAGES_MAX ? answer->next_page : 0;
	sweep_next(sweep);
}

static void on_details(void *data, struct api_answer *answer)
{
	struct sweep *sweep = data;
	struct orphan *suspect;

	if (!heard(sweep, answer, true))
		return;
	suspect = &sweep->suspects.v[--sweep->suspects.n];
	if (answer->class == API_OK && is_ours(sweep, &answer->details) &&
	    !is_known(sweep, sweep->server->url, suspect->runner_id, suspect->description))
		list_add(&sweep->found, suspect->runner_id, suspect->description);
	free(suspect->description);
	sweep_next(sweep);
}

/* Each that is left has the reason, too. */
static void give_up_removing(struct sweep *sweep, const char *why)
{
	for (; sweep->at < sweep->found.n; sweep->at++)
		slot_set_text(&sweep->found.v[sweep->at].error, why);
}

static void on_removed(void *data, struct api_answer *answer)
{
	struct sweep *sweep = data;
	struct orphan *orphan;

	if (!heard(sweep, answer, true))
		return;
	orphan = &sweep->found.v[sweep->at++];
	orphan->removed = answer->class == API_OK || answer->class == API_GONE;
	if (orphan->removed)
		log_info("gitlab=%s runner %lld ('%s'), which no machine has, is removed", sweep->instance, (long long)orphan->runner_id,
			 orphan->description);
	else
		orphan->error = gw_strdup(answer->text);
	sweep->refusals = answer->is_about_secret ? sweep->refusals + 1 : 0;
	if (answer->is_about_secret && (!answer->may_be_about_asked || sweep->refusals == REFUSALS_MAX))
		give_up_removing(sweep, answer->text);
	sweep_next(sweep);
}

/* Nobody's runner is told from somebody's by its id: none is looked at, and none removed, before all of those are known. */
static bool must_wait(struct sweep *sweep, const char *url)
{
	const char *who = NULL;
	enum identified identified = slots_identified(sweep->all->slots, url, &who);
	char *error;

	sweep->waits = identified == IDENTIFIED_SOON;
	if (identified == IDENTIFIED_NOT) {
		error = gw_sprintf("which runner is that of '%s' is not known, since its token could not be verified; so none is taken for "
				   "an orphan",
				   who);
		sweep_end(sweep, error);
		free(error);
	}
	return identified != IDENTIFIED;
}

/* Not with a token that GitLab refuses. */
static bool may_ask(struct sweep *sweep, const struct msg_gitlab_instance *instance)
{
	struct probes *access = &sweep->all->slots->access;
	const struct probe *probe = probe_of(access, instance);

	if (probe->state == PROBE_REFUSED) {
		sweep_end(sweep, probe->why);
		return false;
	}
	sweep->probe = probe->key;
	if (!sweep->removing)
		probe_begin(access, instance);
	return true;
}

/* What has become a machine's since it was found stays. */
static void skip_known(struct sweep *sweep, const char *url)
{
	struct orphan *orphan;

	for (; sweep->at < sweep->found.n; sweep->at++) {
		orphan = &sweep->found.v[sweep->at];
		if (!is_known(sweep, url, orphan->runner_id, orphan->description))
			return;
		slot_set_text(&orphan->error, "it has become a machine's");
	}
}

static bool begin(struct work *work, struct server *server)
{
	struct sweep *sweep = (struct sweep *)work;
	const struct msg_gitlab_instance *instance = instance_of(sweep);
	struct api_ask ask = {.what = API_LIST, .page = sweep->page};

	if (!sweep->running || sweep->busy || !instance || strcmp(instance->url, server->url) != 0 || !instance->access_token) {
		if (sweep->running && !sweep->busy)
			sweep_end(sweep, "the database's instance is another one by now");
		return false;
	}
	if (!sweep->page && must_wait(sweep, server->url))
		return false;
	if (!sweep->page && !sweep->suspects.n)
		skip_known(sweep, server->url);
	if (!sweep->page && !sweep->suspects.n && sweep->at == sweep->found.n) {
		sweep_end(sweep, NULL);
		return false;
	}
	if (!may_ask(sweep, instance))
		return false;
	ask.secret = instance->access_token;
	ask.runner = &(struct api_runner){
		.runner_type = instance->runner_type, .group_id = instance->group_id, .project_id = instance->project_id};
	sweep->busy = true;
	sweep->server = server;
	if (sweep->page) {
		server_ask(server, &ask, on_page, sweep);
	} else if (sweep->suspects.n) {
		ask.what = API_DETAILS;
		ask.id = sweep->suspects.v[sweep->suspects.n - 1].runner_id;
		server_ask(server, &ask, on_details, sweep);
	} else {
		ask.what = API_REMOVE_ID;
		ask.id = sweep->found.v[sweep->at].runner_id;
		server_ask(server, &ask, on_removed, sweep);
	}
	return true;
}

bool sweep_start(struct sweep *sweep, struct gw_error *err)
{
	const struct msg_gitlab_instance *instance = instance_of(sweep);
	const struct server *server = instance ? servers_get(sweep->all->slots->servers, instance->url) : NULL;

	if (!instance)
		return gw_fail(err, GW_NOT_FOUND, "the database has no GitLab instance '%s'", sweep->instance);
	if (server->unusable)
		return gw_fail(err, GW_REFUSED, "%s", server->unusable);
	if (!api_is_secret(instance->access_token))
		return gw_fail(err, GW_REFUSED, "it has no access_token of at least %d characters", API_SECRET_MIN);
	sweep->restart = sweep->running && !sweep->removing; /* what it has read is of before */
	if (sweep->running)
		return true;
	sweep->running = true;
	sweep->page = 1;
	sweep_next(sweep);
	return true;
}

/* What was found a moment ago may have become a machine's. */
void sweep_remove(struct sweep *sweep)
{
	const struct msg_gitlab_instance *instance = instance_of(sweep);

	for (size_t i = 0; instance && i < sweep->last.n; i++)
		if (!sweep->last.v[i].removed && !is_known(sweep, instance->url, sweep->last.v[i].runner_id, sweep->last.v[i].description))
			list_add(&sweep->found, sweep->last.v[i].runner_id, sweep->last.v[i].description);
	sweep->running = sweep->removing = true;
	sweep->page = 0;
	sweep->at = 0;
	sweep->refusals = 0;
	sweep_next(sweep);
}

/* ---- all of them ---- */

static void review(void *data)
{
	struct orphans *orphans = data;

	for (struct sweep *sweep = orphans->first; sweep; sweep = sweep->next) {
		if (sweep->waits && sweep->running && !sweep->busy)
			sweep_next(sweep);
		sweep->waits = false;
	}
}

void orphans_review(struct orphans *orphans)
{
	bool any = false;

	for (const struct sweep *sweep = orphans->first; sweep; sweep = sweep->next)
		any |= sweep->waits;
	if (any && !loop_timer_active(&orphans->review_timer))
		loop_timer_start(orphans->slots->loop, &orphans->review_timer, SOON_MS, review, orphans);
}

struct sweep *sweep_get(struct orphans *orphans, const char *instance)
{
	struct sweep *sweep = orphans->first;

	while (sweep && strcmp(sweep->instance, instance) != 0)
		sweep = sweep->next;
	if (sweep)
		return sweep;
	sweep = gw_calloc(1, sizeof(*sweep));
	sweep->work.begin = begin;
	sweep->all = orphans;
	sweep->instance = gw_strdup(instance);
	sweep->next = orphans->first;
	orphans->first = sweep;
	return sweep;
}

void orphans_sweep(struct orphans *orphans)
{
	const struct model *model = orphans->slots->model;

	for (size_t i = 0; i < model->n_instances; i++)
		sweep_start(sweep_get(orphans, model->instances[i]->name), NULL);
}

void orphans_finish(struct orphans *orphans)
{
	struct sweep *sweep;

	loop_timer_finish(&orphans->review_timer);
	while ((sweep = orphans->first)) {
		orphans->first = sweep->next;
		work_drop(&sweep->work);
		list_finish(&sweep->suspects);
		list_finish(&sweep->found);
		list_finish(&sweep->last);
		free(sweep->instance);
		free(sweep->error);
		free(sweep);
	}
}
