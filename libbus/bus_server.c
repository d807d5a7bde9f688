/* The answering end: one raw REP socket, a connection an asker. */
#include <nng/nng.h>
#include <nng/protocol/reqrep0/rep.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/internal.h"
#include "libgateway/log.h"

/* A text that waits until its reader has read what came before. */
struct waiting {
	struct waiting *next;
	size_t header_len;
	char header[BUS_HEADER_MAX];
	bool event;
	char *text; /* owned */
};

struct bus_connection {
	struct bus_connection *next; /* in state.connections */
	struct bus_state *bus;
	uint32_t pipe;
	pid_t pid;
	char name[65];          /* as hello said; "" before */
	enum bus_daemon daemon; /* 0: no hello yet */
	char hello_header[BUS_HEADER_MAX];
	size_t hello_header_len; /* where events go */
	unsigned sent;           /* and not seen yet */
	unsigned events_waiting;
	bool dropped; /* events, since too many waited */
	struct waiting *first, **end;
	struct bus_call *calls;
	unsigned n_calls;
};

struct bus_call {
	struct bus_call *next, *prev;      /* in connection.calls */
	struct bus_connection *connection; /* NULL: gone; the answer goes nowhere */
	enum bus_type type;
	size_t header_len;
	char header[BUS_HEADER_MAX];
};

static struct bus_connection *connection_find(struct bus_state *bus, uint32_t pipe)
{
	struct bus_connection *c = bus->connections;

	while (c && c->pipe != pipe)
		c = c->next;
	return c;
}

static void connection_add(struct bus_state *bus, const struct bus_note *note)
{
	struct bus_connection *c = gw_calloc(1, sizeof(*c));

	c->bus = bus;
	c->pipe = note->pipe;
	c->pid = note->pid;
	c->end = &c->first;
	c->next = bus->connections;
	bus->connections = c;
}

static struct waiting *waiting_take(struct bus_connection *c)
{
	struct waiting *w = c->first;

	c->first = w->next;
	if (!c->first)
		c->end = &c->first;
	c->events_waiting -= w->event;
	return w;
}

static void waiting_free(struct waiting *w)
{
	free(w->text);
	free(w);
}

static void connection_remove(struct bus_state *bus, struct bus_connection *gone)
{
	struct bus_connection **at = &bus->connections;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	for (struct bus_call *call = gone->calls; call; call = call->next)
		call->connection = NULL;
	while (gone->first)
		waiting_free(waiting_take(gone));
	if (gone->daemon)
		log_debug("bus: %s (process %d) has left", gone->name, (int)gone->pid);
	free(gone);
}

void bus_server_note(struct bus_state *bus, const struct bus_note *note)
{
	struct bus_connection *c = connection_find(bus, note->pipe);

	if (note->added && !c)
		connection_add(bus, note);
	else if (!note->added && c)
		connection_remove(bus, c);
}

static void send_now(struct bus_connection *c, const void *header, size_t header_len, const char *text)
{
	c->sent++;
	bus_socket_send(&c->bus->server, header, header_len, text);
}

static void send_or_wait(struct bus_connection *c, const void *header, size_t header_len, const char *text, bool event)
{
	struct waiting *w;

	if (!c->first && c->sent < BUS_WINDOW) {
		send_now(c, header, header_len, text);
		return;
	}
	w = gw_calloc(1, sizeof(*w));
	memcpy(w->header, header, header_len);
	w->header_len = header_len;
	w->event = event;
	w->text = gw_strdup(text);
	*c->end = w;
	c->end = &w->next;
	c->events_waiting += event;
}

/* Once everything that waited is gone, a listener that lost events learns of it. */
static void tell_dropped(struct bus_connection *c)
{
	char *text = bus_wire_dropped(c->bus->seq);

	c->dropped = false;
	send_now(c, c->hello_header, c->hello_header_len, text);
	free(text);
}

static void on_seen(struct bus_connection *c, uint64_t n)
{
	c->sent -= n < c->sent ? (unsigned)n : c->sent;
	while (c->first && c->sent < BUS_WINDOW) {
		struct waiting *w = waiting_take(c);
		send_now(c, w->header, w->header_len, w->text);
		waiting_free(w);
	}
	if (c->dropped && c->sent < BUS_WINDOW)
		tell_dropped(c);
}

static void send_event(struct bus_connection *c, const char *text)
{
	if (!c->daemon)
		return;
	if (c->events_waiting >= BUS_EVENTS_WAITING_MAX && !c->dropped) {
		log_warning("bus: %s does not read its events; it will have to ask anew", c->name);
		c->dropped = true;
	}
	if (!c->dropped)
		send_or_wait(c, c->hello_header, c->hello_header_len, text, true);
}

void bus_server_event(struct bus_state *bus, const char *text)
{
	for (struct bus_connection *c = bus->connections; c; c = c->next)
		send_event(c, text);
}

/* The answer, or an error, to what came with this header. */
static void reply_error(struct bus_connection *c, const void *header, size_t header_len, const struct gw_error *why)
{
	char *text = bus_wire_error(why);

	send_or_wait(c, header, header_len, text, false);
	free(text);
}

static struct bus_call *call_create(struct bus_connection *c, enum bus_type type, const void *header, size_t header_len)
{
	struct bus_call *call = gw_calloc(1, sizeof(*call));

	call->connection = c;
	call->type = type;
	memcpy(call->header, header, header_len);
	call->header_len = header_len;
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
	send_or_wait(call->connection, call->header, call->header_len, text, false);
	free(text);
	call_end(call);
}

void bus_answer_error(struct bus_call *call, const struct gw_error *err)
{
	if (call->connection)
		reply_error(call->connection, call->header, call->header_len, err);
	call_end(call);
}

/* A name is its holder's: who says hello as X must be the process that holds X.lock. */
static bool name_is_its_own(const struct bus_connection *c, const struct msg_hello *hello, struct gw_error *err)
{
	char *lock;
	pid_t holder;

	if (c->pid == getpid()) /* two ends in one process, in tests: asking would drop the lock (fcntl's locks are the process's) */
		return true;
	if (strchr(hello->daemon, '/'))
		return gw_fail(err, GW_BAD_INPUT, "daemon: '%s' is not a name", hello->daemon);
	lock = gw_sprintf("%s/%s.lock", c->bus->runtime_dir, hello->daemon);
	holder = strcmp(hello->daemon, c->bus->name) == 0 ? getpid() : file_lock_holder(lock);
	free(lock);
	return holder == c->pid || gw_fail(err, GW_REFUSED, "process %d says to be %s but does not hold its lock (process %d does)",
					   (int)c->pid, hello->daemon, (int)holder);
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

	send_or_wait(c, c->hello_header, c->hello_header_len, text, false);
	free(text);
}

/* The version is looked at before the rest, which another version may have otherwise. */
static bool hear_hello(struct bus_connection *c, const cJSON *body, const void *header, size_t header_len, struct gw_error *err)
{
	struct msg_hello *hello = version_fits(body, err) ? bus_body_decode(&bus_body_hello, body, err) : NULL;
	bool ok = hello && name_is_its_own(c, hello, err);

	if (ok) {
		snprintf(c->name, sizeof(c->name), "%s", hello->daemon);
		c->daemon = bus_daemon_of(hello->daemon);
		ok = c->daemon || gw_fail(err, GW_REFUSED, "'%s' is not a name of a daemon", hello->daemon);
	}
	if (ok) {
		memcpy(c->hello_header, header, header_len);
		c->hello_header_len = header_len;
		answer_hello(c);
		log_debug("bus: %s (process %d) says hello", c->name, (int)c->pid);
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

static bool hear_ask(struct bus_connection *c, const struct bus_wire *wire, const void *header, size_t header_len, struct gw_error *err)
{
	const struct bus_body *table = bus_types[wire->type].body;
	struct bus_state *bus = c->bus;
	void *body;

	if (wire->type == MSG_HELLO)
		return hear_hello(c, wire->body, header, header_len, err);
	if (!may_ask(c, wire->type, err))
		return false;
	body = bus_body_decode(table, wire->body, err);
	if (!body)
		return gw_context(err, "%s", bus_types[wire->type].name);
	bus->handlers[wire->type](bus->owner, body, call_create(c, wire->type, header, header_len));
	bus_body_free(table, body);
	return true;
}

static bool hear(struct bus_connection *c, nng_msg *msg, struct gw_error *err)
{
	struct bus_wire wire;
	bool ok = bus_wire_decode(nng_msg_body(msg), nng_msg_len(msg), &wire, err);

	if (ok && wire.form == BUS_ASK)
		ok = hear_ask(c, &wire, nng_msg_header(msg), nng_msg_header_len(msg), err);
	else if (ok && wire.form == BUS_SEEN)
		on_seen(c, wire.number);
	else if (ok)
		gw_fail(err, GW_BAD_INPUT, "that is not for an asker to say");
	ok = ok && err->kind == GW_OK;
	bus_wire_finish(&wire);
	return ok;
}

static void on_message(struct bus_connection *c, nng_msg *msg)
{
	struct gw_error err = {0};

	if (nng_msg_header_len(msg) > BUS_HEADER_MAX || hear(c, msg, &err))
		return;
	log_warning("bus: a message of %s (process %d) is refused: %s", c->name[0] ? c->name : "a stranger", (int)c->pid, err.text);
	reply_error(c, nng_msg_header(msg), nng_msg_header_len(msg), &err);
}

static void on_readable(void *data, int events)
{
	struct bus_state *bus = data;
	nng_msg *msg;

	for (int n = 0; n < BUS_WINDOW && (msg = bus_socket_receive(&bus->server)); n++) {
		struct bus_connection *c;

		bus_notes_deliver(bus);
		c = connection_find(bus, (uint32_t)nng_pipe_id(nng_msg_get_pipe(msg)));
		if (c) /* else it is gone by now */
			on_message(c, msg);
		nng_msg_free(msg);
	}
}

bool bus_server_start(struct bus_state *bus, struct gw_error *err)
{
	char *url = gw_sprintf("ipc://%s", bus->path);
	nng_listener listener;
	int rc = 0;

	unlink(bus->path); /* of a killed predecessor: we hold the lock */
	if (bus_socket_open(&bus->server, bus, nng_rep0_open_raw, on_readable, bus, err)) {
		nng_socket_set_int(bus->server.nng, NNG_OPT_MAXTTL, 2);
		rc = nng_listener_create(&listener, bus->server.nng, url);
		rc = rc ? rc : nng_listener_set_int(listener, NNG_OPT_IPC_PERMISSIONS, 0660);
		rc = rc ? rc : nng_listener_start(listener, 0);
		if (rc)
			gw_fail(err, GW_UNREACHABLE, "%s: cannot listen: %s", bus->path, nng_strerror(rc));
	}
	free(url);
	return bus->server.serial && rc == 0;
}

void bus_server_finish(struct bus_state *bus)
{
	bool was_open = bus->server.serial;

	bus_socket_close(&bus->server);
	while (bus->connections)
		connection_remove(bus, bus->connections);
	if (was_open)
		unlink(bus->path);
}
