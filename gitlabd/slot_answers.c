/* What GitLab's answers make of a slot. */
#include <stdlib.h>
#include <string.h>

#include "gitlabd/slot_internal.h"
#include "libgateway/log.h"

static void note(struct slot *slot, const struct api_answer *answer)
{
	bool is_news = answer->class != API_OK && (!slot->last_error || strcmp(slot->last_error, answer->text) != 0);

	if (answer->class == API_REFUSED && is_news)
		log_warning("gitlab=%s '%s': %s", slot->instance, slot->description, answer->text);
	slot_set_text(&slot->last_error, answer->class == API_OK ? NULL : answer->text);
	if (answer->class != API_TRY_LATER && answer->class != API_NOT_GITLAB)
		slot->last_check = loop_wall_now();
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

void slot_verified(void *data, struct api_answer *answer)
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
			slot_set_untold(slot, slot->token, answer->id);
	}
	slot_settle(slot, server);
}

void slot_has_details(void *data, struct api_answer *answer)
{
	struct slot *slot = data;
	struct server *server = heard(slot, answer);

	slots_heard_access(slot->all, slot->instance, slot->busy.probe, answer);
	if (still_so(slot)) {
		slot->details_due = answer->class == API_TRY_LATER || answer->class == API_NOT_GITLAB;
		if (answer->class == API_OK) {
			slot_forget_details(slot);
			slot->details = gw_calloc(1, sizeof(*slot->details));
			*slot->details = answer->details;
			answer->details = (struct api_details){0};
		}
	}
	slot_settle(slot, server);
}

/* Both are on the list before either token is on its way: whatever happens now, the one that MarsDB has not is removed. False: the list is
 * not saved yet, and the token waits for that. */
static bool remember(struct slot *slot, const struct api_answer *answer)
{
	struct slots *slots = slot->all;
	bool replaces = slot->token && slot->valid != RUNNER_INVALID;

	removals_add(slots->removals, slot->busy.url, answer->token, answer->id, slot->description);
	if (replaces)
		removals_add(slots->removals, slot->made_at, slot->token, slot->runner_id, slot->details ? slot->details->description : "");
	return removals_are_saved(slots->removals);
}

static void take_registered(struct slot *slot, const struct api_answer *answer)
{
	log_info("gitlab=%s '%s' is registered as runner %lld", slot->instance, slot->description, (long long)answer->id);
	slot_set_untold(slot, answer->token, answer->id);
	slot_forget_details(slot);
	slot->details = gw_calloc(1, sizeof(*slot->details));
	*slot->details = slot_take_registering(slot);
	slot->details->id = answer->id;
	slot->verify_due = slot->details_due = false;
}

void slot_registered(void *data, struct api_answer *answer)
{
	struct slot *slot = data;
	struct server *server = heard(slot, answer);
	bool same_token = gw_same_text(slot->token, slot->busy.token), remembered;

	if (probe_heard(&slot->all->registration, slot->instance, slot->busy.probe, answer) && !slot->all->servers->stopping)
		slots_step_instance(slot->all, slot->instance);
	slot->refused = answer->class == API_REFUSED || answer->class == API_GONE;
	if (answer->class == API_OK) {
		remembered = remember(slot, answer);
		if (!slot->gone && same_token && strcmp(slot->url, slot->busy.url) == 0) {
			take_registered(slot, answer);
			if (remembered && !slot->all->servers->stopping) {
				slot_tell(slot);
				return;
			}
		} else {
			removals_touch(slot->all->removals, answer->token); /* nobody holds it */
		}
	}
	slot_settle(slot, server);
}
