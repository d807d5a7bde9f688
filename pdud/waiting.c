/* Who waits for what is wished of a port. All who wait for a port wait for its one wish: a new wish fails those of the old one. */
#include <stdlib.h>

#include "pdud/pdud.h"

/* One who waits at a port: a call of its own, or a part of a call that waits for several. */
struct waiter {
	struct waiter *next;
	struct bus_call *call; /* NULL: `together` */
	struct together *together;
};

struct together {
	struct bus_call *call;
	size_t left;
	bool ready;          /* all are added */
	struct gw_error why; /* GW_OK: none has failed */
};

static void add(struct port *port, struct waiter w)
{
	struct waiter **link = &port->waiters;

	while (*link)
		link = &(*link)->next;
	*link = gw_calloc(1, sizeof(w));
	**link = w;
}

void wait_for_port(struct pdu *pdu, struct port *port, struct bus_call *call)
{
	add(port, (struct waiter){.call = call});
	if (port->wish == WISH_NOTHING)
		waiters_answer(pdu, port);
}

/* Those whose facts are not on the disk yet; at each collecting of the records they become those that are being saved. */
struct saving {
	struct saving *next;
	struct together *together; /* NULL: `call`, which then waits for a port */
	struct bus_call *call;
	char *pdu, *port; /* owned; of `call` */
};

static void await_records(struct pdud *d, struct saving from)
{
	struct saving *s = gw_calloc(1, sizeof(*s));

	*s = from;
	s->next = d->unsaved;
	d->unsaved = s;
	keeper_touch(&d->records_file);
}

void together_await_records(struct pdud *d, struct together *t)
{
	t->left++;
	await_records(d, (struct saving){.together = t});
}

void wait_for_records_and_port(struct pdud *d, const struct pdu *pdu, const struct port *port, struct bus_call *call)
{
	await_records(d, (struct saving){.call = call, .pdu = gw_strdup(pdu->name), .port = gw_strdup(port->id)});
}

/* An edit may have removed the PDU meanwhile. */
static void wait_for_port_named(struct pdud *d, const struct saving *s)
{
	struct pdu *pdu = pdud_pdu(d, s->pdu);
	struct port *port = pdu ? pdu_port(pdu, s->port) : NULL;
	struct gw_error err = {0};

	if (port) {
		wait_for_port(pdu, port, s->call);
		return;
	}
	gw_fail(&err, GW_NOT_FOUND, "there is no port %s of PDU '%s' any more", s->port, s->pdu);
	bus_answer_error(s->call, &err);
}

void records_collected(struct pdud *d)
{
	struct saving **end = &d->being_saved;

	while (*end)
		end = &(*end)->next;
	*end = d->unsaved;
	d->unsaved = NULL;
}

static void together_end_if_done(struct together *t);

void records_saved(struct pdud *d)
{
	struct saving *next, *s = d->being_saved;

	d->being_saved = NULL;
	for (; s; s = next) {
		next = s->next;
		if (s->together) {
			s->together->left--;
			together_end_if_done(s->together);
		} else {
			wait_for_port_named(d, s);
		}
		free(s->pdu);
		free(s->port);
		free(s);
	}
}

struct together *together_begin(struct bus_call *call)
{
	struct together *t = gw_calloc(1, sizeof(*t));

	t->call = call;
	return t;
}

void together_add(struct together *t, struct port *port)
{
	t->left++;
	add(port, (struct waiter){.together = t});
}

static void together_end_if_done(struct together *t)
{
	if (!t->ready || t->left)
		return;
	if (t->why.kind == GW_OK)
		bus_answer(t->call, NULL);
	else
		bus_answer_error(t->call, &t->why);
	free(t);
}

void together_ready(struct together *t)
{
	t->ready = true;
	together_end_if_done(t);
}

/* The list is taken first: an answer may lead to anything. */
static struct waiter *take(struct port *port)
{
	struct waiter *list = port->waiters;

	port->waiters = NULL;
	return list;
}

void waiters_answer(struct pdu *pdu, struct port *port)
{
	struct waiter *next, *w = take(port);
	struct msg_port_state state;

	fill_port_state(&state, pdu, port);
	for (; w; w = next) {
		next = w->next;
		if (w->together) {
			w->together->left--;
			together_end_if_done(w->together);
		} else {
			bus_answer(w->call, &state);
		}
		free(w);
	}
}

void waiters_fail(struct port *port, const struct gw_error *why)
{
	struct waiter *next, *w = take(port);

	for (; w; w = next) {
		next = w->next;
		if (w->together) {
			w->together->left--;
			w->together->why = *why;
			together_end_if_done(w->together);
		} else {
			bus_answer_error(w->call, why);
		}
		free(w);
	}
}
