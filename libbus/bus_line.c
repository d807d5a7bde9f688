/* A connection: frames over a stream of nng's. What is received becomes notes, a bounded number ahead of the loop; what is sent waits here
 * until the peer takes it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/internal.h"
#include "libgateway/buffer.h"
#include "libgateway/log.h"

enum {
	CHUNK = 65536,
	AHEAD_MAX = 64, /* messages received and not dealt with, after which no more is received */
};

struct outgoing {
	struct outgoing *next;
	size_t len;
	unsigned char bytes[]; /* head and text */
};

struct bus_line {
	struct bus_state *bus;
	uint64_t serial;
	pid_t pid;
	nng_stream *stream;
	nng_aio *receiving, *sending;
	/* receiving: nng's threads alone, one callback after the other */
	unsigned char chunk[CHUNK];
	struct buffer received;
	/* sending: the first one, as long as `busy` */
	size_t sent; /* bytes of the first one */
	/* under the bus's mutex */
	struct outgoing *first, **end;
	size_t n_outgoing;
	bool busy; /* the first is being sent */
	bool tell_drained;
	unsigned ahead;
	bool paused; /* receiving waits until the loop has caught up */
	bool gone;   /* said so */
};

static void leave(struct bus_line *line, enum bus_note_kind kind)
{
	bus_note_leave(line->bus, &(struct bus_note){.kind = kind, .serial = line->serial});
}

/* Once; then neither end goes on. */
static void gone(struct bus_line *line)
{
	bool said;

	pthread_mutex_lock(&line->bus->mutex);
	said = line->gone;
	line->gone = true;
	pthread_mutex_unlock(&line->bus->mutex);
	if (!said)
		leave(line, BUS_LINE_GONE);
}

/* ---- receiving ---- */

static void receive(struct bus_line *line)
{
	nng_iov iov = {line->chunk, sizeof(line->chunk)};

	nng_aio_set_iov(line->receiving, 1, &iov);
	nng_stream_recv(line->stream, line->receiving);
}

static void leave_message(struct bus_line *line, const char *frame, size_t len, uint32_t id)
{
	struct bus_note note = {.kind = BUS_LINE_MESSAGE, .serial = line->serial, .id = id, .len = len - BUS_FRAME_HEAD};

	note.text = gw_calloc(1, note.len + 1);
	memcpy(note.text, frame + BUS_FRAME_HEAD, note.len);
	bus_note_leave(line->bus, &note);
}

/* Returns how many messages there were, or -1: one is too long. */
static int take_frames(struct bus_line *line)
{
	size_t at = 0, frame;
	uint32_t id;
	int n = 0;
	bool fits;

	while ((fits = bus_frame_decode(line->received.data + at, line->received.len - at, &id, &frame)) && frame) {
		leave_message(line, line->received.data + at, frame, id);
		at += frame;
		n++;
	}
	buffer_drop(&line->received, at);
	return fits ? n : -1;
}

static bool may_go_on(struct bus_line *line, int messages)
{
	bool ok;

	pthread_mutex_lock(&line->bus->mutex);
	line->ahead += (unsigned)messages;
	line->paused = line->ahead >= AHEAD_MAX;
	ok = !line->paused && !line->gone;
	pthread_mutex_unlock(&line->bus->mutex);
	return ok;
}

static void on_received(void *data)
{
	struct bus_line *line = data;
	size_t n = nng_aio_count(line->receiving);
	int messages = -1;

	if (nng_aio_result(line->receiving) == 0 && n > 0) {
		buffer_add(&line->received, line->chunk, n);
		messages = take_frames(line);
		if (messages < 0)
			log_warning("bus: process %d sends a message that is too long; its connection is closed; accepted: %d bytes",
				    (int)line->pid, BUS_MESSAGE_MAX);
	}
	if (messages < 0)
		gone(line);
	else if (may_go_on(line, messages))
		receive(line);
}

void bus_line_heard(struct bus_line *line)
{
	bool resume;

	pthread_mutex_lock(&line->bus->mutex);
	line->ahead--;
	resume = line->paused && line->ahead < AHEAD_MAX / 2 && !line->gone;
	if (resume)
		line->paused = false;
	pthread_mutex_unlock(&line->bus->mutex);
	if (resume)
		receive(line);
}

/* ---- sending ---- */

static void send_first(struct bus_line *line)
{
	nng_iov iov = {line->first->bytes + line->sent, line->first->len - line->sent};

	nng_aio_set_iov(line->sending, 1, &iov);
	nng_stream_send(line->stream, line->sending);
}

/* The first one is sent whole. Says whether another follows; and whether the loop wants to know that none does. */
static bool drop_first(struct bus_line *line, bool *tell)
{
	struct outgoing *first;
	bool more;

	pthread_mutex_lock(&line->bus->mutex);
	first = line->first;
	line->sent = 0; /* in here: once it is not busy, the loop may begin the next at any moment */
	line->first = first->next;
	line->n_outgoing--;
	more = line->first;
	if (!more)
		line->end = &line->first;
	line->busy = more;
	*tell = !more && line->tell_drained;
	if (*tell)
		line->tell_drained = false;
	pthread_mutex_unlock(&line->bus->mutex);
	free(first);
	return more;
}

static void on_sent(void *data)
{
	struct bus_line *line = data;
	bool tell = false;

	if (nng_aio_result(line->sending) != 0) {
		gone(line);
		return;
	}
	line->sent += nng_aio_count(line->sending);
	if (line->sent < line->first->len || drop_first(line, &tell))
		send_first(line);
	else if (tell)
		leave(line, BUS_LINE_DRAINED);
}

void bus_line_send(struct bus_line *line, uint32_t id, const char *text)
{
	size_t len = strlen(text);
	struct outgoing *o = gw_calloc(1, sizeof(*o) + BUS_FRAME_HEAD + len);
	bool begin;

	o->len = BUS_FRAME_HEAD + len;
	bus_frame_head(id, len, o->bytes);
	memcpy(o->bytes + BUS_FRAME_HEAD, text, len);
	pthread_mutex_lock(&line->bus->mutex);
	*line->end = o;
	line->end = &o->next;
	line->n_outgoing++;
	begin = !line->busy && !line->gone;
	line->busy = line->busy || begin;
	pthread_mutex_unlock(&line->bus->mutex);
	if (begin)
		send_first(line);
}

size_t bus_line_waiting(struct bus_line *line)
{
	size_t n;

	pthread_mutex_lock(&line->bus->mutex);
	n = line->n_outgoing;
	pthread_mutex_unlock(&line->bus->mutex);
	return n;
}

void bus_line_tell_drained(struct bus_line *line)
{
	bool now;

	pthread_mutex_lock(&line->bus->mutex);
	now = !line->first;
	line->tell_drained = !now;
	pthread_mutex_unlock(&line->bus->mutex);
	if (now)
		leave(line, BUS_LINE_DRAINED);
}

/* ---- the whole ---- */

bool bus_user_accepted(uint64_t uid, uint64_t gid)
{
	return uid == 0 || uid == geteuid() || gid == getegid();
}

bool bus_stream_accepted(nng_stream *stream)
{
	uint64_t uid = UINT64_MAX, gid = UINT64_MAX;

	if (nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_UID, &uid) == 0 &&
	    nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_GID, &gid) == 0 && bus_user_accepted(uid, gid))
		return true;
	log_warning("bus: a connection of user %ld, group %ld is refused; accepted: root, our user, our group", (long)uid, (long)gid);
	return false;
}

struct bus_line *bus_line_create(struct bus_state *bus, nng_stream *stream)
{
	struct bus_line *line = gw_calloc(1, sizeof(*line));
	uint64_t pid = 0;

	nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_PID, &pid);
	line->bus = bus;
	line->serial = ++bus->last_serial;
	line->pid = (pid_t)pid;
	line->stream = stream;
	line->end = &line->first;
	gw_assert(nng_aio_alloc(&line->receiving, on_received, line) == 0 && nng_aio_alloc(&line->sending, on_sent, line) == 0);
	receive(line);
	return line;
}

void bus_line_destroy(struct bus_line *line)
{
	struct outgoing *o;

	if (!line)
		return;
	nng_stream_close(line->stream);
	nng_aio_stop(line->receiving); /* its callback has returned, and none follows */
	nng_aio_stop(line->sending);
	nng_aio_free(line->receiving);
	nng_aio_free(line->sending);
	nng_stream_free(line->stream);
	while ((o = line->first)) {
		line->first = o->next;
		free(o);
	}
	buffer_finish(&line->received);
	free(line);
}

uint64_t bus_line_serial(const struct bus_line *line)
{
	return line ? line->serial : 0;
}

pid_t bus_line_pid(const struct bus_line *line)
{
	return line->pid;
}
