/* What the others are told of PDUs and ports. */
#include <stdlib.h>

#include "pdud/lease.h"
#include "pdud/pdud.h"

void fill_port_state(struct msg_port_state *state, const struct pdu *pdu, const struct port *port)
{
	*state = (struct msg_port_state){.pdu = pdu->name,
					 .port = port->id,
					 .label = port->label,
					 .state = (char *)port_state_name(port->state),
					 .reserved = port->reserved,
					 .pinned = port->pinned,
					 .holder = lease_is_live(port) ? port->job : NULL,
					 .alarm = port->alarm,
					 .min_off_ms = port->min_off_ms,
					 .last_shutdown = port->last_shutdown,
					 .last_polled = port->last_polled};
}

/* The caller frees `ports.v`. */
static void fill_pdu_state(struct msg_pdu_state *state, const struct pdu *pdu)
{
	*state = (struct msg_pdu_state){.name = pdu->name, .state = (char *)pdu_state_name(pdu->state), .error = pdu->error};
	state->ports.v = gw_calloc(pdu->n_ports + 1, sizeof(*state->ports.v));
	for (size_t i = 0; i < pdu->n_ports; i++)
		if (pdu_has_port(pdu, pdu->ports[i]))
			fill_port_state(&state->ports.v[state->ports.n++], pdu, pdu->ports[i]);
}

void answer_snapshot(struct pdud *d, struct bus_call *call)
{
	struct msg_pdu_snapshot snapshot = {0};
	size_t n = 0;

	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next)
		n += !pdu->removed;
	snapshot.pdus.v = gw_calloc(n + 1, sizeof(*snapshot.pdus.v));
	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next)
		if (!pdu->removed)
			fill_pdu_state(&snapshot.pdus.v[snapshot.pdus.n++], pdu);
	bus_answer(call, &snapshot);
	for (size_t i = 0; i < n; i++)
		free(snapshot.pdus.v[i].ports.v);
	free(snapshot.pdus.v);
}

void answer_pdus(struct pdud *d, const struct msg_pdu_change *named, struct bus_call *call)
{
	struct msg_pdu_snapshot snapshot = {.pdus.v = gw_calloc(named->pdus.n + 1, sizeof(*snapshot.pdus.v))};

	for (size_t i = 0; i < named->pdus.n; i++)
		fill_pdu_state(&snapshot.pdus.v[snapshot.pdus.n++], pdud_pdu(d, named->pdus.v[i].name));
	bus_answer(call, &snapshot);
	for (size_t i = 0; i < snapshot.pdus.n; i++)
		free(snapshot.pdus.v[i].ports.v);
	free(snapshot.pdus.v);
}

void publish_port(struct pdud *d, const struct pdu *pdu, const struct port *port)
{
	struct msg_port_state state;

	if (pdu->removed || !pdu_has_port(pdu, port))
		return;
	fill_port_state(&state, pdu, port);
	bus_publish(&d->bus, MSG_PORT_STATE, &state);
}

void publish_pdu(struct pdud *d, const struct pdu *pdu)
{
	struct msg_pdu_state state;

	if (pdu->removed)
		return;
	fill_pdu_state(&state, pdu);
	bus_publish(&d->bus, MSG_PDU_STATE, &state);
	free(state.ports.v);
}
