/* The answering end: a listening socket, a connection an asker. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/internal.h"
#include "libgateway/log.h"

#define ACCEPT_AGAIN_MS 100 /* out of descriptors: some may be free then */

struct bus_connection {
	struct bus_connection *next; /* in server.connections */
	struct bus_state *bus;
	struct bus_line *line;  /* owned */
	char name[65];          /* as hello said; "" before */
	enum bus_daemon daemon; /* 0: no hello yet */
	uint32_t hello_id;      /* events are further answers to it */
	bool dropped;           /* events, since too much waited */
	struct bus_call *calls;
	unsigned n_calls;
};

struct bus_server {
	struct bus_state *bus;
	uint64_t serial;
	nng_stream_listener *listener;
	nng_aio *accepting;
	struct loop_timer again; /* after a failed accept */
	struct bus_connection *connections;
	unsigned n_connections;
};

struct bus_call {
	struct bus_call *next, *prev;      /* in connection.calls */
	struct bus_connection *connection; /* NULL: gone; the answer goes nowhere */
	enum bus_type type;
	uint32_t id;
};

/* ---- connections ---- */

static struct bus_connection *connection_find(const struct bus_server *server, uint64_t serial)
{
	struct bus_connection *c = server->connections;

	while (c && bus_line_serial(c->line) != serial)
		c = c->next;
	return c;
}

static void connection_add(struct bus_server *server, struct bus_note *note)
{
	struct bus_connection *c;

	if (server->n_connections >= BUS_CONNECTIONS_MAX) {
		log_warning("bus: a connection is refused: there are %u", server->n_connections);
		return; /* the note still has the stream, and frees it */
	}
	c = gw_calloc(1, sizeof(*c));
	c->bus = server->bus;
	c->line = bus_line_create(server->bus, note->stream);
	note->stream = NULL;
	c->next = server->connections;
	server->connections = c;
	server->n_connections++;
}

static void connection_remove(struct bus_server *server, struct bus_connection *gone)
{
	struct bus_connection **at = &server->connections;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	server->n_connections--;
	for (struct bus_call *call = gone->calls; call; call = call->next)
		call->connection = NULL;
	if (gone->daemon)
		log_debug("bus: %s (process %d) has left", gone->name, (int)bus_line_pid(gone->line));
	bus_line_destroy(gone->line);
	free(gone);
}

/* ---- events ---- */

/* Once everything that waited is gone, a listener that lost events learns of it. */
static void tell_dropped(struct bus_connection *c)
{
	char *text = bus_wire_dropped(c->bus->seq);

	c->dropped = false;
	bus_line_send(c->line, c->hello_id, text);
	free(text);
}

static void send_event(struct bus_connection *c, const char *text)
{
	if (!c->daemon || c->dropped)
		return;
	if (bus_line_waiting(c->line) < BUS_EVENTS_WAITING_MAX) {
		bus_line_send(c->line, c->hello_id, text);
		return;
	}
	log_warning("bus: %s does not read its events; it will have to ask anew", c->name);
	c->dropped = true;
	bus_line_tell_drained(c->line);
}

void bus_server_event(struct bus_state *bus, const char *text)
{
	for (struct bus_connection *c = bus->server->connections; c; c = c->next)
		send_event(c, text);
}

/* ---- answers ---- */

static void reply_error(struct bus_connection *c, uint32_t id, const struct gw_error *why)
{
	char *text = bus_wire_error(why);

	bus_line_send(c->line, id, text);
	free(text);
}

static struct bus_call *call_create(struct bus_connection *c, enum bus_type type, uint32_t id)
{
	struct bus_call *call = gw_calloc(1, sizeof(*call));

	call->connection = c;
	call->type = type;
	call->id = id;
	call->next = c->calls;
	if (call->next)
		call->next->prev = call;
	c->calls = call;
	c->n_calls++;
	return call;
}

static void call_end(struct bus_call *call)
{
	struct bus_connection *c = call->connection;

	if (call->next)
		call->next->prev = call->prev;
	if (call->prev)
		call->prev->next = call->next;
	else if (c)
		c->calls = call->next;
	if (c)
		c->n_calls--;
	free(call);
}

void bus_answer(struct bus_call *call, const void *body)
{
	static const struct msg_nothing nothing;
	struct gw_error err = {0};
	char *text;

	if (!call->connection) {
		call_end(call);
		return;
	}
	text = bus_wire_answer(call->type, body ? body : &nothing, &err);
	if (!text) {
		err.kind = GW_INTERNAL;
		log_failure("bus", &err);
		bus_answer_error(call, &err);
		return;
	}
	bus_line_send(call->connection->line, call->id, text);
	free(text);
	call_end(call);
}

void bus_answer_error(struct bus_call *call, const struct gw_error *err)
{
	if (call->connection)
		reply_error(call->connection, call->id, err);
	call_end(call);
}

/* ---- what is asked ---- */

/* A name is its holder's: who says hello as X must be the process that holds X.lock. */
static bool name_is_its_own(const struct bus_connection *c, const struct msg_hello *hello, struct gw_error *err)
{
	char *lock;
	pid_t holder;

	if (bus_line_pid(c->line) ==
	    getpid()) /* two ends in one process, in tests: asking would drop the lock (fcntl's locks are the process's) */
		return true;
	if (strchr(hello->daemon, '/'))
		return gw_fail(err, GW_BAD_INPUT, "daemon: '%s' is not a name", hello->daemon);
	lock = gw_sprintf("%s/%s.lock", c->bus->runtime_dir, hello->daemon);
	holder = strcmp(hello->daemon, c->bus->name) == 0 ? getpid() : file_lock_holder(lock);
	free(lock);
	return holder == bus_line_pid(c->line) ||
	       gw_fail(err, GW_REFUSED, "process %d says to be %s but does not hold its lock (process %d does)", (int)bus_line_pid(c->line),
		       hello->daemon, (int)holder);
}

static bool version_fits(const cJSON *body, struct gw_error *err)
{
	const cJSON *version = cJSON_GetObjectItemCaseSensitive(body, "version");

	if (!cJSON_IsNumber(version) || version->valuedouble != BUS_VERSION)
		return gw_fail(err, GW_REFUSED, "version %g of the bus is not spoken here; accepted: %d",
			       cJSON_IsNumber(version) ? version->valuedouble : 0, BUS_VERSION);
	return true;
}

static void answer_hello(struct bus_connection *c)
{
	struct bus_state *bus = c->bus;
	struct msg_hello hello = {.version = BUS_VERSION, .daemon = bus->name, .pid = getpid(), .seq = (int64_t)bus->seq};
	char *text = bus_wire_answer(MSG_HELLO, &hello, NULL);

	bus_line_send(c->line, c->hello_id, text);
	free(text);
}

/* The version is looked at before the rest, which another version may have otherwise. */
static bool hear_hello(struct bus_connection *c, const cJSON *body, uint32_t id, struct gw_error *err)
{
	struct msg_hello *hello = version_fits(body, err) ? bus_body_decode(&bus_body_hello, body, err) : NULL;
	bool ok = hello && name_is_its_own(c, hello, err);

	if (ok) {
		snprintf(c->name, sizeof(c->name), "%s", hello->daemon);
		c->daemon = bus_daemon_of(hello->daemon);
		ok = c->daemon || gw_fail(err, GW_REFUSED, "'%s' is not a name of a daemon", hello->daemon);
	}
	if (ok) {
		c->hello_id = id;
		answer_hello(c);
		log_debug("bus: %s (process %d) says hello", c->name, (int)bus_line_pid(c->line));
	}
	bus_body_free(&bus_body_hello, hello);
	return ok;
}

static bool may_ask(const struct bus_connection *c, enum bus_type type, struct gw_error *err)
{
	const struct bus_type_info *info = &bus_types[type];

	if (!c->daemon)
		return gw_fail(err, GW_REFUSED, "%s before %s", info->name, bus_types[MSG_HELLO].name);
	if (!(info->from & c->daemon))
		return gw_fail(err, GW_REFUSED, "%s is not for %s to ask", info->name, c->name);
	if (!c->bus->handlers[type])
		return gw_fail(err, GW_REFUSED, "%s is not answered by %s", info->name, c->bus->name);
	if (c->n_calls >= BUS_CALLS_MAX)
		return gw_fail(err, GW_BUSY, "%u requests of %s wait already", c->n_calls, c->name);
	return true;
}

static bool hear_ask(struct bus_connection *c, const struct bus_wire *wire, uint32_t id, struct gw_error *err)
{
	const struct bus_body *table = bus_types[wire->type].body;
	struct bus_state *bus = c->bus;
	void *body;

	if (wire->type == MSG_HELLO)
		return hear_hello(c, wire->body, id, err);
	if (!may_ask(c, wire->type, err))
		return false;
	body = bus_body_decode(table, wire->body, err);
	if (!body)
		return gw_context(err, "%s", bus_types[wire->type].name);
	bus->handlers[wire->type](bus->owner, body, call_create(c, wire->type, id));
	bus_body_free(table, body);
	return true;
}

static bool hear(struct bus_connection *c, const struct bus_note *note, struct gw_error *err)
{
	struct bus_wire wire;
	bool ok;

	if (!bus_wire_decode(note->text, note->len, &wire, err))
		return false;
	ok = wire.form == BUS_ASK ? hear_ask(c, &wire, note->id, err) : gw_fail(err, GW_BAD_INPUT, "that is not for an asker to say");
	bus_wire_finish(&wire);
	return ok;
}

static void on_message(struct bus_connection *c, const struct bus_note *note)
{
	struct gw_error err = {0};

	bus_line_heard(c->line);
	if (hear(c, note, &err))
		return;
	log_warning("bus: a message of %s (process %d) is refused: %s", c->name[0] ? c->name : "a stranger", (int)bus_line_pid(c->line),
		    err.text);
	reply_error(c, note->id, &err);
}

static bool connection_note(struct bus_server *server, const struct bus_note *note)
{
	struct bus_connection *c = connection_find(server, note->serial);

	if (!c)
		return false;
	if (note->kind == BUS_LINE_MESSAGE)
		on_message(c, note);
	else if (note->kind == BUS_LINE_DRAINED)
		tell_dropped(c);
	else if (note->kind == BUS_LINE_GONE)
		connection_remove(server, c);
	return true;
}

/* ---- listening ---- */

static void accept_next(void *data)
{
	struct bus_server *server = data;

	nng_stream_listener_accept(server->listener, server->accepting);
}

/* On a thread of nng's. */
static void on_accepted(void *data)
{
	struct bus_server *server = data;
	struct bus_note note = {.kind = BUS_ACCEPTED, .serial = server->serial, .error = nng_aio_result(server->accepting)};

	if (note.error == NNG_ECLOSED || note.error == NNG_ECANCELED)
		return;
	if (note.error) {
		note.kind = BUS_ACCEPT_FAILED;
		bus_note_leave(server->bus, &note);
		return;
	}
	note.stream = nng_aio_get_output(server->accepting, 0);
	if (bus_stream_accepted(note.stream))
		bus_note_leave(server->bus, &note);
	else
		nng_stream_free(note.stream);
	accept_next(server);
}

bool bus_server_note(struct bus_state *bus, struct bus_note *note)
{
	struct bus_server *server = bus->server;

	if (note->serial != server->serial)
		return connection_note(server, note);
	if (note->kind == BUS_ACCEPTED) {
		connection_add(server, note);
	} else {
		log_error("bus: cannot accept a connection: %s", nng_strerror(note->error));
		loop_timer_start(bus->loop, &server->again, ACCEPT_AGAIN_MS, accept_next, server);
	}
	return true;
}

static bool listen_at(struct bus_server *server, const char *path, struct gw_error *err)
{
	char *url = gw_sprintf("ipc://%s", path);
	int rc = nng_stream_listener_alloc(&server->listener, url);

	unlink(path); /* of a killed predecessor: we hold the lock */
	rc = rc ? rc : nng_stream_listener_set_int(server->listener, NNG_OPT_IPC_PERMISSIONS, 0660);
	rc = rc ? rc : nng_aio_alloc(&server->accepting, on_accepted, server);
	rc = rc ? rc : nng_stream_listener_listen(server->listener);
	free(url);
	if (rc)
		return gw_fail(err, GW_UNREACHABLE, "%s: cannot listen: %s", path, nng_strerror(rc));
	accept_next(server);
	return true;
}

bool bus_server_start(struct bus_state *bus, struct gw_error *err)
{
	bus->server = gw_calloc(1, sizeof(*bus->server));
	bus->server->bus = bus;
	bus->server->serial = ++bus->last_serial;
	return listen_at(bus->server, bus->path, err);
}

void bus_server_finish(struct bus_state *bus)
{
	struct bus_server *server = bus->server;

	if (!server)
		return;
	if (server->listener)
		nng_stream_listener_close(server->listener);
	if (server->accepting)
		nng_aio_stop(server->accepting);
	nng_aio_free(server->accepting);
	nng_stream_listener_free(server->listener);
	loop_timer_finish(&server->again);
	while (server->connections)
		connection_remove(server, server->connections);
	unlink(bus->path);
	free(server);
	bus->server = NULL;
}
