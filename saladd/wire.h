/* One TCP connection, or serial port: what comes in is told at once, what goes out waits in a bounded buffer. Its owner pauses its input
 * while where that goes is full, so that TCP holds the sender back and no byte is lost (a serial line knows no such thing). Loop thread
 * only. */
#ifndef SALADD_WIRE_H
#define SALADD_WIRE_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/buffer.h"
#include "libgateway/loop.h"

#define WIRE_READ_MAX (64 * 1024)   /* bytes that one `input` brings at most */
#define WIRE_FULL     (256 * 1024)  /* bytes that wait: from here on its sources should pause */
#define WIRE_MAX      (1024 * 1024) /* never more than these */
#ifndef WIRE_STALL_MS               /* tests have less patience */
#define WIRE_STALL_MS 30000         /* bytes wait and the peer takes none of them for so long */
#endif

/* A callback may finish the wire, even free the memory it lies in. */
struct wire_events {
	void (*input)(void *data, const char *bytes, size_t n);
	void (*gone)(void *data);    /* closed by the peer, or broken; to be finished */
	void (*drained)(void *data); /* no longer full */
	void (*stalled)(void *data); /* WIRE_STALL_MS; it begins anew if the wire goes on */
};

enum wire_input {
	WIRE_READS,
	WIRE_PAUSED,           /* what comes stays with the peer; so does the news that it has gone */
	WIRE_PAUSED_TILL_GONE, /* that news is told, and what is unread then is lost */
};

/* Zeroed memory is a wire that is not open. */
struct wire {
	struct loop *loop;
	int fd;
	struct loop_fd watch; /* watch.uv NULL: not open */
	enum wire_input input;
	bool full;
	bool deaf; /* see wire_discard */
	struct buffer out;
	size_t out_at; /* bytes of `out` that have gone */
	struct loop_timer stall;
	const struct wire_events *events;
	void *data;
	bool *finished; /* set by wire_finish while one of our callbacks runs */
};

/* Takes `fd` (non-blocking) over, also on failure. `events` and `data` are borrowed. */
bool wire_open(struct wire *w, struct loop *loop, int fd, const struct wire_events *events, void *data, struct gw_error *err);
void wire_finish(struct wire *w); /* what waits is dropped; accepts zeroed memory */
bool wire_is_open(const struct wire *w);

/* Sends or keeps all, or returns false and keeps nothing, if more than WIRE_MAX would wait or the peer is deaf. No callback runs inside. */
bool wire_send(struct wire *w, const void *bytes, size_t n);
size_t wire_waiting(const struct wire *w); /* bytes not sent yet */
/* Forgets them, and takes the peer for deaf until it takes bytes again. `drained` does not run. */
void wire_discard(struct wire *w);
void wire_set_input(struct wire *w, enum wire_input input);

#endif
