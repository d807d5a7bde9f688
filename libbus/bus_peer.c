/* The asking end: one raw REQ socket for each connection to a peer, so that nothing of a lost connection goes out on the next. */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/req.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/internal.h"
#include "libgateway/log.h"

#define ID_BIT 0x80000000U /* ends nng's list of hops */

enum {
	RETRY_FIRST_MS = 10,  /* between a socket's bind and its listen a connection is refused */
	RETRY_LAST_MS = 50, /* to a socket whose owner was killed; its return is seen in the folder */
	AGAIN_MS = 1000,      /* after a connection that ended without a hello */
};

/* ABSENT: no socket. DIALING: nng tries. HELLO: connected, hello said. REFUSED: connected, of another version. PAUSED: see AGAIN_MS. */
enum peer_state { ABSENT, DIALING, HELLO, REFUSED, UP, PAUSED };

struct bus_peer {
	struct bus_peer *next; /* in state.peers */
	struct bus_state *bus;
	char *name, *path; /* owned */
	bus_peer_fn *fn;
	void *owner;
	enum peer_state state;
	struct bus_socket socket;
	struct loop_timer again;
	bool returned;   /* its socket changed in the folder during HELLO */
	uint64_t seq;    /* of its last event */
	unsigned unseen; /* messages read and not told */
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
	a->id = ID_BIT | ++bus->last_id;
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

static void send_text(struct bus_peer *peer, uint32_t id, const char *text)
{
	const unsigned char header[4] = {(unsigned char)(id >> 24), (unsigned char)(id >> 16), (unsigned char)(id >> 8), (unsigned char)id};

	bus_socket_send(&peer->socket, header, sizeof(header), text);
}

static void asked_send(struct bus_asked *a, struct bus_peer *peer, const char *text, int deadline_ms)
{
	a->peer = peer;
	peer->n_asked++;
	a->deadline_ms = deadline_ms ? deadline_ms : bus_types[a->type].deadline_ms;
	loop_timer_start(a->bus->loop, &a->timer, (uint64_t)a->deadline_ms, on_deadline, a);
	send_text(peer, a->id, text);
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

static void peer_close(struct bus_peer *peer)
{
	bus_socket_close(&peer->socket);
	loop_timer_finish(&peer->again);
	peer->state = ABSENT;
	peer->returned = false;
	peer->unseen = 0;
}

static void on_again(void *data)
{
	peer_connect(data);
}

static void peer_pause(struct bus_peer *peer)
{
	peer->state = PAUSED;
	loop_timer_start(peer->bus->loop, &peer->again, AGAIN_MS, on_again, peer);
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

static uint32_t id_of(nng_msg *msg)
{
	const unsigned char *b = nng_msg_header(msg);

	if (nng_msg_header_len(msg) < 4)
		return 0;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static void hear(struct bus_peer *peer, nng_msg *msg)
{
	struct bus_wire wire;
	struct gw_error err = {0};

	if (!bus_wire_decode(nng_msg_body(msg), nng_msg_len(msg), &wire, &err)) {
		log_warning("bus: a message of %s is left out: %s", peer->name, err.text);
		return;
	}
	if (wire.form == BUS_ANSWER || wire.form == BUS_ERROR)
		hear_reply(peer, id_of(msg), &wire);
	else if (wire.form == BUS_EVENT_OF || wire.form == BUS_DROPPED)
		hear_numbered(peer, &wire);
	else
		log_warning("bus: %s asks where it should answer", peer->name);
	bus_wire_finish(&wire);
}

static void tell_seen(struct bus_peer *peer)
{
	char *text = bus_wire_seen(peer->unseen);

	peer->unseen = 0;
	send_text(peer, ID_BIT, text);
	free(text);
}

static void on_readable(void *data, int events)
{
	struct bus_peer *peer = data;
	uint64_t connection = peer->socket.serial;
	nng_msg *msg;

	peer_hold(peer);
	for (int n = 0; n < BUS_WINDOW && peer->socket.serial == connection && (msg = bus_socket_receive(&peer->socket)); n++) {
		peer->unseen++;
		hear(peer, msg);
		nng_msg_free(msg);
		if (peer->socket.serial == connection && peer->unseen >= BUS_SEEN_EVERY)
			tell_seen(peer);
	}
	peer_release(peer);
}

/* ---- connecting ---- */

static bool dial(struct bus_peer *peer, struct gw_error *err)
{
	char *url = gw_sprintf("ipc://%s", peer->path);
	nng_dialer dialer;
	int rc;

	if (!bus_socket_open(&peer->socket, peer->bus, nng_req0_open_raw, on_readable, peer, err)) {
		free(url);
		return false;
	}
	rc = nng_dialer_create(&dialer, peer->socket.nng, url);
	rc = rc ? rc : nng_dialer_set_ms(dialer, NNG_OPT_RECONNMINT, RETRY_FIRST_MS);
	rc = rc ? rc : nng_dialer_set_ms(dialer, NNG_OPT_RECONNMAXT, RETRY_LAST_MS);
	rc = rc ? rc : nng_dialer_start(dialer, NNG_FLAG_NONBLOCK);
	free(url);
	return rc == 0 || gw_fail(err, GW_INTERNAL, "%s: cannot connect: %s", peer->path, nng_strerror(rc));
}

/* Without a socket there is nothing to try: the folder tells when it is there. */
static void peer_connect(struct bus_peer *peer)
{
	struct gw_error err = {0};

	peer_close(peer);
	if (access(peer->path, F_OK) != 0)
		return;
	peer->state = DIALING;
	if (dial(peer, &err))
		return;
	log_failure("bus", &err);
	peer_close(peer);
	peer_pause(peer);
}

void bus_peers_note(struct bus_state *bus, const struct bus_note *note)
{
	struct bus_peer *peer = bus->peers;

	while (peer && peer->socket.serial != note->socket)
		peer = peer->next;
	if (!peer)
		return; /* of a socket that is closed */
	if (note->added && peer->state == DIALING)
		say_hello(peer);
	else if (!note->added && peer->state != DIALING)
		peer_lost(peer);
}

static void peer_folder_changed(struct bus_peer *peer)
{
	if (peer->state == ABSENT || peer->state == PAUSED)
		peer_connect(peer);
	else if (peer->state == HELLO)
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
		if (bus->asked->id > (ID_BIT | last_id))
			bus->asked->done = NULL; /* asked by the `done` of another just now */
		asked_end(bus->asked, NULL, &err);
	}
	while ((peer = bus->peers)) {
		bus->peers = peer->next;
		peer_free(peer);
	}
}
