/* What the files of the asking end share. Private to libbus. */
#ifndef LIBBUS_PEER_H
#define LIBBUS_PEER_H

#include "libbus/internal.h"

/* ABSENT: no socket. DIALING: nng tries. HELLO: connected, hello said. REFUSED: connected, but it does not accept us. PAUSED: until it is
 * tried again. */
enum peer_state { ABSENT, DIALING, HELLO, REFUSED, UP, PAUSED };

struct dial {
	struct bus_state *bus;
	uint64_t serial; /* 0: none is under way */
	nng_stream_dialer *dialer;
	nng_aio *aio;
};

struct bus_peer {
	struct bus_peer *next; /* in state.peers */
	struct bus_state *bus;
	char *name, *path; /* owned */
	bus_peer_fn *fn;
	void *owner;
	enum peer_state state;
	struct dial dial;
	struct bus_line *line; /* owned; HELLO, REFUSED, UP */
	struct loop_timer again;
	unsigned again_ms; /* the next pause */
	bool returned;     /* its socket changed in the folder while it was tried */
	uint64_t seq;      /* of its last event */
	unsigned n_asked;
	int in_use; /* a function on the stack goes on with it */
	bool dead;  /* unwatched meanwhile */
};

struct bus_asked {
	struct bus_asked *next, *prev; /* in state.asked */
	struct bus_state *bus;
	struct bus_peer *peer; /* NULL: it fails soon, with `why` */
	uint32_t id;
	enum bus_type type;
	int deadline_ms;
	bus_done *done; /* NULL: forgotten */
	void *data;
	struct loop_timer timer;
	struct gw_error why;
};

struct bus_peer *bus_peer_find(const struct bus_state *bus, const char *name); /* NULL: it is not watched */
void bus_peer_tell(struct bus_peer *peer, enum bus_peer_event what);           /* its owner, who may unwatch it */
void bus_peer_hear(struct bus_peer *peer, const struct bus_note *note);        /* a message of it; the same holds */

struct bus_asked *bus_asked_create(struct bus_state *bus, enum bus_type type, bus_done *done, void *data);
void bus_asked_send(struct bus_asked *asked, struct bus_peer *peer, const char *text, int deadline_ms); /* 0: messages.def's */
void bus_asked_end(struct bus_asked *asked, const void *answer, const struct gw_error *err);            /* runs `done`, frees */
void bus_asked_fail_soon(struct bus_asked *asked);                                                      /* with its `why`, from the loop */
struct bus_asked *bus_asked_of(const struct bus_peer *peer);                                            /* one that waits for it, or NULL */

#endif
