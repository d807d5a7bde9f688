#include "saladd/wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define WIRE_DRAINED (WIRE_FULL / 4)

static void set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

/* A byte typed is a byte sent; a peer whose machine has lost its power is noticed within a minute. No serial port has these. */
static void tune(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static void watch_again(struct wire *w)
{
	static const int reading[] = {[WIRE_READS] = UV_READABLE, [WIRE_PAUSED] = 0, [WIRE_PAUSED_TILL_GONE] = UV_DISCONNECT};

	loop_fd_events(&w->watch, reading[w->input] | (wire_waiting(w) ? UV_WRITABLE : 0));
}

static void on_stall(void *data)
{
	struct wire *w = data;

	loop_timer_start(w->loop, &w->stall, WIRE_STALL_MS, on_stall, w);
	w->events->stalled(w->data);
}

/* How many bytes it takes now. A broken connection takes all, into nowhere: that it is broken shows where it is read. */
static size_t send_now(struct wire *w, const char *bytes, size_t n)
{
	ssize_t sent = write(w->fd, bytes, n); /* the loop ignores SIGPIPE */

	if (sent >= 0)
		return (size_t)sent;
	return errno == EAGAIN || errno == EINTR ? 0 : n;
}

static void forget_waiting(struct wire *w)
{
	buffer_finish(&w->out);
	w->out_at = 0;
	w->full = false;
	loop_timer_stop(&w->stall);
}

static void flush(struct wire *w)
{
	size_t n = send_now(w, w->out.data + w->out_at, wire_waiting(w));

	if (!n)
		return;
	w->out_at += n;
	if (w->out_at == w->out.len) {
		forget_waiting(w);
		return;
	}
	loop_timer_start(w->loop, &w->stall, WIRE_STALL_MS, on_stall, w);
	if (w->out_at >= w->out.len / 2) { /* not at each turn: it moves the rest */
		buffer_drop(&w->out, w->out_at);
		w->out_at = 0;
	}
}

static void on_writable(struct wire *w)
{
	bool was_full = w->full;

	flush(w);
	w->full = was_full && wire_waiting(w) > WIRE_DRAINED;
	watch_again(w);
	if (was_full && !w->full)
		w->events->drained(w->data);
}

/* One read. Returns whether there may be more to read. */
static bool on_readable(struct wire *w, bool *finished)
{
	static char bytes[WIRE_READ_MAX]; /* one loop, and no callback reads */
	ssize_t n = read(w->fd, bytes, sizeof(bytes));

	if (n > 0)
		w->events->input(w->data, bytes, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		w->events->gone(w->data);
	return n > 0 && !*finished && w->input == WIRE_READS;
}

/* The peer has reset the connection; what it had sent before can still be read. libuv has stopped watching. */
static void on_reset(struct wire *w, bool *finished)
{
	if (w->input == WIRE_PAUSED_TILL_GONE)
		w->events->gone(w->data);
	while (!*finished && w->input == WIRE_READS && on_readable(w, finished))
		;
	if (!*finished && w->input == WIRE_READS) /* paused, it would be told again at once, and again */
		watch_again(w);
}

/* Not inlined: gcc 12 warns of the address of a local that is kept, though it is not kept beyond on_ready but in memory that is freed. */
static __attribute__((noinline)) void tell_when_finished(struct wire *w, bool *finished)
{
	w->finished = finished;
}

static void on_ready(void *data, int events)
{
	struct wire *w = data;
	bool finished = false;

	tell_when_finished(w, &finished);
	if (events < 0)
		on_reset(w, &finished);
	else if (events & UV_WRITABLE)
		on_writable(w);
	if (!finished && events > 0 && (events & UV_READABLE) && w->input == WIRE_READS)
		on_readable(w, &finished);
	else if (!finished && events > 0 && (events & UV_DISCONNECT) && w->input == WIRE_PAUSED_TILL_GONE)
		w->events->gone(w->data);
	if (!finished)
		tell_when_finished(w, NULL);
}

bool wire_open(struct wire *w, struct loop *loop, int fd, const struct wire_events *events, void *data, struct gw_error *err)
{
	*w = (struct wire){.loop = loop, .fd = fd, .events = events, .data = data, .out.max = WIRE_MAX};
	tune(fd);
	if (loop_fd_start(loop, &w->watch, fd, UV_READABLE, on_ready, w, err))
		return true;
	close(fd);
	return false;
}

bool wire_is_open(const struct wire *w)
{
	return w->watch.uv != NULL;
}

void wire_finish(struct wire *w)
{
	if (!wire_is_open(w))
		return;
	if (w->finished)
		*w->finished = true;
	loop_timer_finish(&w->stall);
	loop_fd_finish(&w->watch);
	close(w->fd);
	buffer_finish(&w->out);
	*w = (struct wire){0};
}

bool wire_send(struct wire *w, const void *bytes, size_t n)
{
	size_t sent = wire_waiting(w) ? 0 : send_now(w, bytes, n), rest = n - sent;

	w->deaf &= !sent;
	if (!rest)
		return true;
	if (w->deaf || wire_waiting(w) + rest > WIRE_MAX)
		return false;
	if (!wire_waiting(w))
		loop_timer_start(w->loop, &w->stall, WIRE_STALL_MS, on_stall, w);
	buffer_drop(&w->out, w->out_at);
	w->out_at = 0;
	buffer_add(&w->out, (const char *)bytes + (n - rest), rest);
	w->full = wire_waiting(w) >= WIRE_FULL;
	watch_again(w);
	return true;
}

size_t wire_waiting(const struct wire *w)
{
	return w->out.len - w->out_at;
}

void wire_discard(struct wire *w)
{
	forget_waiting(w);
	w->deaf = true;
	watch_again(w);
}

void wire_set_input(struct wire *w, enum wire_input input)
{
	if (!wire_is_open(w) || w->input == input)
		return;
	w->input = input;
	watch_again(w);
}
