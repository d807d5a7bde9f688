/* What is done for one slot: a request to its GitLab, or a token told to executord, one at a time. */
#include <stdlib.h>
#include <string.h>

#include "gitlabd/slots.h"
#include "libgateway/log.h"

enum { RETRY_MIN_MS = 1000, RETRY_MAX_MS = 60000, SECRET_MIN = 8 /* characters: a shorter one is none */ };

void slot_queue(struct slot *slot)
{
	if (!slot->busy.is && !slot->gone && slot->all->configured)
		work_queue(&slot->work, servers_get(slot->all->servers, slot->url));
}

static void forget_details(struct slot *slot)
{
	if (slot->details)
		api_details_finish(slot->details);
	free(slot->details);
	slot->details = NULL;
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

static void clear_untold(struct slot *slot)
{
	wipe(&slot->untold.token);
	memset(&slot->untold, 0, sizeof(slot->untold));
}

static void clear_busy(struct slot *slot)
{
	free(slot->busy.url);
	wipe(&slot->busy.token);
	api_details_finish(&slot->busy.wanted);
	memset(&slot->busy, 0, sizeof(slot->busy));
}

void slot_free(struct slot *slot)
{
	work_drop(&slot->work);
	clear_untold(slot);
	clear_busy(slot);
	forget_details(slot);
	wipe(&slot->token);
	free(slot->instance);
	free(slot->dut);
	free(slot->url);
	free(slot->description);
	free(slot->last_error);
	free(slot);
}

/* ---- what is wanted ---- */

static bool is_secret(const char *text)
{
	return text && strlen(text) >= SECRET_MIN;
}

static const char *why_not_now(const struct slot_wanted *w, bool available)
{
	if (!w->instance->expose_runners)
		return "expose_runners is false: it is registered once it is true";
	if (!available)
		return "it is registered once the machine is ready for service and not retired";
	if (!is_secret(w->instance->registration_token))
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
	w->want.details_readable = is_secret(w->instance->access_token) && slot->runner_id > 0;
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
				     .valid = slot->valid,
				     .verify_due = slot->verify_due,
				     .details_due = slot->details_due,
				     .details = slot->details};

	return runner_next(&w->want, &known);
}

/* ---- telling executord ---- */

static void model_has(struct slot *slot)
{
	struct slot_wanted wanted;

	if (!slot_wanted(slot, &wanted))
		return;
	slot_set_text(&wanted.entry->token, slot->token);
	wanted.entry->runner_id = slot->runner_id;
	tags_finish(&wanted.tags);
}

static void told(struct slot *slot)
{
	wipe(&slot->token);
	slot->token = gw_strdup(slot->untold.token);
	slot->runner_id = slot->untold.runner_id;
	slot->valid = slot->token ? RUNNER_VALID : RUNNER_UNKNOWN;
	if (slot->token && strcmp(slot->url, slot->busy.url) != 0)
		slot->valid = RUNNER_INVALID; /* the instance is another GitLab by now */
	if (!slot->token)
		forget_details(slot);
	clear_untold(slot);
	slot_set_text(&slot->last_error, NULL);
	model_has(slot);
	slot->all->retry_ms = 0;
	slot->all->on_change(slot->all->data);
}

static void on_retry_time(void *data)
{
	slots_step_all(data);
}

static void not_told(struct slot *slot, const struct gw_error *err)
{
	struct slots *slots = slot->all;

	slot_set_text(&slot->last_error, err->text);
	if (err->kind == GW_REFUSED || err->kind == GW_NOT_FOUND) { /* MarsDB is another one by now: what it is now, comes */
		log_warning("gitlab=%s '%s': the token of its runner is not taken: %s", slot->instance, slot->description, err->text);
		slot->refused = true;
		clear_untold(slot);
	} else if (!loop_timer_active(&slots->retry_timer)) {
		if (err->kind != GW_UNREACHABLE)
			log_failure("a runner's token is not saved, and is told again", err);
		slots->retry_ms = !slots->retry_ms ? RETRY_MIN_MS : slots->retry_ms < RETRY_MAX_MS / 2 ? slots->retry_ms * 2 : RETRY_MAX_MS;
		loop_timer_start(slots->loop, &slots->retry_timer, slots->retry_ms, on_retry_time, slots);
	}
}

/* Ends what the slot was busy with. It may have gone meanwhile. */
static void settle(struct slot *slot, struct server *server)
{
	struct slots *slots = slot->all;

	clear_busy(slot);
	server_release(server);
	removals_review(slots->removals);
	if (slots->servers->stopping)
		return;
	if (slot->gone)
		slots_sweep_gone(slots);
	else if (!slot->untold.is || bus_peer_up(slots->bus, "executord"))
		slot_queue(slot);
}

static void on_told(void *data, const void *answer, const struct gw_error *err)
{
	struct slot *slot = data;
	struct server *server = servers_get(slot->all->servers, slot->busy.url);
	bool again = true;

	if (answer) {
		told(slot);
	} else {
		not_told(slot, err);
		again = !slot->untold.is;
	}
	if (!again && !slot->gone) { /* until the timer, or executord's return */
		clear_busy(slot);
		server_release(server);
		removals_review(slot->all->removals);
		return;
	}
	settle(slot, server);
}

/* The place at the server is kept until MarsDB has it: so no more runners are made than MarsDB keeps up with. */
static void tell(struct slot *slot)
{
	struct msg_gitlab_token body = {.instance = slot->instance,
					.dut = slot->dut,
					.was = slot->token,
					.token = slot->untold.token,
					.runner_id = slot->untold.runner_id};

	bus_ask(slot->all->bus, "executord", MSG_GITLAB_TOKEN, &body, 0, on_told, slot);
}

static void set_untold(struct slot *slot, const char *token, int64_t runner_id)
{
	char *copy = gw_strdup(token);

	clear_untold(slot);
	slot->untold.is = true;
	slot->untold.token = copy;
	slot->untold.runner_id = runner_id;
}

/* ---- GitLab's answers ---- */

static void note(struct slot *slot, const struct api_answer *answer)
{
	bool is_news = answer->class != API_OK && (!slot->last_error || strcmp(slot->last_error, answer->text) != 0);

	if (answer->class == API_REFUSED && is_news)
		log_warning("gitlab=%s '%s': %s", slot->instance, slot->description, answer->text);
	slot_set_text(&slot->last_error, answer->class == API_OK ? NULL : answer->text);
	if (answer->class != API_TRY_LATER && answer->class != API_NOT_GITLAB)
		slot->last_check = epoch_now();
}

/* Whether what was asked still counts: the runner is the one that it was. */
static bool still_so(const struct slot *slot)
{
	return !slot->gone && strcmp(slot->url, slot->busy.url) == 0 && slot->token && slot->busy.token &&
	       strcmp(slot->token, slot->busy.token) == 0;
}

static struct server *heard(struct slot *slot, const struct api_answer *answer)
{
	struct server *server = servers_get(slot->all->servers, slot->busy.url);

	server_heard(server, answer);
	note(slot, answer);
	return server;
}

static void on_verified(void *data, struct api_answer *answer)
{
	struct slot *slot = data;
	struct server *server = heard(slot, answer);

	if (still_so(slot)) {
		slot->verify_due = answer->class == API_TRY_LATER || answer->class == API_NOT_GITLAB;
		if (answer->class == API_OK)
			slot->valid = RUNNER_VALID;
		if (answer->class == API_INVALID_TOKEN) {
			log_warning("gitlab=%s '%s': GitLab does not know its runner any more", slot->instance, slot->description);
			slot->valid = RUNNER_INVALID;
		}
		if (answer->class == API_OK && answer->id > 0 && answer->id != slot->runner_id) /* the token's word counts */
			set_untold(slot, slot->token, answer->id);
	}
	settle(slot, server);
}

static void on_details(void *data, struct api_answer *answer)
{
	struct slot *slot = data;
	struct server *server = heard(slot, answer);

	if (still_so(slot)) {
		slot->details_due = answer->class == API_TRY_LATER || answer->class == API_NOT_GITLAB;
		if (answer->class == API_OK) {
			forget_details(slot);
			slot->details = gw_calloc(1, sizeof(*slot->details));
			*slot->details = answer->details;
			answer->details = (struct api_details){0};
		}
	}
	settle(slot, server);
}

/* Both are on the list before either token is on its way: whatever happens now, the one that MarsDB has not is removed. */
static void remember(struct slot *slot, const struct api_answer *answer)
{
	struct slots *slots = slot->all;
	bool replaces = slot->token && slot->valid != RUNNER_INVALID && strcmp(slot->url, slot->busy.url) == 0;

	removals_add(slots->removals, slot->busy.url, answer->token, answer->id, slot->description);
	if (replaces)
		removals_add(slots->removals, slot->url, slot->token, slot->runner_id, slot->details ? slot->details->description : "");
	removals_save(slots->removals);
}

static void take_registered(struct slot *slot, const struct api_answer *answer)
{
	log_info("gitlab=%s '%s' is registered as runner %lld", slot->instance, slot->description, (long long)answer->id);
	set_untold(slot, answer->token, answer->id);
	forget_details(slot);
	slot->details = gw_calloc(1, sizeof(*slot->details));
	*slot->details = slot->busy.wanted;
	slot->details->id = answer->id;
	slot->busy.wanted = (struct api_details){0};
	slot->verify_due = slot->details_due = false;
}

static void on_registered(void *data, struct api_answer *answer)
{
	struct slot *slot = data;
	struct server *server = heard(slot, answer);
	bool same_token = slot->token && slot->busy.token ? strcmp(slot->token, slot->busy.token) == 0 : slot->token == slot->busy.token;

	slot->refused = answer->class == API_REFUSED || answer->class == API_GONE;
	if (answer->class == API_OK) {
		remember(slot, answer);
		if (!slot->gone && same_token && strcmp(slot->url, slot->busy.url) == 0) {
			take_registered(slot, answer);
			if (!slot->all->servers->stopping) {
				tell(slot);
				return;
			}
		}
	}
	settle(slot, server);
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
	server_ask(server, &(struct api_ask){.what = API_VERIFY, .secret = slot->token}, on_verified, slot);
}

static void do_details(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	server_ask(server, &(struct api_ask){.what = API_DETAILS, .secret = w->instance->access_token, .id = slot->runner_id}, on_details,
		   slot);
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

	slot->busy.wanted = details_of(&w->want);
	server_ask(server, &(struct api_ask){.what = API_REGISTER, .secret = w->instance->registration_token, .runner = &runner},
		   on_registered, slot);
	free(tags);
}

static void do_tell(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	server->running++;
	tell(slot);
}

static void do_drop(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	set_untold(slot, NULL, -1);
	do_tell(slot, w, server);
}

static void do_remove(struct slot *slot, const struct slot_wanted *w, struct server *server)
{
	if (slot->valid != RUNNER_INVALID) {
		removals_add(slot->all->removals, slot->url, slot->token, slot->runner_id, slot->description);
		removals_save(slot->all->removals);
	}
	do_drop(slot, w, server);
}

static const struct {
	void (*run)(struct slot *slot, const struct slot_wanted *w, struct server *server);
	bool needs_executord;
} steps[RUNNER_ACTIONS] = {
	[RUNNER_NOTHING] = {NULL, false},       [RUNNER_TELL] = {do_tell, true},         [RUNNER_VERIFY] = {do_verify, false},
	[RUNNER_DETAILS] = {do_details, false}, [RUNNER_REGISTER] = {do_register, true}, [RUNNER_REMOVE] = {do_remove, true},
	[RUNNER_DROP_TOKEN] = {do_drop, true},
};

bool slot_begin(struct work *work, struct server *server)
{
	struct slot *slot = (struct slot *)work;
	struct slot_wanted wanted;
	enum runner_action action;
	bool runs;

	if (slot->busy.is || !slot_wanted(slot, &wanted))
		return false;
	action = next_of(slot, &wanted);
	runs = steps[action].run && (!steps[action].needs_executord || bus_peer_up(slot->all->bus, "executord"));
	if (runs) {
		begin_busy(slot);
		steps[action].run(slot, &wanted, server);
	}
	tags_finish(&wanted.tags);
	return runs;
}
