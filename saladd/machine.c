#include "saladd/machine.h"

#include <stdlib.h>
#include <string.h>

#include "libgateway/log.h"
#include "saladd/machines.h"
#include "saladd/returning.h"
#include "saladd/stream.h"

#define BACKLOG 64

static const char client_refused[] = "A client is already connected, re-try later!\r\n";
static const char reader_refused[] = "Reached the maximum number of log clients for this machine, re-try later!\r\n";

/* Adds what there is room for and returns how much that was. */
static size_t add_oldest(struct buffer *buf, const char *bytes, size_t n)
{
	size_t room = MACHINE_KEPT_MAX - buf->len;

	n = n < room ? n : room;
	buffer_add(buf, bytes, n);
	return n;
}

static void add_newest(struct buffer *buf, const char *bytes, size_t n)
{
	if (n > MACHINE_KEPT_MAX) {
		bytes += n - MACHINE_KEPT_MAX;
		n = MACHINE_KEPT_MAX;
	}
	if (buf->len + n > MACHINE_KEPT_MAX)
		buffer_drop(buf, buf->len + n - MACHINE_KEPT_MAX);
	buffer_add(buf, bytes, n);
}

static void tell_overrun(struct machine *m, const char *what)
{
	if (!m->overrun_told)
		log_warning("machine %s: %s", m->id, what);
	m->overrun_told = true;
}

/* The slower one of the console's two ends holds the other back. */
static void pause_the_faster(struct machine *m)
{
	if (m->stream)
		wire_set_input(&m->stream->wire, m->client.full ? WIRE_PAUSED : WIRE_READS);
	wire_set_input(&m->client, m->stream && m->stream->wire.full ? WIRE_PAUSED_TILL_GONE : WIRE_READS);
}

/* ---- the client ---- */

static void client_input(void *data, const char *bytes, size_t n)
{
	struct machine *m = data;
	bool kept;

	if (m->stream)
		kept = wire_send(&m->stream->wire, bytes, n);
	else
		kept = add_oldest(&m->typed, bytes, n) == n;
	if (!kept)
		tell_overrun(m, "its client types and the machine is not connected, or takes nothing; what was typed is lost");
	pause_the_faster(m);
}

static void client_gone(void *data)
{
	struct machine *m = data;

	wire_finish(&m->client);
	buffer_finish(&m->typed);
	pause_the_faster(m);
	returning_save(m->all);
	log_debug("machine %s: its client has left", m->id);
}

static void client_drained(void *data)
{
	pause_the_faster(data);
}

static void client_stalled(void *data)
{
	struct machine *m = data;

	log_warning("machine %s: its client has read nothing for %d s; it is disconnected", m->id, WIRE_STALL_MS / 1000);
	client_gone(m);
}

static const struct wire_events client_events = {client_input, client_gone, client_drained, client_stalled};

/* What the machine wrote since saladd was started anew, while this client was on its way back. */
static void hand_over_written(struct machine *m)
{
	if (machine_expects_client(m) && m->written.len)
		wire_send(&m->client, m->written.data, m->written.len);
	m->returns_until_ms = 0;
	buffer_finish(&m->written);
}

static void on_client(void *data, int fd)
{
	struct machine *m = data;
	struct gw_error err = {0};

	if (machine_has_client(m)) {
		farewell_say(&m->all->farewells, fd, client_refused);
		return;
	}
	if (!wire_open(&m->client, m->all->loop, fd, &client_events, m, &err)) {
		log_failure(m->id, &err);
		return;
	}
	m->overrun_told = false;
	m->client_era = ++m->all->clients;
	hand_over_written(m);
	pause_the_faster(m);
	returning_save(m->all);
	log_debug("machine %s: a client has come", m->id);
}

/* ---- readers of the log ---- */

static void reader_input(void *data, const char *bytes, size_t n)
{
	/* read-only: what a reader says is not heard */
}

static void reader_end(struct reader *r)
{
	struct reader **link = &r->machine->readers;

	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
	wire_finish(&r->wire);
	free(r);
}

static void reader_gone(void *data)
{
	reader_end(data);
}

static void reader_drained(void *data)
{
}

static void reader_stalled(void *data)
{
	struct reader *r = data;

	log_warning("machine %s: a reader of its log does not read; it is disconnected", r->machine->id);
	reader_end(r);
}

static const struct wire_events reader_events = {reader_input, reader_gone, reader_drained, reader_stalled};

static void on_reader(void *data, int fd)
{
	struct machine *m = data;
	struct gw_error err = {0};
	struct reader *r;
	int n = 0;

	for (r = m->readers; r; r = r->next)
		n++;
	if (n == MACHINE_READERS_MAX) {
		farewell_say(&m->all->farewells, fd, reader_refused);
		return;
	}
	r = gw_calloc(1, sizeof(*r));
	*r = (struct reader){.next = m->readers, .machine = m};
	m->readers = r;
	if (!wire_open(&r->wire, m->all->loop, fd, &reader_events, r, &err)) {
		log_failure(m->id, &err);
		reader_end(r);
	}
}

/* A slow one is let go. */
static void to_readers(struct machine *m, const char *bytes, size_t n)
{
	struct reader *next;

	for (struct reader *r = m->readers; r; r = next) {
		next = r->next;
		if (!wire_send(&r->wire, bytes, n))
			reader_stalled(r);
	}
}

/* ---- the machine ---- */

static void to_client(struct machine *m, const char *bytes, size_t n)
{
	if (!wire_send(&m->client, bytes, n)) /* streams that take over one another each bring what they kept */
		tell_overrun(m, "its client does not read; what the machine wrote meanwhile is lost to it");
}

void machine_written(struct machine *m, const char *bytes, size_t n)
{
	if (machine_has_client(m))
		to_client(m, bytes, n);
	else if (machine_expects_client(m))
		add_newest(&m->written, bytes, n);
	else
		buffer_finish(&m->written); /* its client has not come back */
	to_readers(m, bytes, n);
	pause_the_faster(m);
}

void machine_attach(struct machine *m, struct stream *stream)
{
	m->stream = stream;
	if (m->typed.len)
		wire_send(&stream->wire, m->typed.data, m->typed.len);
	buffer_finish(&m->typed);
	pause_the_faster(m);
}

void machine_detach(struct machine *m)
{
	m->stream = NULL;
	pause_the_faster(m);
}

void machine_stream_drained(struct machine *m)
{
	pause_the_faster(m);
}

bool machine_has_client(const struct machine *m)
{
	return wire_is_open(&m->client);
}

bool machine_expects_client(const struct machine *m)
{
	return m->returns_until_ms > loop_now_ms(m->all->loop);
}

bool machine_is_idle(const struct machine *m)
{
	return !m->stream && !m->readers && !machine_has_client(m);
}

static bool open_port(struct machine *m, struct listener *l, void (*accepted)(void *data, int fd), struct gw_error *err)
{
	int fd = ports_listen(&m->all->ports, m->all->address, BACKLOG, err);

	if (fd < 0 || !listener_open(l, m->all->loop, fd, NULL, 0, accepted, m, err))
		return false;
	l->closed_to = m->all->dut_interface;
	return true;
}

bool machine_open(struct machine *m, struct machines *all, const char *id, struct gw_error *err)
{
	*m = (struct machine){.all = all};
	if (!open_port(m, &m->console, on_client, err) || !open_port(m, &m->logs, on_reader, err)) {
		machine_close(m);
		return gw_context(err, "machine %s", id);
	}
	m->id = gw_strdup(id);
	return true;
}

void machine_close(struct machine *m)
{
	listener_finish(&m->console);
	listener_finish(&m->logs);
}

void machine_finish(struct machine *m)
{
	gw_assert(!m->stream);
	wire_finish(&m->client);
	while (m->readers)
		reader_end(m->readers);
	machine_close(m);
	buffer_finish(&m->typed);
	buffer_finish(&m->written);
	free(m->id);
}
