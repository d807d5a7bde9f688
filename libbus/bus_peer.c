/* The asking end: a connection to each peer that is watched, made again whenever it is lost. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/peer.h"
#include "libgateway/log.h"

enum {
	AGAIN_FIRST_MS = 10,  /* between a socket's bind and its listen a connection is refused */
	AGAIN_LAST_MS = 1000, /* to a socket whose owner was killed (its return is seen in the folder), or that hangs up before its hello */
};

static void peer_connect(struct bus_peer *peer);

struct bus_peer *bus_peer_find(const struct bus_state *bus, const char *name)
{
	struct bus_peer *peer = bus->peers;

	while (peer && strcmp(peer->name, name) != 0)
		peer = peer->next;
	return peer;
}

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

void bus_peer_tell(struct bus_peer *peer, enum bus_peer_event what)
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
	while (!peer->dead && (a = bus_asked_of(peer)))
		bus_asked_end(a, NULL, &err);
	if (was_up) {
		log_info("bus: %s has gone", peer->name);
		bus_peer_tell(peer, BUS_PEER_DOWN);
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
		bus_peer_tell(peer, BUS_PEER_UP);
	}
}

static void say_hello(struct bus_peer *peer)
{
	struct bus_state *bus = peer->bus;
	struct msg_hello hello = {.version = BUS_VERSION, .daemon = bus->name, .pid = getpid(), .seq = (int64_t)bus->seq};
	char *text = bus_wire_ask(MSG_HELLO, &hello, NULL);

	peer->state = HELLO;
	peer->returned = false;
	bus_asked_send(bus_asked_create(bus, MSG_HELLO, on_hello_answered, peer), peer, text, 0);
	free(text);
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
		bus_peer_hear(peer, note);
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

	gw_assert(!bus_peer_find(bus->state, name) && strcmp(name, bus->state->name) != 0);
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
	struct bus_peer *peer = bus_peer_find(bus->state, name), **at = &bus->state->peers;
	struct bus_asked *a;

	if (!peer)
		return;
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	while ((a = bus_asked_of(peer))) {
		if (a->type == MSG_HELLO)
			a->done = NULL;
		gw_fail(&a->why, GW_UNREACHABLE, "%s is not listened to any more", name);
		bus_asked_fail_soon(a);
	}
	peer_close(peer);
	peer->dead = true;
	peer_hold(peer);
	peer_release(peer);
}

bool bus_peer_up(const struct bus *bus, const char *name)
{
	const struct bus_peer *peer = bus->state ? bus_peer_find(bus->state, name) : NULL;

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
		bus_asked_end(bus->asked, NULL, &err);
	}
	while ((peer = bus->peers)) {
		bus->peers = peer->next;
		peer_free(peer);
	}
}
