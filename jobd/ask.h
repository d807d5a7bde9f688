/* Requests that outlive their peer's restarts: one that fails because the peer has gone, or is not configured yet, is asked again when it
 * can be. So a daemon's restart in a job is a pause. Loop thread only. */
#ifndef JOBD_ASK_H
#define JOBD_ASK_H

#include "libbus/bus.h"

struct ask;
struct asks { /* zeroed but for `bus` and `loop` */
	struct bus *bus;
	struct loop *loop;
	struct ask *all; /* owned */
};

/* `body` is copied. `done` as of bus_ask, but never because the peer was away; the ask is gone when it runs. */
struct ask *ask_start(struct asks *asks, const char *peer, enum bus_type type, const void *body, bus_done *done, void *data);
void ask_cancel(struct ask **ask); /* `done` does not run; sets *ask to NULL. NULL is fine */
void asks_peer_up(struct asks *asks, const char *peer);
void asks_finish(struct asks *asks); /* before the bus */

#endif
