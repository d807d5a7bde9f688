/* The asking end: a connection to each peer that is watched, made again whenever it is lost. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/internal.h"
#include "libgateway/log.h"

enum {
	AGAIN_FIRST_MS = 10,  /* between a socket's bind and its listen a connection is refused */
	AGAIN_LAST_MS = 1000, /* to a socket whose owner was killed (its return is seen in the folder), or that hangs up before its hello */
};

/* ABSENT: no socket. DIALING: nng tries. HELLO: connected, hello said. REFUSED: connected, but it does not accept us. PAUSED: until it is
 * tried again. */
enum peer_state { ABSENT, DIALING, HELLO, REFUSED, UP, PAUSED };

struct dial {
	struct bus_state *bus;
	uint64_t serial; /* 0: none is under way */
	nng_stream_dialer *dialer;
	nng_aio *aio;
};

struct bus_peer {
	struct bus_peer *next; /* in state.peers */
	struct bus_state *bus;
	char *name, *path; /* owned */
	bus_peer_fn *fn;
	void *owner;
	enum peer_state state;
	struct dial dial;
	struct bus_line *line; /* owned; HELLO, REFUSED, UP */
	struct loop_timer again;
	unsigned again_ms; /* the next pause */
	bool returned;     /* its socket changed in the folder while it was tried */
	uint64_t seq;      /* of its last event */
	unsigned n_asked;
	int in_use; /* a function on the stack goes on with it */
	bool dead;  /* unwatched meanwhile */
};

struct bus_asked {
	struct bus_asked *next, *prev; /* in state.asked */
	struct bus_state *bus;
	struct bus_peer *peer; /* NULL: it fails soon, with `why` */
	uint32_t id;
	enum bus_type type;
	int deadline_ms;
	bus_done *done; /* NULL: forgotten */
	void *data;
	struct loop_timer timer;
	struct gw_error why;
};

static void peer_connect(struct bus_peer *peer);

static struct bus_peer *peer_find(const struct bus_state *bus, const char *name)
{
	struct bus_peer *peer = bus->peers;

	while (peer && strcmp(peer->name, name) != 0)
		peer = peer->next;
	return peer;
}

/* ---- requests ---- */

static struct bus_asked *asked_create(struct bus_state *bus, enum bus_type type, bus_done *done, void *data)
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

static void asked_end(struct bus_asked *a, const void *answer, const struct gw_error *err)
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

	asked_end(a, NULL, &a->why);
}

static void asked_fail_soon(struct bus_asked *a)
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
	asked_end(a, NULL, &a->why);
}

static void asked_send(struct bus_asked *a, struct bus_peer *peer, const char *text, int deadline_ms)
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
	struct bus_peer *peer = peer_find(bus->state, peer_name);
	struct bus_asked *a = asked_create(bus->state, type, done, data);
	char *text = may_be_asked(peer, peer_name, &a->why) ? bus_wire_ask(type, body ? body : &nothing, &a->why) : NULL;

	if (text) {
		asked_send(a, peer, text, deadline_ms);
	} else {
		gw_context(&a->why, "%s", bus_types[type].name);
		asked_fail_soon(a);
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

static struct bus_asked *asked_of(const struct bus_peer *peer)
{
	struct bus_asked *a = peer->bus->asked;

	while (a && a->peer != peer)
		a = a->next;
	return a;
}

/* ---- a peer's life ---- */

static void peer_free(struct bus_peer *peer)
{
	free(peer->name);
	free(peer->path);
	free(peer);
}

/* Around all that may call the peer's owner, who may unwatch it. Release says whether it is still there. */
static void peer_hold(struct bus_peer *peer)
{
	peer->in_use++;
}

static bool peer_release(struct bus_peer *peer)
{
	if (--peer->in_use == 0 && peer->dead) {
		peer_free(peer);
		return false;
	}
	return !peer->dead;
}

static void tell(struct bus_peer *peer, enum bus_peer_event what)
{
	if (!peer->dead && peer->fn)
		peer->fn(peer->owner, peer->name, what);
}

static void dial_end(struct dial *dial)
{
	if (dial->dialer)
		nng_stream_dialer_close(dial->dialer);
	if (dial->aio)
		nng_aio_stop(dial->aio); /* its callback has returned; a note that it left is of an old serial */
	nng_aio_free(dial->aio);
	nng_stream_dialer_free(dial->dialer);
	*dial = (struct dial){0};
}

static void peer_close(struct bus_peer *peer)
{
	dial_end(&peer->dial);
	bus_line_destroy(peer->line);
	peer->line = NULL;
	loop_timer_finish(&peer->again);
	peer->state = ABSENT;
	peer->returned = false;
}

static void on_again(void *data)
{
	peer_connect(data);
}

static void peer_pause(struct bus_peer *peer)
{
	peer->state = PAUSED;
	loop_timer_start(peer->bus->loop, &peer->again, peer->again_ms, on_again, peer);
	peer->again_ms = peer->again_ms * 2 < AGAIN_LAST_MS ? peer->again_ms * 2 : AGAIN_LAST_MS;
}

/* The connection is lost. Requests fail first, so that a DOWN finds nothing under way. */
static void peer_lost(struct bus_peer *peer)
{
	bool was_up = peer->state == UP, at_once = was_up || peer->returned;
	struct gw_error err = {0};
	struct bus_asked *a;

	peer_hold(peer);
	peer_close(peer);
	gw_fail(&err, GW_UNREACHABLE, "%s has gone", peer->name);
	while (!peer->dead && (a = asked_of(peer)))
		asked_end(a, NULL, &err);
	if (was_up) {
		log_info("bus: %s has gone", peer->name);
		tell(peer, BUS_PEER_DOWN);
	}
	if (!peer_release(peer))
		return;
	if (at_once)
		peer_connect(peer);
	else
		peer_pause(peer);
}

static void on_hello_answered(void *data, const void *answer, const struct gw_error *err)
{
	struct bus_peer *peer = data;
	const struct msg_hello *hello = answer;

	if (peer->state != HELLO)
		return; /* the connection was lost */
	if (!hello && err->kind == GW_UNREACHABLE) {
		log_warning("bus: %s", err->text);
		peer_lost(peer);
	} else if (!hello || hello->version != BUS_VERSION) {
		log_error("bus: %s does not accept us: %s", peer->name, hello ? "another version" : err->text);
		peer->state = REFUSED;
	} else {
		peer->state = UP;
		peer->again_ms = AGAIN_FIRST_MS;
		peer->seq = (uint64_t)hello->seq;
		log_info("bus: %s (process %d) is there", peer->name, (int)hello->pid);
		tell(peer, BUS_PEER_UP);
	}
}

static void say_hello(struct bus_peer *peer)
{
	struct bus_state *bus = peer->bus;
	struct msg_hello hello = {.version = BUS_VERSION, .daemon = bus->name, .pid = getpid(), .seq = (int64_t)bus->seq};
	char *text = bus_wire_ask(MSG_HELLO, &hello, NULL);

	peer->state = HELLO;
	peer->returned = false;
	asked_send(asked_create(bus, MSG_HELLO, on_hello_answered, peer), peer, text, 0);
	free(text);
}

/* ---- what a peer says ---- */

static void hear_answer(struct bus_asked *a, const struct bus_wire *wire)
{
	const struct bus_body *table = bus_types[a->type].answer;
	struct gw_error err = {0};
	void *answer = bus_body_decode(table, wire->body, &err);

	if (!answer) {
		gw_context(&err, "%s: answer to %s", a->peer->name, bus_types[a->type].name);
		log_warning("bus: %s", err.text);
	}
	asked_end(a, answer, &err);
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
		asked_end(a, NULL, &wire->error);
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
		tell(peer, BUS_PEER_GAP);
	}
	if (wire->form == BUS_EVENT_OF && !peer->dead)
		hear_event(peer, wire);
}

static void hear(struct bus_peer *peer, const struct bus_note *note)
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

/* ---- connecting ---- */

/* On a thread of nng's. */
static void on_dialed(void *data)
{
	struct dial *dial = data;
	struct bus_note note = {.kind = BUS_DIALED, .serial = dial->serial, .error = nng_aio_result(dial->aio)};

	if (note.error == 0)
		note.stream = nng_aio_get_output(dial->aio, 0);
	else
		note.kind = BUS_DIAL_FAILED;
	bus_note_leave(dial->bus, &note);
}

static bool dial_start(struct bus_state *bus, struct dial *dial, const char *path, struct gw_error *err)
{
	char *url = gw_sprintf("ipc://%s", path);
	int rc = nng_stream_dialer_alloc(&dial->dialer, url);

	dial->bus = bus;
	dial->serial = ++bus->last_serial;
	rc = rc ? rc : nng_aio_alloc(&dial->aio, on_dialed, dial);
	if (rc == 0)
		nng_stream_dialer_dial(dial->dialer, dial->aio);
	free(url);
	return rc == 0 || gw_fail(err, GW_INTERNAL, "%s: cannot connect: %s", path, nng_strerror(rc));
}

/* Without a socket there is nothing to try: the folder tells when it is there. */
static void peer_connect(struct bus_peer *peer)
{
	struct gw_error err = {0};

	peer_close(peer);
	if (access(peer->path, F_OK) != 0)
		return;
	peer->state = DIALING;
	if (dial_start(peer->bus, &peer->dial, peer->path, &err))
		return;
	log_failure("bus", &err);
	peer_close(peer);
	peer_pause(peer);
}

static void peer_dialed(struct bus_peer *peer, struct bus_note *note)
{
	bool at_once = peer->returned;

	dial_end(&peer->dial);
	if (note->kind == BUS_DIALED && bus_stream_accepted(note->stream)) {
		peer->line = bus_line_create(peer->bus, note->stream);
		note->stream = NULL;
		say_hello(peer);
	} else if (at_once) {
		peer_connect(peer);
	} else {
		peer_pause(peer);
	}
}

void bus_peers_note(struct bus_state *bus, struct bus_note *note)
{
	struct bus_peer *peer = bus->peers;

	while (peer && bus_line_serial(peer->line) != note->serial && peer->dial.serial != note->serial)
		peer = peer->next;
	if (!peer)
		return; /* of what is closed by now */
	peer_hold(peer);
	if (peer->dial.serial == note->serial)
		peer_dialed(peer, note);
	else if (note->kind == BUS_LINE_MESSAGE)
		hear(peer, note);
	else if (note->kind == BUS_LINE_GONE)
		peer_lost(peer);
	peer_release(peer);
}

static void peer_folder_changed(struct bus_peer *peer)
{
	peer->again_ms = AGAIN_FIRST_MS;
	if (peer->state == ABSENT || peer->state == PAUSED)
		peer_connect(peer);
	else if (peer->state == DIALING || peer->state == HELLO)
		peer->returned = true;
}

void bus_peers_folder_changed(struct bus_state *bus, const char *file)
{
	for (struct bus_peer *peer = bus->peers; peer; peer = peer->next)
		if (!file || strcmp(file, strrchr(peer->path, '/') + 1) == 0)
			peer_folder_changed(peer);
}

void bus_watch(struct bus *bus, const char *name, bus_peer_fn *fn, void *owner)
{
	struct bus_peer *peer = gw_calloc(1, sizeof(*peer));

	gw_assert(!peer_find(bus->state, name) && strcmp(name, bus->state->name) != 0);
	peer->bus = bus->state;
	peer->again_ms = AGAIN_FIRST_MS;
	peer->name = gw_strdup(name);
	peer->path = bus_socket_path(bus->state, name);
	peer->fn = fn;
	peer->owner = owner;
	peer->next = bus->state->peers;
	bus->state->peers = peer;
	peer_connect(peer);
}

void bus_unwatch(struct bus *bus, const char *name)
{
	struct bus_peer *peer = peer_find(bus->state, name), **at = &bus->state->peers;
	struct bus_asked *a;

	if (!peer)
		return;
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	while ((a = asked_of(peer))) {
		if (a->type == MSG_HELLO)
			a->done = NULL;
		gw_fail(&a->why, GW_UNREACHABLE, "%s is not listened to any more", name);
		asked_fail_soon(a);
	}
	peer_close(peer);
	peer->dead = true;
	peer_hold(peer);
	peer_release(peer);
}

bool bus_peer_up(const struct bus *bus, const char *name)
{
	const struct bus_peer *peer = bus->state ? peer_find(bus->state, name) : NULL;

	return peer && peer->state == UP;
}

void bus_peers_finish(struct bus_state *bus)
{
	uint32_t last_id = bus->last_id;
	struct gw_error err = {0};
	struct bus_peer *peer;

	gw_fail(&err, GW_UNREACHABLE, "%s stops", bus->name);
	for (peer = bus->peers; peer; peer = peer->next)
		peer_close(peer);
	while (bus->asked) {
		if (bus->asked->id > last_id)
			bus->asked->done = NULL; /* asked by the `done` of another just now */
		asked_end(bus->asked, NULL, &err);
	}
	while ((peer = bus->peers)) {
		bus->peers = peer->next;
		peer_free(peer);
	}
}
