#include <stdio.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/rest.h"
#include "executord/rest_pdu.h"

void rest_get_discovery(void *owner, struct http_request *rq)
{
	http_answer_json(rq, 200, discovery_json(owner, false));
}

static bool allowed(struct executord *ex, struct discovery_ask *ask, struct gw_error *err)
{
	struct pdu *pdu = registry_pdu(ex, ask->pdu, err);
	struct port *port = pdu ? pdu_port(pdu, ask->port, err) : NULL;
	char running[300];
	struct discovery_facts facts = {0};
	struct dut *dut;

	if (!port)
		return false;
	snprintf(ask->port, sizeof(ask->port), "%s", port->id);
	snprintf(running, sizeof(running), "port %s of %s", ex->discovery.ask.port, ex->discovery.ask.pdu);
	dut = registry_dut_at(ex, pdu->name, port->id);
	facts.running = ex->discovery.phase != DISCOVERY_NONE ? running : NULL;
	facts.assigned = dut ? dut->full_name : NULL;
	facts.reserved = port_is_reserved(ex, pdu, port->id);
	facts.alarm = port->alarm;
	facts.ending = ex->discovery.phase == DISCOVERY_RELEASING;
	facts.state = port->state;
	return discovery_allowed(ask, &facts, err);
}

void rest_post_discovery(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct discovery_ask ask;
	cJSON *json = http_body_json(rq, &err);

	if (!json || !rest_may_change(ex, rq, &err) || !discovery_ask_decode(json, &ask, &err) || !allowed(ex, &ask, &err))
		http_answer_error(rq, &err);
	else
		discovery_begin(ex, &ask, rq);
	cJSON_Delete(json);
}

void rest_delete_discovery(void *owner, struct http_request *rq)
{
	struct gw_error err = {0};

	if (!rest_may_change(owner, rq, &err) || !rest_takes_nothing(rq, &err)) {
		http_answer_error(rq, &err);
		return;
	}
	discovery_delete(owner, rq);
}
