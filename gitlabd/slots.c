#include "gitlabd/slot_internal.h"

#include <stdlib.h>
#include <string.h>

#include "gitlabd/hash.h"
#include "libgateway/log.h"
#include "libgateway/sorted.h"

void slot_set_text(char **at, const char *text)
{
	char *copy = gw_strdup(text);

	free(*at);
	*at = copy;
}

/* ---- the list ---- */

struct slot_key {
	const char *instance, *dut; /* NULL: the gateway's */
};

static int slot_order(const void *item, const void *with)
{
	const struct slot *slot = item;
	const struct slot_key *key = with;
	int order = strcmp(slot->instance, key->instance);

	return order ? order : strcmp(slot->dut ? slot->dut : "", key->dut ? key->dut : "");
}

static struct slot *slot_get(struct slots *slots, const char *instance, const char *dut)
{
	const struct slot_key key = {instance, dut};
	bool found;
	size_t at = sorted_place(slots->v, slots->n, slot_order, &key, &found);
	struct slot *slot;

	if (found)
		return slots->v[at];
	slot = gw_calloc(1, sizeof(*slot));
	slot->work.begin = slot_begin;
	slot->all = slots;
	slot->instance = gw_strdup(instance);
	slot->dut = gw_strdup(dut);
	slot->runner_id = -1;
	slots->v = sorted_insert(slots->v, &slots->n, at, slot);
	return slot;
}

/* ---- what changed ---- */

static uint64_t hash_of(const struct slot_wanted *w)
{
	uint64_t hash = HASH_BEGIN;

	hash = hash_text(hash, w->instance->url);
	hash = hash_text(hash, w->instance->registration_token);
	hash = hash_text(hash, w->instance->access_token);
	hash = hash_text(hash, w->instance->runner_type);
	hash = hash_number(hash, w->instance->group_id);
	hash = hash_number(hash, w->instance->project_id);
	hash = hash_text(hash, w->want.description);
	hash = hash_text(hash, w->want.not_now);
	hash = hash_number(hash, w->want.maximum_timeout);
	hash = hash_number(hash, w->want.exposed);
	for (size_t i = 0; i < w->tags.n; i++)
		hash = hash_text(hash, w->tags.v[i]);
	return hash;
}

/* MarsDB, or this GitLab, has the runner no more: it is to go, unless GitLab said that it is gone. */
static void abandon(struct slot *slot)
{
	if (slot->token && slot->valid != RUNNER_INVALID)
		removals_add(slot->all->removals, slot->made_at, slot->token, slot->runner_id, slot->description);
}

/* Of a token that somebody else has put into MarsDB, or that was there when we began: the instance's url may have been edited since.
 * One without an id was put in by hand and is of the url that stands beside it. */
static const char *made_where(const struct slot *slot, const struct msg_gitlab_entry *entry, bool is_new)
{
	const char *listed = entry->token ? removals_url_of(slot->all->removals, entry->token) : NULL;
	const char *place = is_new && entry->runner_id > 0 ? removals_place(slot->all->removals, slot->instance) : NULL;

	return listed ? listed : place ? place : slot->url;
}

static void take_token(struct slot *slot, const struct msg_gitlab_entry *entry, bool is_new)
{
	bool is_ours = slot->untold.is && gw_same_text(entry->token, slot->untold.token);

	if (!is_ours)
		abandon(slot);
	slot_set_token(slot, entry->token, is_ours ? slot->untold.url : made_where(slot, entry, is_new));
	slot->valid = is_ours && entry->token ? RUNNER_VALID : RUNNER_UNKNOWN;
	slot->verify_due = slot->details_due = !is_ours;
	if (!is_ours)
		slot_forget_details(slot);
	if (is_ours && !slot->busy.is)
		slot_clear_untold(slot);
	else if (!is_ours && slot->untold.is && !slot->busy.is)
		slot_clear_untold(slot); /* an admin's edit counts more: what was registered meanwhile is removed */
}

/* A change may overtake the answer to what it shows. */
static void see_untold(struct slot *slot, const struct msg_gitlab_entry *entry)
{
	if (slot->untold.is && slot->busy.is && slot->untold.runner_id == entry->runner_id &&
	    gw_same_text(slot->untold.token, entry->token))
		slot->untold.seen = true;
}

/* Its tokens are the old GitLab's. */
static void move_to(struct slot *slot, const char *url)
{
	slot_forget_details(slot);
	if (slot->url && slot->untold.is && slot->untold.token && !slot->busy.is)
		slot_clear_untold(slot);
	slot_set_url(slot, url);
}

static void update(struct slot *slot, const struct slot_wanted *w)
{
	uint64_t hash = hash_of(w);
	bool is_new = !slot->url;

	if (!gw_same_text(slot->url, w->instance->url))
		move_to(slot, w->instance->url);
	see_untold(slot, w->entry);
	if (!gw_same_text(slot->token, w->entry->token))
		take_token(slot, w->entry, is_new);
	if (slot->runner_id != w->entry->runner_id && (!slot->untold.is || slot->untold.runner_id != w->entry->runner_id)) {
		slot->verify_due = slot->details_due = true; /* GitLab's word counts */
		slot->valid = RUNNER_UNKNOWN;
	}
	if (slot->runner_id != w->entry->runner_id)
		slot_set_runner(slot, w->entry->runner_id);
	slot_set_text(&slot->description, w->want.description);
	slot->exposed = w->want.exposed;
	if (slot->elsewhere)
		removals_add(slot->all->removals, slot->made_at, slot->token, slot->runner_id, slot->description);
	if (slot->want != hash) {
		slot->refused = false;
		slot->verify_due = slot->details_due = true;
		slot_set_text(&slot->last_error, NULL);
	}
	slot->want = hash;
	if (slot->gone)
		slot_touch(slot);
	slot->gone = false;
	slot_queue(slot);
}

static void leave(struct slot *slot)
{
	if (!slot->gone)
		abandon(slot);
	slot->gone = true;
	slot_touch(slot);
	work_drop(&slot->work);
}

static void slot_sync(struct slot *slot)
{
	struct slot_wanted wanted;

	if (slot_wanted(slot, &wanted)) {
		update(slot, &wanted);
		tags_finish(&wanted.tags);
	} else {
		leave(slot);
	}
}

void slots_sweep_gone(struct slots *slots)
{
	size_t kept = 0;

	for (size_t i = 0; i < slots->n; i++) {
		if (slots->v[i]->gone && !slots->v[i]->busy.is)
			slot_free(slots->v[i]);
		else
			slots->v[kept++] = slots->v[i];
	}
	slots->n = kept;
}

static void sync_dut(struct slots *slots, const struct msg_gitlab_dut *dut)
{
	for (size_t i = 0; i < dut->gitlab.n; i++)
		if (model_instance(slots->model, dut->gitlab.v[i].instance))
			slot_sync(slot_get(slots, dut->gitlab.v[i].instance, dut->id));
}

void slots_sync_all(struct slots *slots)
{
	slots->configured = true;
	for (size_t i = 0; i < slots->model->n_instances; i++)
		if (slots->model->instances[i]->gateway_runner.n)
			slot_get(slots, slots->model->instances[i]->name, NULL);
	for (size_t i = 0; i < slots->model->n_duts; i++)
		for (size_t k = 0; k < slots->model->duts[i]->gitlab.n; k++)
			if (model_instance(slots->model, slots->model->duts[i]->gitlab.v[k].instance))
				slot_get(slots, slots->model->duts[i]->gitlab.v[k].instance, slots->model->duts[i]->id);
	for (size_t i = 0; i < slots->n; i++)
		slot_sync(slots->v[i]);
	slots_sweep_gone(slots);
	for (size_t i = 0; i < slots->model->n_instances; i++) /* what was made at another url is on the list by now */
		removals_set_place(slots->removals, slots->model->instances[i]->name, slots->model->instances[i]->url);
	removals_are_saved(slots->removals); /* MarsDB has dropped their tokens already */
	removals_review(slots->removals);
}

void slots_sync_change(struct slots *slots, const struct msg_gitlab_change *change)
{
	if (change->instances.n || change->gone_instances.n || change->gone_duts.n) {
		slots_sync_all(slots);
		return;
	}
	for (size_t i = 0; i < change->duts.n; i++)
		sync_dut(slots, &change->duts.v[i]);
	removals_are_saved(slots->removals); /* MarsDB has dropped their tokens already */
}

/* ---- all of them ---- */

void slots_step_all(struct slots *slots)
{
	for (size_t i = 0; i < slots->n; i++)
		slot_queue(slots->v[i]);
}

void slots_step_instance(struct slots *slots, const char *instance)
{
	for (size_t i = 0; i < slots->n; i++)
		if (strcmp(slots->v[i]->instance, instance) == 0)
			slot_queue(slots->v[i]);
}

void slots_heard_access(struct slots *slots, const char *instance, uint64_t key, const struct api_answer *answer)
{
	if (probe_heard(&slots->access, instance, key, answer) && !slots->servers->stopping)
		slots_step_instance(slots, instance);
}

/* Another one is the first each time: GitLab may refuse the details of a few, and those of the others must not wait for these forever. */
static void step_from_anywhere(struct slots *slots)
{
	size_t first = (size_t)(drand48() * (double)slots->n);

	for (size_t i = 0; i < slots->n; i++)
		slot_queue(slots->v[(first + i) % slots->n]);
}

void slots_check_all(struct slots *slots)
{
	for (size_t i = 0; i < slots->n; i++) {
		slots->v[i]->refused = false;
		slots->v[i]->verify_due = slots->v[i]->details_due = true;
	}
	probes_try_again(&slots->registration);
	probes_try_again(&slots->access);
	step_from_anywhere(slots);
	removals_review(slots->removals);
}

static enum held slot_holds(const struct slot *slot, const char *url, const char *token)
{
	if (slot->busy.is && slot->untold.is && gw_same_text(slot->untold.token, token))
		return HELD_FOR_NOW; /* executord may be writing it */
	if (slot->gone)
		return HELD_NOT;
	if (slot->untold.is && gw_same_text(slot->untold.token, token) && strcmp(slot->untold.url, url) == 0)
		return HELD_FOR_NOW;
	if (!gw_same_text(slot->token, token) || strcmp(slot->made_at, url) != 0)
		return HELD_NOT;
	return slot->untold.is || slot->elsewhere ? HELD_FOR_NOW : HELD_FOR_GOOD;
}

enum held slots_hold(void *data, const char *url, const char *token)
{
	const struct slots *slots = data;
	enum held held = HELD_NOT;

	if (!slots->configured)
		return HELD_FOR_NOW; /* then nothing is known of MarsDB */
	for (const struct lookup_node *node = lookup_first(&slots->by, key_of_token(token)); node; node = lookup_next(node)) {
		enum held by_this = slot_holds(node->item, url, token);

		if (by_this == HELD_FOR_NOW)
			return by_this;
		held = by_this == HELD_FOR_GOOD ? by_this : held;
	}
	return held;
}

static bool has_runner(const struct slot *slot, int64_t runner_id)
{
	return (slot->token && !slot->elsewhere && slot->runner_id == runner_id) ||
	       (slot->untold.token && slot->untold.runner_id == runner_id);
}

bool slots_know(const struct slots *slots, const char *url, int64_t runner_id, const char *description)
{
	const struct lookup_node *node;

	for (node = lookup_first(&slots->by, key_of_runner(runner_id)); node; node = lookup_next(node)) {
		const struct slot *slot = node->item;

		if (slot->url && strcmp(slot->url, url) == 0 && has_runner(slot, runner_id))
			return true;
	}
	for (node = lookup_first(&slots->by, key_of_description(description)); node; node = lookup_next(node)) {
		const struct slot *slot = node->item;

		if (slot->url && strcmp(slot->url, url) == 0 && gw_same_text(slot->busy.wanted.description, description))
			return true;
	}
	return false;
}

/* Those that are to go, or whose id is on its way to MarsDB, are known well enough. */
static enum identified slot_identified(const struct slot *slot)
{
	if (slot->gone || !slot->token || slot->elsewhere || slot->untold.is || !slot->exposed || slot->valid == RUNNER_INVALID)
		return IDENTIFIED;
	if (slot->valid == RUNNER_VALID && slot->runner_id > 0)
		return IDENTIFIED;
	return slot->verify_due || slot->busy.is ? IDENTIFIED_SOON : IDENTIFIED_NOT;
}

enum identified slots_identified(const struct slots *slots, const char *url, const char **who)
{
	for (size_t i = 0; i < slots->n; i++) {
		enum identified identified = slot_identified(slots->v[i]);

		if (identified == IDENTIFIED || strcmp(slots->v[i]->url, url) != 0)
			continue;
		*who = slots->v[i]->description;
		return identified;
	}
	return IDENTIFIED;
}

static void on_check_time(void *data)
{
	struct slots *slots = data;

	if (slots->configured) {
		slots_check_all(slots);
		slots->on_check(slots->data);
	}
	slots_start(slots);
}

void slots_start(struct slots *slots)
{
	uint64_t wait_ms = (uint64_t)(SLOTS_CHECK_MS * (0.95 + 0.1 * drand48()));

	loop_timer_start(slots->loop, &slots->check_timer, wait_ms, on_check_time, slots);
}

void slots_finish(struct slots *slots)
{
	for (size_t i = 0; i < slots->n; i++)
		slot_free(slots->v[i]);
	free(slots->v);
	probes_finish(&slots->registration);
	probes_finish(&slots->access);
	loop_timer_finish(&slots->check_timer);
	loop_timer_finish(&slots->retry_timer);
	lookup_finish(&slots->by);
	slots->v = NULL;
	slots->n = 0;
}
