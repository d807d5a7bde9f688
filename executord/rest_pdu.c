#include "executord/rest_pdu.h"

#include <stdlib.h>
#include <string.h>

#include "executord/alarms.h"
#include "executord/config_push.h"
#include "executord/executord.h"
#include "executord/json.h"
#include "executord/rest.h"
#include "libgateway/json.h"

bool port_is_reserved(struct executord *ex, const struct pdu *pdu, const char *port)
{
	const struct mars_pdu *mars = mars_db_find_pdu(ex->database.db, pdu->name);
	const struct port_wish *wish = pdu_wish_find(pdu, port);

	return mars ? mars_pdu_port_reserved(mars, port) : wish && wish->reserved;
}

void rest_get_pdus(void *owner, struct http_request *rq)
{
	http_answer_shared(rq, json_pdus_page(owner));
}

void rest_get_pdu(void *owner, struct http_request *rq)
{
	struct gw_error err = {0};
	struct pdu *pdu = registry_pdu(owner, http_arg(rq, "pdu"), &err);

	if (!pdu)
		http_answer_error(rq, &err);
	else
		http_answer_shared(rq, json_pdu_answer(owner, pdu));
}

static struct port *find_port(struct executord *ex, const struct http_request *rq, struct pdu **pdu, struct gw_error *err)
{
	*pdu = registry_pdu(ex, http_arg(rq, "pdu"), err);
	return *pdu ? pdu_port(*pdu, http_arg(rq, "port"), err) : NULL;
}

static void answer_port(struct executord *ex, struct http_request *rq)
{
	struct gw_error err = {0};
	struct pdu *pdu;
	struct port *port = find_port(ex, rq, &pdu, &err);
	char *text;

	if (!port) {
		http_answer_error(rq, &err);
		return;
	}
	text = json_port(ex, pdu, port);
	http_answer(rq, 200, "application/json", text, strlen(text));
	free(text);
}

void rest_get_port(void *owner, struct http_request *rq)
{
	answer_port(owner, rq);
}

/* GET /api/v1/alarms */
void rest_get_alarms(void *owner, struct http_request *rq)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddItemToObject(json, "alarms", alarms_json(owner));
	http_answer_json(rq, 200, json);
}

/* ---- PATCH ---- */

struct patch {
	struct executord *ex;
	struct http_request *rq;
	struct port_change change;
	char pdu[129], port[129];
	struct patch *next; /* in registry.switching, while pdud is asked */
};

static void unlink_patch(struct patch *patch)
{
	struct patch **at = &patch->ex->registry.switching;

	while (*at && *at != patch)
		at = &(*at)->next;
	if (*at)
		*at = patch->next;
}

static void patch_done(struct patch *patch, const struct gw_error *err)
{
	unlink_patch(patch);
	if (err->kind != GW_OK)
		http_answer_error(patch->rq, err);
	else
		answer_port(patch->ex, patch->rq);
	free(patch);
}

static void on_set(void *data, const void *answer, const struct gw_error *err)
{
	struct patch *patch = data;
	const struct msg_port_state *state = answer;
	struct pdu *pdu = registry_pdu(patch->ex, patch->pdu, NULL);
	struct gw_error said = {0};

	if (state && pdu) { /* the event says the same, maybe later */
		pdu_take_port(pdu, state);
		registry_pdu_changed(patch->ex, pdu);
	}
	if (!state)
		said = *err;
	if (said.kind == GW_BUSY) /* to REST a refusal like others */
		said.kind = GW_REFUSED;
	patch_done(patch, &said);
}

/* pdud answers an OFF once it is read back, which may never be: whoever waits for it is told of the alarm instead. */
void rest_port_alarmed(struct executord *ex, const char *pdu, const char *port)
{
	struct gw_error err = {0};
	struct patch *next;

	gw_fail(&err, GW_UNREACHABLE, "port %s of %s could not be read back OFF; it is tried until it is, and an alarm until then", port,
		pdu);
	for (struct patch *patch = ex->registry.switching; patch; patch = next) {
		next = patch->next;
		if (patch->change.on || strcmp(patch->pdu, pdu) != 0 || strcmp(patch->port, port) != 0)
			continue;
		bus_forget(&ex->bus, patch);
		patch_done(patch, &err);
	}
}

static void set_state(struct patch *patch)
{
	struct executord *ex = patch->ex;
	struct msg_port_set set = {.pdu = patch->pdu, .port = patch->port, .on = patch->change.on};
	struct pdu *pdu = registry_pdu(ex, patch->pdu, NULL);
	const struct port *port = pdu ? pdu_port(pdu, patch->port, NULL) : NULL;

	patch->next = ex->registry.switching;
	ex->registry.switching = patch;
	bus_ask(&ex->bus, "pdud", MSG_PORT_SET, &set, 0, on_set, patch);
	if (!set.on && port && port->alarm) /* it is tried already */
		rest_port_alarmed(ex, pdu->name, port->id);
}

/* pdud says so too, but maybe after the answer. */
static void note_min_off(struct patch *patch)
{
	struct pdu *pdu = registry_pdu(patch->ex, patch->pdu, NULL);
	struct port *port = pdu ? pdu_port(pdu, patch->port, NULL) : NULL;

	if (!port || port->min_off_ms == patch->change.min_off_ms)
		return;
	port->min_off_ms = patch->change.min_off_ms;
	registry_pdu_changed(patch->ex, pdu);
}

static void on_written(void *data, const struct gw_error *err)
{
	struct patch *patch = data;

	if (err->kind == GW_OK && patch->change.has_min_off)
		note_min_off(patch);
	if (err->kind == GW_OK && patch->change.has_state)
		set_state(patch);
	else
		patch_done(patch, err);
}

/* The reserved ports of the PDU as they shall be; the caller frees the list. */
static const char **reserved_ports(const struct mars_pdu *mars, const char *port, bool reserved, size_t *n)
{
	const char **v = gw_calloc(mars->reserved_port_ids.n + 1, sizeof(*v));

	*n = 0;
	for (size_t i = 0; i < mars->reserved_port_ids.n; i++)
		if (strcmp(mars->reserved_port_ids.v[i], port) != 0)
			v[(*n)++] = mars->reserved_port_ids.v[i];
	if (reserved)
		v[(*n)++] = port;
	return v;
}

/* What goes into the file does; the rest is kept in memory. */
static void apply(struct patch *patch, struct pdu *pdu)
{
	struct executord *ex = patch->ex;
	const struct mars_pdu *mars = mars_db_find_pdu(ex->database.db, pdu->name);
	const struct mars_dut *dut = mars_db_find_dut_by_port(ex->database.db, pdu->name, patch->port);
	struct mars_edit edits[2];
	const char **ports = NULL;
	size_t n = 0, n_ports;

	if (patch->change.has_reserved && mars) {
		ports = reserved_ports(mars, patch->port, patch->change.reserved, &n_ports);
		edits[n++] = database_set("pdus", pdu->name, "reserved_port_ids", MARS_V_TEXTS(ports, n_ports));
	} else if (patch->change.has_reserved) {
		pdu_wish(pdu, patch->port)->reserved = patch->change.reserved;
	}
	if (patch->change.has_min_off && dut)
		edits[n++] = database_set("duts", dut->id, "pdu_off_delay", MARS_V_NUMBER((double)patch->change.min_off_ms / 1000));
	else if (patch->change.has_min_off)
		pdu_wish(pdu, patch->port)->min_off_ms = patch->change.min_off_ms;
	if (n) {
		database_write(ex, edits, n, "a port", on_written, patch);
	} else {
		config_push_pdud(ex);
		registry_pdu_changed(ex, pdu);
		on_written(patch, &(struct gw_error){0});
	}
	free(ports);
}

static bool allowed(struct executord *ex, struct pdu *pdu, const struct port *port, const struct port_change *change, struct gw_error *err)
{
	struct dut *dut = registry_dut_at(ex, pdu->name, port->id);
	struct port_facts facts = {.pdu = pdu->name,
				   .port = port->id,
				   .reserved = port_is_reserved(ex, pdu, port->id),
				   .dut = dut ? dut->full_name : NULL,
				   .dut_in_service = dut && dut->state != DUT_RETIRED,
				   .discovered = discovery_holds(ex, pdu->name, port->id) ? ex->discovery.job : NULL};

	return port_change_allowed(&facts, change, err);
}

static cJSON *read_body(const struct http_request *rq, struct gw_error *err)
{
	size_t len;
	const char *body = http_body(rq, &len);
	char *text = port_change_text(body, len);
	cJSON *json = json_decode(text, len, err);

	free(text);
	if (!json)
		gw_context(err, "the body");
	return json;
}

/* PATCH /api/v1/pdu/P/port/N: {"state","reserved","min_off_time"} */
void rest_patch_port(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct port_change change;
	struct pdu *pdu;
	struct port *port = find_port(ex, rq, &pdu, &err);
	cJSON *json = port ? read_body(rq, &err) : NULL;
	struct patch *patch;

	if (!json || !rest_may_change(ex, rq, &err) || !port_change_decode(json, &change, &err) || !allowed(ex, pdu, port, &change, &err)) {
		http_answer_error(rq, &err);
	} else {
		patch = gw_calloc(1, sizeof(*patch));
		*patch = (struct patch){.ex = ex, .rq = rq, .change = change};
		memcpy(patch->pdu, pdu->name, strlen(pdu->name) + 1);
		memcpy(patch->port, port->id, strlen(port->id) + 1);
		apply(patch, pdu);
	}
	cJSON_Delete(json);
}
