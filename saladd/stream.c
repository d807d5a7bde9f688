#include "saladd/stream.h"

#include <stdlib.h>
#include <string.h>
#include <termios.h>

#include "libgateway/log.h"
#include "saladd/machines.h"

static const char pong[] = "SALAD.pong\n";
#define PONG_WAITING_MAX 4096 /* a machine that asks and does not listen is not answered further */

static const char *name_of(const struct stream *s)
{
	return s->port ? s->port->name : "a new connection";
}

/* Counts it too, if it is one of those that are counted. */
static void set_machine(struct stream *s, struct machine *m)
{
	if (!s->port)
		s->all->n_nameless += (m ? 0 : 1) - (s->machine ? 0 : 1);
	s->machine = m;
	s->foreign_id_told = false;
}

void stream_close(struct stream *s)
{
	struct stream **link = &s->all->first;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	if (s->machine)
		machine_detach(s->machine);
	else if (!s->port)
		s->all->n_nameless--;
	if (s->port)
		tcflush(s->wire.fd, TCIOFLUSH); /* closing would wait until all is written */
	wire_finish(&s->wire);
	kept_finish(&s->kept);
	free(s);
}

/* Its machine has another console from now on, or it has another machine. A port waits for an id. */
static void let_go(struct stream *s)
{
	if (!s->port) {
		stream_close(s);
		return;
	}
	machine_detach(s->machine);
	set_machine(s, NULL);
}

static void hand_over_kept(struct stream *s)
{
	size_t n;
	const char *bytes = kept_since(&s->kept, machine_has_client(s->machine) ? s->machine->client_era : 0, &n);

	if (n)
		machine_written(s->machine, bytes, n);
	kept_finish(&s->kept);
}

static void take_over(struct stream *s, struct machine *m)
{
	if (m->stream->port)
		log_warning("machine %s: %s says that it is this machine's console; it takes over from %s", m->id, name_of(s),
			    m->stream->port->name);
	else
		log_warning("machine %s: %s says that it is this machine's console; it takes over, the old one is closed", m->id,
			    name_of(s));
	let_go(m->stream);
}

static void bind_to(struct stream *s, struct machine *m)
{
	if (m->stream)
		take_over(s, m);
	else if (s->port)
		log_info("machine %s: its console is at %s", m->id, s->port->name);
	else
		log_info("machine %s: its console is connected", m->id);
	set_machine(s, m);
	machine_attach(m, s);
	hand_over_kept(s);
}

static void tell_foreign_id(struct stream *s)
{
	if (!s->foreign_id_told)
		log_warning("machine %s: its console says SALAD.machine_id=%s; ignored: %s", s->machine->id, s->scan.id,
			    s->port ? "a port keeps its machine while a client is connected" : "a connection keeps its first id");
	s->foreign_id_told = true;
}

/* Whether an id is news, and may be: a job could forge one, so it counts only where no job can be running. */
static bool is_news(struct stream *s)
{
	if (!s->machine)
		return true;
	if (strcmp(s->machine->id, s->scan.id) == 0)
		return false;
	if (s->port && !machine_expects_client(s->machine) && !machine_has_client(s->machine))
		return true;
	tell_foreign_id(s);
	return false;
}

static void on_id(struct stream *s)
{
	struct gw_error err = {0};
	struct machine *m;

	if (!is_news(s))
		return;
	m = machines_get(s->all->machines, s->scan.id, &err);
	if (!m && !s->bad_id_told)
		log_failure(s->port ? s->port->name : "a TCP console", &err);
	s->bad_id_told = !m;
	if (!m)
		return;
	if (s->machine)
		let_go(s);
	bind_to(s, m);
	if (s->port)
		s->port->bound(s->port->data, m->id);
}

static void on_bad_id(struct stream *s)
{
	char shown[64];

	if (!s->bad_id_told)
		log_warning("a console's SALAD.machine_id=%s... is ignored; accepted: 1 to %d printable ASCII characters",
			    log_escape(shown, sizeof(shown), s->scan.id, strlen(s->scan.id)), SCAN_ID_MAX);
	s->bad_id_told = true;
}

static void on_ping(struct stream *s)
{
	if (wire_waiting(&s->wire) < PONG_WAITING_MAX)
		wire_send(&s->wire, pong, sizeof(pong) - 1);
}

static void pass_on(struct stream *s, const char *bytes, size_t n)
{
	if (s->machine)
		machine_written(s->machine, bytes, n);
	else
		kept_add(&s->kept, bytes, n, s->all->machines->clients);
}

/* ---- the connection ---- */

/* What came with an id, in one piece, is that machine's. */
static void stream_input(void *data, const char *bytes, size_t n)
{
	static void (*const handlers[])(struct stream * s) = {[SCAN_PING] = on_ping, [SCAN_ID] = on_id, [SCAN_BAD_ID] = on_bad_id};
	struct stream *s = data;
	enum scan_event event;

	while (n) {
		size_t used = scan_bytes(&s->scan, bytes, n, &event);

		if (event != SCAN_NOTHING)
			handlers[event](s);
		pass_on(s, bytes, used);
		bytes += used;
		n -= used;
	}
}

static void stream_gone(void *data)
{
	struct stream *s = data;

	if (s->machine)
		log_info("machine %s: its console is disconnected", s->machine->id);
	if (s->port)
		s->port->gone(s->port->data);
	stream_close(s);
}

static void stream_drained(void *data)
{
	struct stream *s = data;

	if (s->machine)
		machine_stream_drained(s->machine);
}

static void stream_stalled(void *data)
{
	struct stream *s = data;

	if (s->machine)
		log_warning("machine %s: takes no input for %d s; %zu bytes that wait for it are dropped", s->machine->id,
			    WIRE_STALL_MS / 1000, wire_waiting(&s->wire));
	wire_discard(&s->wire);
	stream_drained(s);
}

static const struct wire_events stream_events = {stream_input, stream_gone, stream_drained, stream_stalled};

static void close_oldest_nameless(struct streams *all)
{
	struct stream *oldest = NULL;

	for (struct stream *s = all->first; s; s = s->next)
		oldest = s->machine || s->port ? oldest : s;
	log_warning("more than %d TCP consoles have not said whose they are; the oldest is closed", STREAMS_NAMELESS_MAX);
	stream_close(oldest);
}

/* NULL, and why: `fd` is closed. */
static struct stream *add(struct streams *all, int fd, const struct stream_port *port, struct gw_error *err)
{
	struct stream *s = gw_calloc(1, sizeof(*s));

	if (!wire_open(&s->wire, all->loop, fd, &stream_events, s, err)) {
		free(s);
		return NULL;
	}
	s->all = all;
	s->port = port;
	s->next = all->first;
	all->first = s;
	return s;
}

static void on_stream(void *data, int fd)
{
	struct streams *all = data;
	struct gw_error err = {0};

	if (!add(all, fd, NULL, &err))
		log_failure("a TCP console", &err);
	else if (++all->n_nameless > STREAMS_NAMELESS_MAX)
		close_oldest_nameless(all);
}

struct stream *streams_add_port(struct streams *all, int fd, const struct stream_port *port, const char *id, struct gw_error *err)
{
	struct stream *s = add(all, fd, port, err);
	struct machine *m = s && id ? machines_get(all->machines, id, err) : NULL;

	if (m && !m->stream)
		bind_to(s, m);
	return s;
}

bool streams_start(struct streams *all, struct loop *loop, struct machines *machines, int fd, const char *address, uint16_t port,
		   struct gw_error *err)
{
	*all = (struct streams){.loop = loop, .machines = machines};
	return listener_open(&all->listener, loop, fd, address, port, on_stream, all, err);
}

void streams_finish(struct streams *all)
{
	while (all->first)
		stream_close(all->first);
	listener_finish(&all->listener);
}
