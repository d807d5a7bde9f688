/* pdu.configure: what the database says of PDUs and their ports. */
#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"
#include "pdud/lease.h"
#include "pdud/pdud.h"

static struct pdu *find_any(const struct pdud *d, const char *name)
{
	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next)
		if (strcmp(pdu->name, name) == 0)
			return pdu;
	return NULL;
}

struct pdu *pdud_pdu(const struct pdud *d, const char *name)
{
	struct pdu *pdu = find_any(d, name);

	return pdu && !pdu->removed ? pdu : NULL;
}

static void unlink_and_destroy(struct pdud *d, struct pdu *pdu)
{
	struct pdu **link = &d->pdus;

	while (*link != pdu)
		link = &(*link)->next;
	*link = pdu->next;
	pdu_destroy(pdu);
}

void remove_if_done(struct pdud *d, struct pdu *pdu)
{
	if (!pdu->removed)
		return;
	for (size_t i = 0; i < pdu->n_ports; i++)
		if (port_owes(pdu->ports[i]))
			return;
	log_info("PDU '%s': removed", pdu->name);
	unlink_and_destroy(d, pdu);
}

static void lose(struct pdud *d, struct pdu *pdu, struct port *port, const char *reason)
{
	struct gw_error why = {0};

	if (lease_is_live(port))
		lose_lease(d, pdu, port, port->job, reason);
	gw_fail(&why, GW_REFUSED, "%s: %s", port->where, reason);
	waiters_fail(port, &why);
}

/* Its leased ports are switched OFF first, since nobody else will. Without a device nothing can be. */
static void remove_pdu(struct pdud *d, struct pdu *pdu)
{
	static const char reason[] = "the PDU was removed from the database";

	pdu->removed = true;
	for (size_t i = 0; i < pdu->n_ports; i++) {
		struct port *port = pdu->ports[i];
		bool owes = pdu->device && (lease_is_live(port) || port->owed);

		lose(d, pdu, port, reason);
		port_disown(port);
		if (owes)
			lease_end(port);
	}
	pdu_kick(pdu);
	remove_if_done(d, pdu);
}

static bool is_wanted(const struct msg_pdu_configure *want, const char *name)
{
	for (size_t i = 0; i < want->pdus.n; i++)
		if (strcmp(want->pdus.v[i].name, name) == 0)
			return true;
	return false;
}

static void remove_unwanted(struct pdud *d, const struct msg_pdu_configure *want)
{
	struct pdu *next;

	for (struct pdu *pdu = d->pdus; pdu; pdu = next) {
		next = pdu->next;
		if (!pdu->removed && !is_wanted(want, pdu->name))
			remove_pdu(d, pdu);
	}
}

static void reserve(struct pdud *d, struct pdu *pdu, struct port *port)
{
	lose(d, pdu, port, "the port was reserved");
	port_disown(port);
}

static void unreserve(struct pdud *d, struct port *port)
{
	int64_t until = pdu_now(&d->loop).mono_ms + pdud_grace_ms(d);

	port_unreserved(port, until);
	if (port->left_until)
		expiry_expect(d, until);
	keeper_touch(&d->records_file);
}

/* A port of which nothing is said is not a DUT's. */
static void configure_ports(struct pdud *d, struct pdu *pdu, const struct msg_pdu_config *want)
{
	bool *reserved;

	for (size_t i = 0; i < want->ports.n; i++)
		pdu_port_make(pdu, want->ports.v[i].port);
	reserved = gw_calloc(pdu->n_ports + 1, sizeof(*reserved));
	for (size_t i = 0; i < pdu->n_ports; i++) {
		reserved[i] = pdu->ports[i]->reserved;
		pdu->ports[i]->min_off_ms = pdu_min_off_ms(pdu);
		pdu->ports[i]->assigned = pdu->ports[i]->reserved = false;
	}
	for (size_t i = 0; i < want->ports.n; i++) {
		struct port *port = pdu_port(pdu, want->ports.v[i].port);
		port->min_off_ms = want->ports.v[i].min_off_ms;
		port->reserved = want->ports.v[i].reserved;
		port->assigned = want->ports.v[i].assigned;
	}
	for (size_t i = 0; i < pdu->n_ports; i++) {
		if (pdu->ports[i]->reserved && !reserved[i])
			reserve(d, pdu, pdu->ports[i]);
		else if (!pdu->ports[i]->reserved && reserved[i])
			unreserve(d, pdu->ports[i]);
		expiry_look_at(d, pdu->ports[i]);
	}
	free(reserved);
}

/* Ports that are not in the database (a discovery's, a pinned one) are known from an earlier life too. Each is taken out of the list. */
static void remember_all_ports(struct pdud *d, struct pdu *pdu)
{
	size_t i = 0;

	while (d->before && i < d->before->ports.n) {
		if (strcmp(d->before->ports.v[i].pdu, pdu->name) == 0)
			remember_port(d, pdu, pdu_port_make(pdu, d->before->ports.v[i].port));
		else
			i++;
	}
}

static struct pdu *find_or_create(struct pdud *d, const char *name)
{
	struct pdu **link = &d->pdus, *pdu = find_any(d, name);

	if (pdu) {
		pdu->removed = false;
		return pdu;
	}
	while (*link)
		link = &(*link)->next;
	*link = pdu_create(&d->loop, name, &pdud_pdu_events, d);
	return *link;
}

static void configure_pdu(struct pdud *d, const struct msg_pdu_config *want)
{
	struct pdu *pdu = find_or_create(d, want->name);

	pdu_configure(pdu, want->driver, want->config);
	remember_all_ports(d, pdu);
	configure_ports(d, pdu, want);
	pdu_kick(pdu);
}

static bool each_once(const struct msg_pdu_configure *want, struct gw_error *err)
{
	for (size_t i = 0; i < want->pdus.n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(want->pdus.v[i].name, want->pdus.v[j].name) == 0)
				return gw_fail(err, GW_BAD_INPUT, "pdus[%zu].name: '%s' is given twice", i, want->pdus.v[i].name);
	return true;
}

bool configure(struct pdud *d, const struct msg_pdu_configure *want, struct gw_error *err)
{
	if (!each_once(want, err))
		return false;
	remove_unwanted(d, want);
	for (size_t i = 0; i < want->pdus.n; i++)
		configure_pdu(d, &want->pdus.v[i]);
	bus_body_free(&bus_body_pdu_configure, d->configuration);
	d->configuration = bus_body_dup(&bus_body_pdu_configure, want);
	keeper_touch(&d->configuration_file);
	return true;
}

void on_pdu_configure(void *owner, const void *body, struct bus_call *call)
{
	struct pdud *d = owner;
	struct gw_error err = {0};

	if (!configure(d, body, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	if (!d->heard) {
		remember_forget_rest(d);
		sweep_arm(d);
	}
	d->heard = true;
	answer_snapshot(d, call);
}

/* ---- what an edit changed ---- */

static struct msg_pdu_config *kept_config(const struct pdud *d, const char *name)
{
	for (size_t i = 0; d->configuration && i < d->configuration->pdus.n; i++)
		if (strcmp(d->configuration->pdus.v[i].name, name) == 0)
			return &d->configuration->pdus.v[i];
	return NULL;
}

static void keep_config(struct msg_pdu_config *kept, const struct msg_pdu_config *want)
{
	struct msg_pdu_config *new = bus_body_dup(&bus_body_pdu_config, want), old = *kept;

	*kept = *new;
	*new = old;
	bus_body_free(&bus_body_pdu_config, new);
}

static bool all_there(const struct pdud *d, const struct msg_pdu_change *change, struct gw_error *err)
{
	if (!d->heard)
		return gw_fail(err, GW_REFUSED, "no pdu.configure was said yet");
	for (size_t i = 0; i < change->pdus.n; i++)
		if (!pdud_pdu(d, change->pdus.v[i].name) || !kept_config(d, change->pdus.v[i].name))
			return gw_fail(err, GW_NOT_FOUND, "there is no PDU '%s'", change->pdus.v[i].name);
	return true;
}

void on_pdu_change(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_pdu_change *change = body;
	struct pdud *d = owner;
	struct gw_error err = {0};

	if (!all_there(d, change, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	for (size_t i = 0; i < change->pdus.n; i++) {
		configure_pdu(d, &change->pdus.v[i]);
		keep_config(kept_config(d, change->pdus.v[i].name), &change->pdus.v[i]);
	}
	keeper_touch(&d->configuration_file);
	answer_pdus(d, change, call);
}
