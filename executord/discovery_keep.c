/* A discovery over a restart of executord: its lease is taken up again, or given back. */
#include <stdio.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/log.h"

cJSON *discovery_encode(const struct discovery *d)
{
	cJSON *json;

	if (d->phase == DISCOVERY_NONE)
		return NULL;
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "pdu", d->ask.pdu);
	cJSON_AddStringToObject(json, "port", d->ask.port);
	cJSON_AddStringToObject(json, "job", d->job);
	cJSON_AddNumberToObject(json, "timeout", d->ask.timeout);
	cJSON_AddNumberToObject(json, "started_at", d->started_at);
	cJSON_AddNumberToObject(json, "deadline", (double)d->deadline);
	cJSON_AddNumberToObject(json, "on_at", (double)d->on_at);
	cJSON_AddBoolToObject(json, "releasing", d->phase == DISCOVERY_RELEASING);
	cJSON_AddBoolToObject(json, "leave", d->leave);
	return json;
}

static bool text_of(const cJSON *json, const char *name, char *out, size_t size)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));

	return text && *text && (size_t)snprintf(out, size, "%s", text) < size;
}

static bool number_of(const cJSON *json, const char *name, double max, double *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	*out = cJSON_IsNumber(item) ? item->valuedouble : -1;
	return *out >= 0 && *out <= max;
}

bool discovery_decode(struct discovery *d, const cJSON *json, struct gw_error *err)
{
	double deadline, on_at;

	if (!text_of(json, "pdu", d->ask.pdu, sizeof(d->ask.pdu)) || !text_of(json, "port", d->ask.port, sizeof(d->ask.port)) ||
	    !text_of(json, "job", d->job, sizeof(d->job)) || !number_of(json, "timeout", DISCOVERY_TIMEOUT_MAX, &d->ask.timeout) ||
	    !number_of(json, "started_at", 1e12, &d->started_at) || !number_of(json, "deadline", 9e15, &deadline) ||
	    !number_of(json, "on_at", 9e15, &on_at))
		return gw_fail(err, GW_BAD_INPUT, "discovery: not as it was written");
	d->deadline = (uint64_t)deadline;
	d->on_at = (uint64_t)on_at;
	d->leave = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "leave"));
	d->phase = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "releasing")) ? DISCOVERY_RELEASING : DISCOVERY_TAKING;
	return true;
}

/* `same_boot`: else its times mean nothing, and the machine it waits for may be off since. What it asks of pdud is asked when pdud is
 * there. */
void discovery_restore(struct executord *ex, const cJSON *json, bool same_boot)
{
	struct discovery *d = &ex->discovery, kept = {0};
	struct gw_error err = {0};
	uint64_t now = loop_now_ms(&ex->loop);

	if (!json)
		return;
	if (!discovery_decode(&kept, json, &err)) {
		log_error("%s: %s; pdud ends its lease by itself", ex->store.path, err.text);
		return;
	}
	*d = kept;
	if (!discovery_make_capability(ex, &err)) {
		log_failure("the discovery of before the restart", &err);
		d->phase = DISCOVERY_NONE;
		return;
	}
	if (!same_boot || d->deadline <= now)
		d->phase = DISCOVERY_RELEASING;
	if (registry_dut_at(ex, d->ask.pdu, d->ask.port)) { /* found, or assigned, and not given back yet */
		d->leave = true;
		d->phase = DISCOVERY_RELEASING;
	}
	if (d->phase == DISCOVERY_TAKING)
		loop_timer_start(&ex->loop, &d->timeout, d->deadline - now, discovery_on_timeout, ex);
	log_info("discovery at %s port %s %s after the restart", d->ask.pdu, d->ask.port,
		 d->phase == DISCOVERY_TAKING ? "goes on" : "ends");
}
