/* Where askers connect: a listening socket, a connection each. */
#include <stdlib.h>
#include <unistd.h>

#include "libbus/server.h"
#include "libgateway/log.h"

#define ACCEPT_AGAIN_MS 100 /* out of descriptors: some may be free then */

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

static bool connection_note(struct bus_server *server, const struct bus_note *note)
{
	struct bus_connection *c = connection_find(server, note->serial);

	if (!c)
		return false;
	if (note->kind == BUS_LINE_MESSAGE)
		bus_connection_hear(c, note);
	else if (note->kind == BUS_LINE_DRAINED)
		bus_connection_drained(c);
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
