/* The bus: requests with ids and deadlines, hello with a version, events with sequence numbers, over nng on ipc:// sockets in the runtime
 * directory. It carries what messages.def declares and knows nothing of what a message leads to.
 *
 * Each program listens on RUNTIME/NAME.bus, 0660; a peer's user must be root, our own, or its group our own, and its process the one that
 * holds RUNTIME/ITSNAME.lock. Requests, answers and the answerer's events go over that one connection and keep their order. A message that
 * does not fit messages.def is logged and answered with an error that names the field; it costs only that message. Nothing is lost
 * silently: a request gets its answer, or an error (deadline, peer gone) exactly once; of a listener that does not read, events are
 * dropped, and it is told.
 *
 * Threading: every call and callback is on the loop's thread. */
#ifndef LIBBUS_BUS_H
#define LIBBUS_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "libbus/messages.h"
#include "libgateway/error.h"
#include "libgateway/loop.h"

#define BUS_VERSION 1

struct bus_call; /* a request that waits for our answer */

/* A request: `body` (struct msg_X, borrowed for the call) and `call`, to be answered exactly once with bus_answer or bus_answer_error, now
 * or later. An event: `call` is NULL. */
typedef void bus_handler_fn(void *owner, const void *body, struct bus_call *call);
struct bus_handler {
	enum bus_type type;
	bus_handler_fn *fn; /* NULL ends the table */
};

/* Of a request: `answer` (struct msg_X, borrowed until it returns), or NULL and why. Runs exactly once, from the loop and never inside
 * bus_ask. */
typedef void bus_done(void *data, const void *answer, const struct gw_error *err);

struct bus {
	struct bus_state *state; /* NULL: not joined */
};

/* Joins as `who`; `name` is the socket's ("pdud", "jobd-123") and NULL stands for who's. Refuses to start (GW_INTERNAL) if a request that
 * `who` answers has no handler, and (GW_BUSY) if another process holds RUNTIME/NAME.lock. `handlers` and `owner` are borrowed. */
bool bus_join(struct bus *bus, struct loop *loop, const char *runtime_dir, enum bus_daemon who, const char *name,
	      const struct bus_handler *handlers, void *owner, struct gw_error *err);
void bus_finish(struct bus *bus); /* what is under way is done with GW_UNREACHABLE; removes the sockets. Accepts zeroed memory */
const char *bus_name(const struct bus *bus);

/* What is told of a peer that bus_watch watches. UP: hello is done, on every (re)connection: tell it what it must know, ask what may have
 * changed. GAP: events were lost: ask anew. DOWN: gone (its requests under way have failed). */
enum bus_peer_event { BUS_PEER_UP, BUS_PEER_DOWN, BUS_PEER_GAP };
typedef void bus_peer_fn(void *owner, const char *peer, enum bus_peer_event what);
/* Connects to `peer` ("pdud") and stays so, again and again (within 100 ms of its return), and hears its events. Once for each peer. */
void bus_watch(struct bus *bus, const char *peer, bus_peer_fn *fn, void *owner);
void bus_unwatch(struct bus *bus, const char *peer); /* requests under way fail; for jobds that have ended */
bool bus_peer_up(const struct bus *bus, const char *peer);

/* Asks a watched peer. `body` is copied. `deadline_ms` 0: messages.def's. A peer that is not up: `done` gets GW_UNREACHABLE, soon. */
void bus_ask(struct bus *bus, const char *peer, enum bus_type type, const void *body, int deadline_ms, bus_done *done, void *data);
void bus_forget(struct bus *bus, void *data); /* no `done` with this data will run any more: its owner goes */

void bus_answer(struct bus_call *call, const void *body); /* body of the answer; copied; NULL for `nothing` */
void bus_answer_error(struct bus_call *call, const struct gw_error *err);
void bus_publish(struct bus *bus, enum bus_type type, const void *body); /* copied */

#endif
