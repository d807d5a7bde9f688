/* What PDUs tell, and what follows from it. */
#include "libgateway/log.h"
#include "pdud/lease.h"
#include "pdud/pdud.h"

static void give_up_on(struct pdu *pdu, struct port *port)
{
	struct gw_error why = {0};

	gw_fail(&why, GW_UNREACHABLE, "%s is not ON after %d tries%s%s; it reads %s", port->where, PORT_ON_TRIES, port->why ? ": " : "",
		port->why ? port->why : "", port_state_name(port->state));
	log_error("%s%s", log_job(port->job), why.text);
	waiters_fail(port, &why);
	port_on_given_up(port);
	pdu_kick(pdu);
}

static void on_port(void *owner, struct pdu *pdu, struct port *port, unsigned outcome)
{
	struct pdud *d = owner;

	if ((outcome & PORT_CHANGED) && port->alarm)
		log_error("%s%s: OFF cannot be confirmed yet (it reads %s%s%s); trying until it is", log_job(port->job), port->where,
			  port_state_name(port->state), port->why ? "; " : "", port->why ? port->why : "");
	if (outcome & PORT_GIVEN_UP)
		give_up_on(pdu, port);
	if (outcome & PORT_CHANGED)
		expiry_look_at(d, port);
	if (outcome & (PORT_CHANGED | PORT_FREED | PORT_GIVEN_UP)) {
		keeper_touch(&d->records_file);
		publish_port(d, pdu, port);
	}
	if (outcome & PORT_FULFILLED) /* after the event: whoever asked has heard what he is answered */
		waiters_answer(pdu, port);
	if (outcome & (PORT_FULFILLED | PORT_FREED))
		stop_if_done(d);
	if (outcome & PORT_FREED)
		remove_if_done(d, pdu);
}

/* What is not there needs no switching. */
static void on_gone(void *owner, struct pdu *pdu, struct port *port)
{
	struct pdud *d = owner;
	struct gw_error why = {0};

	if (!port->job && !port->owed && !port->pinned && !port->waiters)
		return;
	gw_fail(&why, GW_NOT_FOUND, "PDU '%s' has no port '%s'", pdu->name, port->id);
	log_error("%s%s", log_job(port->job), why.text);
	if (lease_is_live(port))
		lose_lease(d, pdu, port, port->job, "the PDU has no such port any more");
	waiters_fail(port, &why);
	port_disown(port);
	keeper_touch(&d->records_file);
}

static void on_changed(void *owner, struct pdu *pdu)
{
	struct pdud *d = owner;

	publish_pdu(d, pdu);
	if (pdu->state == PDU_OK)
		remove_if_done(d, pdu);
}

const struct pdu_events pdud_pdu_events = {on_port, on_gone, on_changed};
