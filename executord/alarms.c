#include "executord/alarms.h"

#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"

/* Calls `each` for every port in alarm or pinned until it says true; whether one did. */
typedef bool port_fn(struct executord *ex, const struct pdu *pdu, const struct port *port, void *data);

static bool any_port(struct executord *ex, port_fn *each, void *data)
{
	for (size_t i = 0; i < ex->registry.n_pdus; i++) {
		const struct pdu *pdu = ex->registry.pdus[i];

		for (size_t k = 0; pdu->n_noted && k < pdu->n_ports; k++)
			if (port_is_noted(&pdu->ports[k]) && each(ex, pdu, &pdu->ports[k], data))
				return true;
	}
	return false;
}

static cJSON *add_port(cJSON *list, const char *pdu, const char *port)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "pdu", pdu);
	cJSON_AddStringToObject(json, "port_id", port);
	cJSON_AddItemToArray(list, json);
	return json;
}

/* ---- pinned ---- */

static bool add_pinned(struct executord *ex, const struct pdu *pdu, const struct port *port, void *list)
{
	if (port->pinned)
		add_port(list, pdu->name, port->id);
	return false;
}

cJSON *alarms_pinned_json(struct executord *ex)
{
	cJSON *list = cJSON_CreateArray();

	any_port(ex, add_pinned, list);
	return list;
}

/* ---- alarms ---- */

static void add_alarm(cJSON *list, const char *pdu, const char *port, const struct dut *dut, const char *why)
{
	cJSON *json = add_port(list, pdu, port);
	char *text = gw_sprintf("port %s of %s could not be switched OFF yet (%s); it is tried until it is%s%s%s", port, pdu, why,
				dut ? ", and " : "", dut ? dut->full_name : "", dut ? " is not given out before" : "");

	if (dut)
		cJSON_AddStringToObject(json, "dut", dut->id);
	else
		cJSON_AddNullToObject(json, "dut");
	cJSON_AddStringToObject(json, "text", text);
	free(text);
}

static bool add_of_port(struct executord *ex, const struct pdu *pdu, const struct port *port, void *list)
{
	char *why;

	if (!port->alarm)
		return false;
	why = gw_sprintf("last seen: %s%s%s", port->state, port->holder ? ", after job " : "", port->holder ? port->holder : "");
	add_alarm(list, pdu->name, port->id, registry_dut_at(ex, pdu->name, port->id), why);
	free(why);
	return false;
}

static bool is_alarmed(struct executord *ex, const char *pdu, const char *port)
{
	struct pdu *p = registry_pdu(ex, pdu, NULL);
	const struct port *at = p ? pdu_port(p, port, NULL) : NULL;

	return at && at->alarm;
}

/* Its jobd is dead, and pdud does not say that the port is off: it is away, or has refused. */
static bool waits_for_pdud(const struct job *job)
{
	return job->phase == JOB_SETTLING && (job->unconfirmed || !bus_peer_up(&job->ex->bus, "pdud"));
}

static void add_of_job(cJSON *list, const struct job *job)
{
	const struct mars_dut *mars = job->dut ? registry_mars(job->ex, job->dut) : NULL;
	char *why;

	if (!mars || !mars->pdu || !mars->pdu_port_id || !waits_for_pdud(job) || is_alarmed(job->ex, mars->pdu, mars->pdu_port_id))
		return;
	why = gw_sprintf("pdud does not confirm it, after job %s", job->id);
	add_alarm(list, mars->pdu, mars->pdu_port_id, job->dut, why);
	free(why);
}

cJSON *alarms_json(struct executord *ex)
{
	cJSON *list = cJSON_CreateArray();

	any_port(ex, add_of_port, list);
	for (const struct job *job = ex->jobs.first; job; job = job->next)
		add_of_job(list, job);
	return list;
}

static bool has_alarm(struct executord *ex, const struct pdu *pdu, const struct port *port, void *data)
{
	return port->alarm;
}

bool alarms_there_are(struct executord *ex)
{
	return any_port(ex, has_alarm, NULL);
}

bool alarms_hold(struct executord *ex, const struct dut *dut)
{
	const char *pdu, *port;

	return dut_port(dut, &pdu, &port) && is_alarmed(ex, pdu, port);
}

static bool add_to_hash(struct executord *ex, const struct pdu *pdu, const struct port *port, void *data)
{
	uint64_t *hash = data, facts[] = {*hash, port->alarm, port->pinned};

	*hash = http_hash(http_hash(http_hash(0, facts, sizeof(facts)), pdu->name, strlen(pdu->name)), port->id, strlen(port->id));
	if (port->alarm) /* else its state is not told */
		*hash = http_hash(*hash, port->state, strlen(port->state));
	if (port->alarm && port->holder)
		*hash = http_hash(*hash, port->holder, strlen(port->holder));
	return false;
}

uint64_t alarms_hash(struct executord *ex)
{
	uint64_t hash = 0;

	any_port(ex, add_to_hash, &hash);
	for (const struct job *job = ex->jobs.first; job; job = job->next)
		if (waits_for_pdud(job))
			hash = http_hash(hash, job->id, strlen(job->id));
	return hash;
}
