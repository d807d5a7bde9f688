/* A token is told to executord, which writes it into MarsDB; what a slot holds until then, and how it is let go. */
#include <stdlib.h>
#include <string.h>

#include "gitlabd/hash.h"
#include "gitlabd/slot_internal.h"
#include "libgateway/log.h"

enum { RETRY_MIN_MS = 1000, RETRY_MAX_MS = 60000 };

void slot_forget_details(struct slot *slot)
{
	if (slot->details)
		api_details_finish(slot->details);
	free(slot->details);
	slot->details = NULL;
}

static void wipe(char **secret)
{
	gw_free_secret(*secret);
	*secret = NULL;
}

/* ---- a token is sent to the GitLab that gave it, and to no other ---- */

static void unmark(struct slot *slot)
{
	if (slot->elsewhere)
		model_drop_elsewhere(slot->all->model, slot->token);
	slot->elsewhere = false;
}

static void mark(struct slot *slot)
{
	slot->elsewhere = slot->token && slot->url && strcmp(slot->made_at, slot->url) != 0;
	if (slot->elsewhere)
		model_add_elsewhere(slot->all->model, slot->token);
}

void slot_set_token(struct slot *slot, const char *token, const char *made_at)
{
	char *copy = gw_strdup(token);

	unmark(slot);
	removals_touch(slot->all->removals, slot->token);
	if (slot->token)
		lookup_drop(&slot->all->by, key_of_token(slot->token), slot);
	wipe(&slot->token);
	slot->token = copy;
	if (copy)
		lookup_add(&slot->all->by, key_of_token(copy), slot);
	slot_set_text(&slot->made_at, token ? made_at : NULL);
	mark(slot);
	removals_touch(slot->all->removals, copy);
}

void slot_set_url(struct slot *slot, const char *url)
{
	unmark(slot);
	slot_set_text(&slot->url, url);
	mark(slot);
	removals_touch(slot->all->removals, slot->token);
}

void slot_set_runner(struct slot *slot, int64_t runner_id)
{
	if (slot->runner_id > 0)
		lookup_drop(&slot->all->by, key_of_runner(slot->runner_id), slot);
	slot->runner_id = runner_id;
	if (runner_id > 0)
		lookup_add(&slot->all->by, key_of_runner(runner_id), slot);
}

/* ---- what it holds ---- */

void slot_touch(struct slot *slot)
{
	removals_touch(slot->all->removals, slot->token);
	removals_touch(slot->all->removals, slot->untold.token);
}

static void add_untold(struct slot *slot)
{
	if (slot->untold.token) {
		lookup_add(&slot->all->by, key_of_token(slot->untold.token), slot);
		lookup_add(&slot->all->by, key_of_runner(slot->untold.runner_id), slot);
	}
	slot_touch(slot);
}

void slot_clear_untold(struct slot *slot)
{
	slot_touch(slot);
	if (slot->untold.token) {
		lookup_drop(&slot->all->by, key_of_token(slot->untold.token), slot);
		lookup_drop(&slot->all->by, key_of_runner(slot->untold.runner_id), slot);
	}
	wipe(&slot->untold.token);
	free(slot->untold.url);
	memset(&slot->untold, 0, sizeof(slot->untold));
}

void slot_set_registering(struct slot *slot, struct api_details wanted)
{
	slot->busy.wanted = wanted;
	lookup_add(&slot->all->by, key_of_description(wanted.description), slot);
}

struct api_details slot_take_registering(struct slot *slot)
{
	struct api_details wanted = slot->busy.wanted;

	if (wanted.description)
		lookup_drop(&slot->all->by, key_of_description(wanted.description), slot);
	slot->busy.wanted = (struct api_details){0};
	return wanted;
}

static void clear_busy(struct slot *slot)
{
	struct api_details wanted = slot_take_registering(slot);

	api_details_finish(&wanted);
	free(slot->busy.url);
	wipe(&slot->busy.token);
	memset(&slot->busy, 0, sizeof(slot->busy));
	slot_touch(slot);
}

void slot_free(struct slot *slot)
{
	work_drop(&slot->work);
	slot_clear_untold(slot);
	clear_busy(slot);
	slot_forget_details(slot);
	slot_set_token(slot, NULL, NULL);
	slot_set_runner(slot, -1);
	free(slot->instance);
	free(slot->dut);
	free(slot->url);
	free(slot->description);
	free(slot->last_error);
	free(slot);
}

/* ---- telling executord ---- */

static void take_untold(struct slot *slot)
{
	slot_set_token(slot, slot->untold.token, slot->untold.url);
	slot_set_runner(slot, slot->untold.runner_id);
	slot->valid = slot->token ? RUNNER_VALID : RUNNER_UNKNOWN;
	model_set_token(slot->all->model, slot->dut, slot->instance, slot->token, slot->runner_id);
}

static void told(struct slot *slot)
{
	if (!slot->untold.seen)
		take_untold(slot);
	if (!slot->token)
		slot_forget_details(slot);
	slot_clear_untold(slot);
	slot_set_text(&slot->last_error, NULL);
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
		slot_clear_untold(slot);
	} else if (!loop_timer_active(&slots->retry_timer)) {
		if (err->kind != GW_UNREACHABLE)
			log_failure("a runner's token is not saved, and is told again", err);
		slots->retry_ms = !slots->retry_ms ? RETRY_MIN_MS : slots->retry_ms < RETRY_MAX_MS / 2 ? slots->retry_ms * 2 : RETRY_MAX_MS;
		loop_timer_start(slots->loop, &slots->retry_timer, slots->retry_ms, on_retry_time, slots);
	}
}

static void end_busy(struct slot *slot, struct server *server)
{
	clear_busy(slot);
	server_release(server);
	slot->all->on_settle(slot->all->data);
}

/* Ends what the slot was busy with. It may have gone meanwhile. */
void slot_settle(struct slot *slot, struct server *server)
{
	struct slots *slots = slot->all;

	end_busy(slot, server);
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

	if (answer)
		told(slot);
	else
		not_told(slot, err);
	if (slot->untold.is && !slot->gone) /* until the timer, or executord's return */
		end_busy(slot, server);
	else
		slot_settle(slot, server);
}

/* The place at the server is kept until MarsDB has it: so no more runners are made than MarsDB keeps up with. */
void slot_tell(struct slot *slot)
{
	struct msg_gitlab_token body = {.instance = slot->instance,
					.dut = slot->dut,
					.was = slot->token,
					.token = slot->untold.token,
					.runner_id = slot->untold.runner_id};

	bus_ask(slot->all->bus, "executord", MSG_GITLAB_TOKEN, &body, 0, on_told, slot);
}

void slot_set_untold(struct slot *slot, const char *token, int64_t runner_id)
{
	char *copy = gw_strdup(token);

	slot_clear_untold(slot);
	slot->untold.is = true;
	slot->untold.token = copy;
	slot->untold.url = gw_strdup(slot->busy.url);
	slot->untold.runner_id = runner_id;
	add_untold(slot);
}
