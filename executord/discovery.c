#include "executord/discovery.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/config_push.h"
#include "executord/executord.h"
#include "executord/names.h"
#include "executord/new_dut.h"
#include "libgateway/log.h"

static struct executord *of(struct discovery *d)
{
	return (struct executord *)((char *)d - offsetof(struct executord, discovery));
}

bool discovery_listens(struct executord *ex)
{
	const struct discovery *d = &ex->discovery;

	/* One from before a restart has its port ON: a machine that comes before pdud has answered is the one looked for. */
	return d->phase == DISCOVERY_LISTENING || (d->phase == DISCOVERY_TAKING && d->on_at);
}

bool discovery_holds(struct executord *ex, const char *pdu, const char *port)
{
	const struct discovery *d = &ex->discovery;

	return d->phase != DISCOVERY_NONE && strcmp(d->ask.pdu, pdu) == 0 && strcmp(d->ask.port, port) == 0;
}

double discovery_seconds_since_on(struct executord *ex)
{
	if (!ex->discovery.on_at)
		return 0;
	return fmax(1, ceil((double)(loop_now_ms(&ex->loop) - ex->discovery.on_at) / 1000));
}

cJSON *discovery_json(struct executord *ex, bool with_expiry)
{
	const struct discovery *d = &ex->discovery;
	cJSON *json = cJSON_CreateObject();
	char date[40];
	double left = ((double)d->deadline - (double)loop_now_ms(&ex->loop)) / 1000;

	if (d->phase == DISCOVERY_NONE)
		return json;
	names_date_text(d->started_at, date);
	cJSON_AddStringToObject(json, "pdu", d->ask.pdu);
	cJSON_AddStringToObject(json, "port_id", d->ask.port);
	cJSON_AddStringToObject(json, "date", date);
	cJSON_AddNumberToObject(json, "timeout", d->ask.timeout);
	cJSON_AddNumberToObject(json, "started_at", d->started_at);
	if (with_expiry)
		cJSON_AddNumberToObject(json, "expires_in", fmax(0, left));
	return json;
}

void discovery_answer(struct executord *ex, const struct gw_error *err)
{
	struct http_request *rq = ex->discovery.answer;

	ex->discovery.answer = NULL;
	if (rq && err)
		http_answer_error(rq, err);
	else if (rq)
		http_answer_json(rq, 200, discovery_json(ex, false));
}

/* ---- the machine ---- */

static void on_written(void *data, const struct gw_error *err)
{
	struct executord *ex = data;

	if (err->kind != GW_OK)
		log_error("the machine discovered at %s port %s was not written: %s", ex->discovery.ask.pdu, ex->discovery.ask.port,
			  err->text);
	discovery_found_by_rest(ex);
}

static const char *known_word(const char *word)
{
	return word ? word : "unknown";
}

static bool address_is_free(struct executord *ex, const char *ip)
{
	return ip && !mars_db_find_dut_by_ip(ex->database.db, ip);
}

void discovery_on_boot_seen(void *owner, const void *body, struct bus_call *call)
{
	struct executord *ex = owner;
	const struct msg_boot_seen *seen = body;
	char base_name[128];
	struct new_dut new;

	if (!seen->netboot || seen->dut || !discovery_listens(ex) || mars_db_find_dut_by_mac(ex->database.db, seen->mac))
		return;
	snprintf(base_name, sizeof(base_name), "%s-%s-%s", known_word(seen->architecture), known_word(seen->firmware),
		 known_word(seen->protocol));
	new_dut_init(&new, ex, seen->mac);
	new_dut_set(&new, seen->mac, "base_name", MARS_V_TEXT(base_name));
	if (address_is_free(ex, seen->ip))
		new_dut_set(&new, seen->mac, "ip_address", MARS_V_TEXT(seen->ip));
	log_info("discovery at %s port %s: %s, a %s, is its machine", ex->discovery.ask.pdu, ex->discovery.ask.port, seen->mac, base_name);
	ex->discovery.phase = DISCOVERY_FOUND;
	database_write(ex, new.edits, new.n, "the discovered machine", on_written, ex);
}

/* One that was cancelled meanwhile is over, and the next may have begun. */
void discovery_found_by_rest(struct executord *ex)
{
	if (ex->discovery.phase == DISCOVERY_FOUND)
		discovery_release(ex);
}

/* ---- the beginning ---- */

static void renew(void *data);

static void on_renewed(void *data, const void *answered, const struct gw_error *err)
{
	struct discovery *d = data;
	struct executord *ex = of(d);
	const struct msg_lease *lease = answered;

	if (lease)
		loop_timer_start(&ex->loop, &d->renewal, (uint64_t)lease->grace_ms / 4 + 1, renew, ex);
	else if (err->kind != GW_UNREACHABLE) /* else at pdud's return */
		discovery_give_up(ex, err->text);
}

static void renew(void *data)
{
	struct executord *ex = data;
	struct msg_capability capability = {.capability = ex->discovery.capability};

	bus_ask(&ex->bus, "pdud", MSG_LEASE_RENEW, &capability, 0, on_renewed, &ex->discovery);
}

static void on_powered(void *data, const void *answered, const struct gw_error *err)
{
	struct discovery *d = data;
	struct executord *ex = of(d);

	if (!answered && err->kind != GW_UNREACHABLE) { /* else at pdud's return */
		discovery_give_up(ex, err->text);
	} else if (answered && !d->on_at) {
		d->on_at = loop_now_ms(&ex->loop);
		state_store_discovery_changed(ex);
	}
}

static void power_on(struct executord *ex)
{
	struct discovery *d = &ex->discovery;
	struct msg_lease_power power = {.capability = d->capability, .on = true};

	bus_ask(&ex->bus, "pdud", MSG_LEASE_POWER, &power, 0, on_powered, d);
}

static void on_taken(void *data, const void *answered, const struct gw_error *err)
{
	struct discovery *d = data;
	struct executord *ex = of(d);
	const struct msg_lease *lease = answered;

	if (!lease && !d->answer && err->kind == GW_UNREACHABLE)
		return; /* it goes on from before a restart, as soon as pdud is there */
	if (!lease) {
		struct gw_error refused = *err;

		if (refused.kind == GW_BUSY) /* held, or not confirmed OFF: to REST a refusal like others */
			refused.kind = GW_REFUSED;
		discovery_answer(ex, &refused);
		discovery_over(ex);
		return;
	}
	d->phase = DISCOVERY_LISTENING;
	if (strcmp(lease->state, "ON") != 0)
		d->on_at = 0;
	loop_timer_start(&ex->loop, &d->renewal, (uint64_t)lease->grace_ms / 4 + 1, renew, ex);
	config_push_bootsd(ex);
	power_on(ex);
	discovery_answer(ex, NULL);
}

void discovery_take(struct executord *ex)
{
	struct msg_capability take = {.capability = ex->discovery.capability};

	bus_ask(&ex->bus, "pdud", MSG_LEASE_TAKE, &take, 0, on_taken, &ex->discovery);
}

void discovery_on_pdud_up(struct executord *ex)
{
	struct discovery *d = &ex->discovery;

	if (d->phase == DISCOVERY_NONE)
		return;
	bus_forget(&ex->bus, d); /* what pdud's end has just failed */
	if (d->phase == DISCOVERY_RELEASING) {
		discovery_ask_release(ex);
	} else if (d->phase == DISCOVERY_TAKING) {
		discovery_take(ex);
	} else {
		renew(ex);
		power_on(ex);
	}
}

bool discovery_make_capability(struct executord *ex, struct gw_error *err)
{
	struct discovery *d = &ex->discovery;
	struct capability cap = {0};

	snprintf(cap.job, sizeof(cap.job), "%s", d->job);
	snprintf(cap.pdu, sizeof(cap.pdu), "%s", d->ask.pdu);
	snprintf(cap.port, sizeof(cap.port), "%s", d->ask.port);
	return capability_make(ex->settings.key, &cap, d->capability, err);
}

static void on_kept(void *data)
{
	struct discovery *d = data;

	if (d->phase == DISCOVERY_TAKING)
		discovery_take(of(d));
}

void discovery_begin(struct executord *ex, const struct discovery_ask *ask, struct http_request *rq)
{
	struct discovery *d = &ex->discovery;
	struct gw_error err = {0};

	d->ask = *ask;
	d->started_at = loop_wall_now();
	d->deadline = loop_now_ms(&ex->loop) + (uint64_t)(ask->timeout * 1000);
	d->on_at = 0;
	snprintf(d->job, sizeof(d->job), "discovery-%llx-%u", ex->jobs.started_at, ++d->counter);
	if (!discovery_make_capability(ex, &err)) {
		http_answer_error(rq, &err);
		return;
	}
	d->answer = rq;
	d->leave = false;
	d->phase = DISCOVERY_TAKING;
	events_discovery(ex);
	loop_timer_start(&ex->loop, &d->timeout, (uint64_t)(ask->timeout * 1000), discovery_on_timeout, ex);
	state_store_discovery_changed(ex);
	state_store_when_saved(ex, on_kept, d); /* no lease that a killed executord would not know of */
}
