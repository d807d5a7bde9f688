/* How a discovery ends: its port goes OFF, and until that is confirmed the discovery is there; or the port is left to the machine that an
 * edit has put there meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "executord/config_push.h"
#include "executord/events.h"
#include "executord/executord.h"
#include "libgateway/log.h"

#define RELEASE_RETRY_MS   2000
#define DELETE_PATIENCE_MS 10000

struct discovery_deletion {
	struct http_request *rq;
	struct discovery_deletion *next; /* in discovery.deletions */
};

static void answer_deletions(void *data)
{
	struct discovery *d = &((struct executord *)data)->discovery;
	struct discovery_deletion *deletion;

	loop_timer_stop(&d->deletion_patience);
	while ((deletion = d->deletions)) {
		d->deletions = deletion->next;
		http_answer_json(deletion->rq, 200, cJSON_CreateObject());
		free(deletion);
	}
}

void discovery_over(struct executord *ex)
{
	struct discovery *d = &ex->discovery;
	struct dut *dut;
	void (*released)(void *data) = d->released;

	loop_timer_stop(&d->timeout);
	loop_timer_stop(&d->renewal);
	log_info("discovery at %s port %s is over", d->ask.pdu, d->ask.port);
	d->phase = DISCOVERY_NONE;
	events_discovery(ex);
	d->released = NULL;
	state_store_discovery_changed(ex);
	config_push_bootsd(ex);
	dut = registry_dut_at(ex, d->ask.pdu, d->ask.port);
	if (dut)
		dut_settle(dut, "discovered");
	answer_deletions(ex);
	if (released)
		released(d->released_data);
}

static void on_retry(void *data)
{
	discovery_ask_release(data);
}

static void on_released(void *data, const void *answered, const struct gw_error *err)
{
	struct executord *ex = (struct executord *)((char *)data - offsetof(struct executord, discovery));
	struct discovery *d = &ex->discovery;

	if (!answered && err->kind == GW_UNREACHABLE) { /* not before pdud's return */
		if (bus_peer_up(&ex->bus, "pdud"))
			loop_timer_start(&ex->loop, &d->renewal, RELEASE_RETRY_MS, on_retry, ex);
		return;
	}
	if (!answered) /* it is somebody else's */
		log_warning("discovery at %s port %s: the port was not switched off: %s", d->ask.pdu, d->ask.port, err->text);
	discovery_over(ex);
}

void discovery_ask_release(struct executord *ex)
{
	struct discovery *d = &ex->discovery;
	struct msg_capability capability = {.capability = d->capability};

	loop_timer_stop(&d->renewal);
	bus_ask(&ex->bus, "pdud", d->leave ? MSG_LEASE_LEAVE : MSG_LEASE_RELEASE, &capability, 0, on_released, d);
}

void discovery_release(struct executord *ex)
{
	struct discovery *d = &ex->discovery;

	if (d->phase == DISCOVERY_RELEASING || d->phase == DISCOVERY_NONE)
		return;
	d->phase = DISCOVERY_RELEASING;
	events_discovery(ex);
	loop_timer_stop(&d->timeout);
	bus_forget(&ex->bus, d);
	state_store_forget(ex, d);
	state_store_discovery_changed(ex);
	config_push_bootsd(ex);
	if (database_reserves(ex->database.db, ex->discovery.ask.pdu, ex->discovery.ask.port)) /* meanwhile: never touched from then on */
		discovery_over(ex);
	else
		discovery_ask_release(ex);
}

void discovery_cancel(struct executord *ex)
{
	if (ex->discovery.phase == DISCOVERY_NONE || ex->discovery.phase == DISCOVERY_RELEASING)
		return;
	log_info("discovery at %s port %s is cancelled", ex->discovery.ask.pdu, ex->discovery.ask.port);
	discovery_answer(ex, &(struct gw_error){GW_REFUSED, "the discovery was cancelled"});
	discovery_release(ex);
}

void discovery_delete(struct executord *ex, struct http_request *rq)
{
	struct discovery *d = &ex->discovery;
	struct discovery_deletion *deletion = gw_calloc(1, sizeof(*deletion));

	deletion->rq = rq;
	deletion->next = d->deletions;
	d->deletions = deletion;
	discovery_cancel(ex);
	if (d->phase == DISCOVERY_NONE)
		answer_deletions(ex);
	else if (d->deletions && !loop_timer_active(&d->deletion_patience))
		loop_timer_start(&ex->loop, &d->deletion_patience, DELETE_PATIENCE_MS, answer_deletions, ex);
}

/* The machine's own life switches it, or pdud does where that leads to no job. */
void discovery_on_edit(struct executord *ex)
{
	struct discovery *d = &ex->discovery;
	const struct mars_dut *mars;

	if (d->phase != DISCOVERY_TAKING && d->phase != DISCOVERY_LISTENING)
		return;
	mars = mars_db_find_dut_by_port(ex->database.db, d->ask.pdu, d->ask.port);
	if (!mars)
		return;
	log_info("discovery at %s port %s ends: the port is that of %s now", d->ask.pdu, d->ask.port, mars->id);
	discovery_answer(ex, &(struct gw_error){GW_REFUSED, "the port was assigned to a machine meanwhile"});
	d->leave = true;
	discovery_release(ex);
}

void discovery_stop(struct executord *ex, void (*released)(void *data), void *data)
{
	if (ex->discovery.phase == DISCOVERY_NONE) {
		released(data);
		return;
	}
	ex->discovery.released = released;
	ex->discovery.released_data = data;
	discovery_cancel(ex);
}

void discovery_finish(struct executord *ex)
{
	bus_forget(&ex->bus, &ex->discovery);
	discovery_answer(ex, &(struct gw_error){GW_UNREACHABLE, "executord stops"});
	answer_deletions(ex);
	loop_timer_finish(&ex->discovery.timeout);
	loop_timer_finish(&ex->discovery.renewal);
	loop_timer_finish(&ex->discovery.deletion_patience);
}

void discovery_give_up(struct executord *ex, const char *why)
{
	log_warning("discovery at %s port %s ends: %s", ex->discovery.ask.pdu, ex->discovery.ask.port, why);
	discovery_answer(ex,
			 &(struct gw_error){GW_UNREACHABLE, "the discovery ended before pdud gave it the port"}); /* if it was not yet */
	discovery_release(ex);
}

void discovery_on_timeout(void *data)
{
	discovery_give_up(data, "no unknown machine showed up in time");
}

void discovery_on_lease_lost(void *owner, const void *body, struct bus_call *call)
{
	struct executord *ex = owner;
	const struct msg_lease_lost *lost = body;

	if (ex->discovery.phase == DISCOVERY_LISTENING && strcmp(lost->job, ex->discovery.job) == 0)
		discovery_give_up(ex, lost->reason);
}
