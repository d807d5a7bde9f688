/* What a peer says: answers, and its events. */
#include "libbus/peer.h"
#include "libgateway/log.h"

static void hear_answer(struct bus_asked *a, const struct bus_wire *wire)
{
	const struct bus_body *table = bus_types[a->type].answer;
	struct gw_error err = {0};
	void *answer = bus_body_decode(table, wire->body, &err);

	if (!answer) {
		gw_context(&err, "%s: answer to %s", a->peer->name, bus_types[a->type].name);
		log_warning("bus: %s", err.text);
	}
	bus_asked_end(a, answer, &err);
	bus_body_free(table, answer);
}

static void hear_reply(struct bus_peer *peer, uint32_t id, const struct bus_wire *wire)
{
	struct bus_asked *a = peer->bus->asked;

	while (a && !(a->peer == peer && a->id == id))
		a = a->next;
	if (!a)
		return; /* it came after its deadline */
	if (wire->form == BUS_ANSWER)
		hear_answer(a, wire);
	else
		bus_asked_end(a, NULL, &wire->error);
}

static void hear_event(struct bus_peer *peer, const struct bus_wire *wire)
{
	struct bus_state *bus = peer->bus;
	struct gw_error err = {0};
	const struct bus_body *table = bus_types[wire->type].body;
	void *body;

	if (!bus->handlers[wire->type])
		return;
	body = bus_body_decode(table, wire->body, &err);
	if (body)
		bus->handlers[wire->type](bus->owner, body, NULL);
	else
		log_warning("bus: an event of %s is left out: %s: %s", peer->name, bus_types[wire->type].name, err.text);
	bus_body_free(table, body);
}

/* Events before the hello's answer are its past; a jump in the numbers is a loss. */
static void hear_numbered(struct bus_peer *peer, const struct bus_wire *wire)
{
	uint64_t expected = peer->seq + (wire->form == BUS_EVENT_OF);
	bool lost = wire->number > expected;

	if (peer->state != UP || wire->number < expected)
		return;
	peer->seq = wire->number;
	if (lost) {
		log_warning("bus: events of %s were lost", peer->name);
		bus_peer_tell(peer, BUS_PEER_GAP);
	}
	if (wire->form == BUS_EVENT_OF && !peer->dead)
		hear_event(peer, wire);
}

void bus_peer_hear(struct bus_peer *peer, const struct bus_note *note)
{
	struct bus_wire wire;
	struct gw_error err = {0};

	bus_line_heard(peer->line);
	if (!bus_wire_decode(note->text, note->len, &wire, &err)) {
		log_warning("bus: a message of %s is left out: %s", peer->name, err.text);
		return;
	}
	if (wire.form == BUS_ANSWER || wire.form == BUS_ERROR)
		hear_reply(peer, note->id, &wire);
	else if (wire.form == BUS_EVENT_OF || wire.form == BUS_DROPPED)
		hear_numbered(peer, &wire);
	else
		log_warning("bus: %s asks where it should answer", peer->name);
	bus_wire_finish(&wire);
}
