#include "saladd/stream.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"
#include "saladd/machines.h"

static const char pong[] = "SALAD.pong\n";
#define PONG_WAITING_MAX 4096 /* a machine that asks and does not listen is not answered further */

static void stream_close(struct stream *s)
{
	struct stream **link = &s->all->first;

	while (*link != s)
		link = &(*link)->next;
	*link = s->next;
	if (s->machine)
		machine_detach(s->machine);
	else
		s->all->n_nameless--;
	wire_finish(&s->wire);
	buffer_finish(&s->kept);
	free(s);
}

static void hand_over_kept(struct stream *s)
{
	if (s->kept.len)
		machine_written(s->machine, s->kept.data, s->kept.len);
	buffer_finish(&s->kept);
}

static void bind_to(struct stream *s, struct machine *m)
{
	if (m->stream) {
		log_warning("machine %s: a new connection says that it is this machine's console; it takes over, the old one is closed",
			    m->id);
		stream_close(m->stream);
	} else {
		log_info("machine %s: its console is connected", m->id);
	}
	s->machine = m;
	s->all->n_nameless--;
	machine_attach(m, s);
	hand_over_kept(s);
}

static void on_id(struct stream *s)
{
	struct gw_error err = {0};
	struct machine *m;

	if (s->machine) {
		if (strcmp(s->machine->id, s->scan.id) != 0 && !s->foreign_id_told) {
			log_warning("machine %s: its console says SALAD.machine_id=%s; ignored: a connection keeps its first id",
				    s->machine->id, s->scan.id);
			s->foreign_id_told = true;
		}
		return;
	}
	m = machines_get(s->all->machines, s->scan.id, &err);
	if (m)
		bind_to(s, m);
	else if (!s->bad_id_told)
		log_failure("a TCP console", &err);
	s->bad_id_told = !m;
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

static void look_through(struct stream *s, const char *bytes, size_t n)
{
	static void (*const handlers[])(struct stream * s) = {[SCAN_PING] = on_ping, [SCAN_ID] = on_id, [SCAN_BAD_ID] = on_bad_id};
	enum scan_event event;

	while (n) {
		size_t used = scan_bytes(&s->scan, bytes, n, &event);
		if (event != SCAN_NOTHING)
			handlers[event](s);
		bytes += used;
		n -= used;
	}
}

/* ---- the connection ---- */

static void stream_input(void *data, const char *bytes, size_t n)
{
	struct stream *s = data;

	if (s->machine)
		machine_written(s->machine, bytes, n);
	else
		buffer_add(&s->kept, bytes, n);
	look_through(s, bytes, n);
	if (!s->machine && s->kept.len > STREAM_KEPT_MAX)
		buffer_drop(&s->kept, s->kept.len - STREAM_KEPT_MAX);
}

static void stream_gone(void *data)
{
	struct stream *s = data;

	if (s->machine)
		log_info("machine %s: its console is disconnected", s->machine->id);
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
		oldest = s->machine ? oldest : s;
	log_warning("more than %d TCP consoles have not said whose they are; the oldest is closed", STREAMS_NAMELESS_MAX);
	stream_close(oldest);
}

static void on_stream(void *data, int fd)
{
	struct streams *all = data;
	struct gw_error err = {0};
	struct stream *s = gw_calloc(1, sizeof(*s));

	if (!wire_open(&s->wire, all->loop, fd, &stream_events, s, &err)) {
		log_failure("a TCP console", &err);
		free(s);
		return;
	}
	s->all = all;
	s->next = all->first;
	all->first = s;
	if (++all->n_nameless > STREAMS_NAMELESS_MAX)
		close_oldest_nameless(all);
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
