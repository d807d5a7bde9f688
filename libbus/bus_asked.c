/* Requests of ours: each is done exactly once. */
#include <stdlib.h>

#include "libbus/peer.h"

struct bus_asked *bus_asked_create(struct bus_state *bus, enum bus_type type, bus_done *done, void *data)
{
	struct bus_asked *a = gw_calloc(1, sizeof(*a));

	a->bus = bus;
	a->type = type;
	a->done = done;
	a->data = data;
	a->id = ++bus->last_id;
	a->next = bus->asked;
	if (a->next)
		a->next->prev = a;
	bus->asked = a;
	return a;
}

void bus_asked_end(struct bus_asked *a, const void *answer, const struct gw_error *err)
{
	if (a->next)
		a->next->prev = a->prev;
	if (a->prev)
		a->prev->next = a->next;
	else
		a->bus->asked = a->next;
	if (a->peer)
		a->peer->n_asked--;
	loop_timer_finish(&a->timer);
	if (a->done)
		a->done(a->data, answer, err);
	free(a);
}

static void on_fail(void *data)
{
	struct bus_asked *a = data;

	bus_asked_end(a, NULL, &a->why);
}

void bus_asked_fail_soon(struct bus_asked *a)
{
	if (a->peer)
		a->peer->n_asked--;
	a->peer = NULL;
	loop_timer_start(a->bus->loop, &a->timer, 0, on_fail, a);
}

static void on_deadline(void *data)
{
	struct bus_asked *a = data;

	gw_fail(&a->why, GW_UNREACHABLE, "%s: %s: no answer within %d ms", a->peer->name, bus_types[a->type].name, a->deadline_ms);
	bus_asked_end(a, NULL, &a->why);
}

void bus_asked_send(struct bus_asked *a, struct bus_peer *peer, const char *text, int deadline_ms)
{
	a->peer = peer;
	peer->n_asked++;
	a->deadline_ms = deadline_ms ? deadline_ms : bus_types[a->type].deadline_ms;
	loop_timer_start(a->bus->loop, &a->timer, (uint64_t)a->deadline_ms, on_deadline, a);
	bus_line_send(peer->line, a->id, text);
}

static bool may_be_asked(const struct bus_peer *peer, const char *name, struct gw_error *err)
{
	if (!peer)
		return gw_fail(err, GW_UNREACHABLE, "%s is not known here", name);
	if (peer->state != UP)
		return gw_fail(err, GW_UNREACHABLE, "%s is not there", name);
	if (peer->n_asked >= BUS_CALLS_MAX)
		return gw_fail(err, GW_BUSY, "%u requests to %s wait already", peer->n_asked, name);
	return true;
}

void bus_ask(struct bus *bus, const char *peer_name, enum bus_type type, const void *body, int deadline_ms, bus_done *done, void *data)
{
	static const struct msg_nothing nothing;
	struct bus_peer *peer = bus_peer_find(bus->state, peer_name);
	struct bus_asked *a = bus_asked_create(bus->state, type, done, data);
	char *text = may_be_asked(peer, peer_name, &a->why) ? bus_wire_ask(type, body ? body : &nothing, &a->why) : NULL;

	if (text) {
		bus_asked_send(a, peer, text, deadline_ms);
	} else {
		gw_context(&a->why, "%s", bus_types[type].name);
		bus_asked_fail_soon(a);
	}
	free(text);
}

void bus_forget(struct bus *bus, void *data)
{
	if (!bus->state)
		return;
	for (struct bus_asked *a = bus->state->asked; a; a = a->next)
		if (a->data == data)
			a->done = NULL;
}

struct bus_asked *bus_asked_of(const struct bus_peer *peer)
{
	struct bus_asked *a = peer->bus->asked;

	while (a && a->peer != peer)
		a = a->next;
	return a;
}
