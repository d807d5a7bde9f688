/* The answering end: what is asked, answers and events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/server.h"
#include "libgateway/log.h"

/* ---- events ---- */

/* Once everything that waited is gone, a listener that lost events learns of it. */
void bus_connection_drained(struct bus_connection *c)
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

void bus_connection_hear(struct bus_connection *c, const struct bus_note *note)
{
	struct gw_error err = {0};

	bus_line_heard(c->line);
	if (hear(c, note, &err))
		return;
	log_warning("bus: a message of %s (process %d) is refused: %s", c->name[0] ? c->name : "a stranger", (int)bus_line_pid(c->line),
		    err.text);
	reply_error(c, note->id, &err);
}
