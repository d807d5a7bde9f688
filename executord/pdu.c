#include "executord/pdu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pdu *pdu_create(const char *name)
{
	struct pdu *pdu = gw_calloc(1, sizeof(*pdu));

	pdu->name = gw_strdup(name);
	snprintf(pdu->state, sizeof(pdu->state), "CREATED");
	return pdu;
}

static void drop_ports(struct pdu *pdu)
{
	for (size_t i = 0; i < pdu->n_ports; i++) {
		free(pdu->ports[i].id);
		free(pdu->ports[i].label);
		free(pdu->ports[i].holder);
	}
	free(pdu->ports);
	pdu->ports = NULL;
	pdu->n_ports = pdu->n_noted = 0;
}

void pdu_destroy(struct pdu *pdu)
{
	if (!pdu)
		return;
	drop_ports(pdu);
	for (size_t i = 0; i < pdu->n_wishes; i++)
		free(pdu->wishes[i].id);
	free(pdu->wishes);
	free(pdu->error);
	printed_drop(&pdu->printed);
	free(pdu->name);
	free(pdu);
}

static struct port *find(const struct pdu *pdu, const char *id)
{
	for (size_t i = 0; i < pdu->n_ports; i++)
		if (strcmp(pdu->ports[i].id, id) == 0)
			return &pdu->ports[i];
	return NULL;
}

struct port *pdu_port(struct pdu *pdu, const char *id, struct gw_error *err)
{
	struct port *port = find(pdu, id);

	for (size_t i = 0; !port && i < pdu->n_ports; i++)
		if (pdu->ports[i].label && strcmp(pdu->ports[i].label, id) == 0)
			port = &pdu->ports[i];
	if (!port)
		gw_fail(err, GW_NOT_FOUND, "PDU '%s' has no port '%.64s'%s", pdu->name, id,
			pdu->n_ports ? "" : "; its ports are not known yet");
	return port;
}

const struct port_wish *pdu_wish_find(const struct pdu *pdu, const char *id)
{
	for (size_t i = 0; i < pdu->n_wishes; i++)
		if (strcmp(pdu->wishes[i].id, id) == 0)
			return &pdu->wishes[i];
	return NULL;
}

struct port_wish *pdu_wish(struct pdu *pdu, const char *id)
{
	struct port_wish *wish = (struct port_wish *)pdu_wish_find(pdu, id);

	if (wish)
		return wish;
	pdu->wishes = gw_realloc(pdu->wishes, (pdu->n_wishes + 1) * sizeof(*pdu->wishes));
	wish = &pdu->wishes[pdu->n_wishes++];
	*wish = (struct port_wish){.id = gw_strdup(id), .min_off_ms = -1};
	return wish;
}

static void replace(char **text, const char *with)
{
	char *copy = gw_strdup(with);

	free(*text);
	*text = copy;
}

static void take(struct pdu *pdu, struct port *port, const struct msg_port_state *state)
{
	pdu->n_noted -= port_is_noted(port);
	replace(&port->id, state->port);
	replace(&port->label, state->label);
	replace(&port->holder, state->holder);
	snprintf(port->state, sizeof(port->state), "%s", state->state);
	port->pinned = state->pinned;
	port->alarm = state->alarm;
	pdu->n_noted += port_is_noted(port);
	port->min_off_ms = state->min_off_ms;
	port->last_shutdown = state->last_shutdown;
	port->last_polled = state->last_polled;
}

void pdu_take_state(struct pdu *pdu, const struct msg_pdu_state *state)
{
	snprintf(pdu->state, sizeof(pdu->state), "%s", state->state);
	replace(&pdu->error, state->error);
	drop_ports(pdu);
	pdu->ports = gw_calloc(state->ports.n ? state->ports.n : 1, sizeof(*pdu->ports));
	for (pdu->n_ports = 0; pdu->n_ports < state->ports.n; pdu->n_ports++)
		take(pdu, &pdu->ports[pdu->n_ports], &state->ports.v[pdu->n_ports]);
}

bool pdu_take_port(struct pdu *pdu, const struct msg_port_state *state)
{
	struct port *port = find(pdu, state->port);

	if (port)
		take(pdu, port, state);
	return port != NULL;
}

void pdu_is_silent(struct pdu *pdu)
{
	snprintf(pdu->state, sizeof(pdu->state), "STOPPED");
	replace(&pdu->error, "pdud does not run");
	for (size_t i = 0; i < pdu->n_ports; i++)
		snprintf(pdu->ports[i].state, sizeof(pdu->ports[i].state), "UNKNOWN");
}
