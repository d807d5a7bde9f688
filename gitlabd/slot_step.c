/* What is wanted of one slot, and what is done for it: a request to its GitLab, or a token told to executord, one at a time. */
#include <stdlib.h>
#include <string.h>

#include "gitlabd/slot_internal.h"

void slot_queue(struct slot *slot)
{
	if (!slot->busy.is && !slot->gone && slot->all->configured)
		work_queue(&slot->work, servers_get(slot->all->servers, slot->url));
}

/* ---- what is wanted ---- */

static const char *why_not_now(const struct slot_wanted *w, bool available)
{
	if (!w->instance->expose_runners)
		return "expose_runners is false: it is registered once it is true";
	if (!available)
		return "it is registered once the machine is ready for service and not retired";
	if (!api_is_secret(w->instance->registration_token))
		return "the instance has no registration_token of at least 8 characters, so no runner is registered";
	return tags_refused(&w->tags);
}

static void want_gateway(const struct slot *slot, struct slot_wanted *w)
{
	const struct msg_gitlab_acl *acl = w->entry->acl.n ? w->entry->acl.v : NULL;

	gateway_tags(&w->tags, slot->all->farm, &slot->all->facts, acl && acl->allow.n ? acl->allow.v : NULL);
	w->want.description = slot->all->gateway_name;
	w->want.exposed = model_exposes_gateway(w->instance);
	w->want.not_now = why_not_now(w, true);
}

bool slot_wanted(const struct slot *slot, struct slot_wanted *w)
{
	const struct msg_gitlab_dut *dut = slot->dut ? model_dut(slot->all->model, slot->dut) : NULL;

	*w = (struct slot_wanted){.instance = model_instance(slot->all->model, slot->instance)};
	if (w->instance && dut)
		w->entry = model_entry(dut, slot->instance);
	else if (w->instance && !slot->dut && w->instance->gateway_runner.n)
		w->entry = w->instance->gateway_runner.v;
	if (!w->entry)
		return false;
	w->want.maximum_timeout = w->instance->maximum_timeout;
	w->want.details_readable = api_is_secret(w->instance->access_token) && slot->runner_id > 0 &&
				   probe_of(&slot->all->access, w->instance)->state != PROBE_REFUSED;
	if (dut) {
		tags_make(&w->tags, dut->tags.v, dut->tags.n);
		w->want.description = dut->full_name;
		w->want.exposed = w->entry->exposed;
		w->want.not_now = why_not_now(w, dut->available);
	} else {
		want_gateway(slot, w);
	}
	w->want.tags = w->tags.v;
	w->want.n_tags = w->tags.n;
	return true;
}

static enum runner_action next_of(const struct slot *slot, const struct slot_wanted *w)
{
	struct runner_known known = {.has_token = slot->token != NULL,
				     .untold = slot->untold.is,
				     .refused = slot->refused,
				     .valid = slot->elsewhere ? RUNNER_INVALID : slot->valid,
				     .verify_due = slot->verify_due,
				     .details_due = slot->details_due,
				     .details = slot->details};

	return runner_next(&w->want, &known);
}

/* ---- the step ---- */

static void begin_busy(struct slot *slot)
{
	slot->busy.is = true;
	slot->busy.url = gw_strdup(slot->url);
	slot->busy.token = gw_strdup(slot->token);
}

static struct api_details details_of(const struct runner_want *want)
{
	struct api_details details = {
		.description = gw_strdup(want->description), .n_tags = want->n_tags, .maximum_timeout = want->maximum_timeout};

	details.tags = gw_calloc(want->n_tags + 1, sizeof(*details.tags));
	for (size_t i = 0; i < want->n_tags; i++)
		details.tags[i] = gw_strdup(want->tags[i]);
	return details;
}

static void do_verify(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	server_ask(server, &(struct api_ask){.what = API_VERIFY, .secret = slot->token}, slot_verified, slot);
}

static void do_details(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	slot->busy.probe = probe_key(&slot->all->access, w->instance);
	probe_begin(&slot->all->access, w->instance);
	server_ask(server, &(struct api_ask){.what = API_DETAILS, .secret = w->instance->access_token, .id = slot->runner_id},
		   slot_has_details, slot);
}

static void do_register(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	char *tags = tags_joined(&w->tags);
	struct api_runner runner = {.description = w->want.description,
				    .runner_type = w->instance->runner_type,
				    .group_id = w->instance->group_id,
				    .project_id = w->instance->project_id,
				    .maximum_timeout = w->want.maximum_timeout,
				    .tags = tags};

	slot_set_registering(slot, details_of(&w->want));
	slot->busy.probe = probe_key(&slot->all->registration, w->instance);
	probe_begin(&slot->all->registration, w->instance);
	server_ask(server, &(struct api_ask){.what = API_REGISTER, .secret = w->instance->registration_token, .runner = &runner},
		   slot_registered, slot);
	free(tags);
}

static void do_tell(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	server->running++;
	slot_tell(slot);
}

static void do_drop(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	slot_set_untold(slot, NULL, -1);
	do_tell(slot, w, server);
}

static const struct {
	void (*run)(struct slot *slot, const struct slot_wanted *w, struct server *server);
	bool changes_marsdb;
} steps[RUNNER_ACTIONS] = {
	[RUNNER_NOTHING] = {NULL, false},       [RUNNER_TELL] = {do_tell, true},         [RUNNER_VERIFY] = {do_verify, false},
	[RUNNER_DETAILS] = {do_details, false}, [RUNNER_REGISTER] = {do_register, true}, [RUNNER_REMOVE] = {do_drop, true},
	[RUNNER_DROP_TOKEN] = {do_drop, true},
};

/* MarsDB loses no token whose runner is on no list that outlives us: and so none is registered in another's place either. */
static bool is_on_record(struct slot *slot, enum runner_action action)
{
	struct removals *removals = slot->all->removals;
	char *why;

	if (action == RUNNER_REMOVE && slot->valid != RUNNER_INVALID)
		removals_add(removals, slot->made_at, slot->token, slot->runner_id, slot->description);
	if (removals_are_saved(removals))
		return true;
	why = gw_sprintf("it waits until the list of runners to be removed is saved: %.400s", removals->save_error);
	slot_set_text(&slot->last_error, why);
	free(why);
	return false;
}

/* Not one that GitLab refuses, nor beside the first request that is made with it: its answer sets this going again. */
static bool may_use_token(struct slot *slot, struct probes *probes, const struct slot_wanted *w)
{
	const struct probe *probe = probe_of(probes, w->instance);

	if (probe->state == PROBE_REFUSED)
		slot_set_text(&slot->last_error, probe->why);
	return probe->state == PROBE_UNTRIED || probe->state == PROBE_TAKEN;
}

static bool may_begin(struct slot *slot, enum runner_action action, const struct slot_wanted *w)
{
	if (action == RUNNER_DETAILS)
		return may_use_token(slot, &slot->all->access, w);
	if (!steps[action].run || !steps[action].changes_marsdb)
		return steps[action].run != NULL;
	return bus_peer_up(slot->all->bus, "executord") && is_on_record(slot, action) &&
	       (action != RUNNER_REGISTER || may_use_token(slot, &slot->all->registration, w));
}

/* Details that nobody may read are no reason to stop: but it is said that they were not. */
static void say_unread(struct slot *slot, enum runner_action action, const struct slot_wanted *w)
{
	if (action == RUNNER_NOTHING && slot->token && slot->details_due && !slot->last_error && api_is_secret(w->instance->access_token))
		may_use_token(slot, &slot->all->access, w);
}

bool slot_begin(struct work *work, struct server *server)
{
	struct slot *slot = (struct slot *)work;
	struct slot_wanted wanted;
	enum runner_action action;
	bool runs;

	if (slot->busy.is || !slot_wanted(slot, &wanted))
		return false;
	action = next_of(slot, &wanted);
	say_unread(slot, action, &wanted);
	runs = may_begin(slot, action, &wanted);
	if (runs) {
		begin_busy(slot);
		steps[action].run(slot, &wanted, server);
	}
	tags_finish(&wanted.tags);
	return runs;
}
