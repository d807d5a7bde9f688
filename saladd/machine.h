/* A machine: its console's stream, the one client of it and the readers of its log, each on a TCP port of its own. It lasts from the first
 * time that its id is heard until its place is needed for another and nobody is connected.
 *
 * What the machine writes goes to the client and to every reader. A slow client holds the machine back (its stream is not read while
 * WIRE_FULL bytes wait), so a prompt one never loses a byte; one that takes nothing for WIRE_STALL_MS is closed, lest it keep the console
 * from everybody else. A slow reader is closed at WIRE_MAX bytes. Without a client what the machine writes goes to the readers alone. What
 * the client types holds it back in the same way; a machine that takes nothing for WIRE_STALL_MS loses what waits. */
#ifndef SALADD_MACHINE_H
#define SALADD_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "saladd/farewell.h"
#include "saladd/listener.h"
#include "saladd/scan.h"
#include "saladd/wire.h"

#define MACHINE_READERS_MAX 25
#define MACHINE_KEPT_MAX    (64 * 1024) /* bytes kept for a stream or a client that is not there yet */
#define MACHINE_RETURN_MS   10000       /* how long a client may take to come back after a restart of saladd */

struct stream;
struct machines;

struct reader {
	struct reader *next; /* in machine.readers */
	struct wire wire;
	struct machine *machine;
};

struct machine {
	struct machines *all;
	char *id;    /* owned */
	bool wanted; /* executord has it among its DUTs */
	struct listener console, logs;
	struct stream *stream; /* borrowed; NULL: not connected */
	struct wire client;
	uint64_t client_era;       /* machines.clients with it; see kept.h */
	struct reader *readers;    /* owned; at most MACHINE_READERS_MAX */
	struct buffer typed;       /* by the client while there was no stream: the oldest MACHINE_KEPT_MAX */
	struct buffer written;     /* by the machine while its client was coming back: the newest MACHINE_KEPT_MAX */
	uint64_t returns_until_ms; /* of loop_now_ms; 0: no client is on its way back */
	bool overrun_told;         /* bytes were lost and it was logged, since the client came */
};

/* Opens both ports. The caller frees `m` after machine_finish, or after a failure. */
bool machine_open(struct machine *m, struct machines *all, const char *id, struct gw_error *err);
void machine_finish(struct machine *m); /* its stream, if any, has been detached before */
bool machine_has_client(const struct machine *m);
bool machine_expects_client(const struct machine *m); /* it had one before the restart */
bool machine_is_idle(const struct machine *m);        /* nobody is connected */
void machine_close(struct machine *m);                /* its ports */

void machine_attach(struct machine *m, struct stream *stream);        /* it had none */
void machine_detach(struct machine *m);                               /* the stream has gone, or is taken over */
void machine_written(struct machine *m, const char *bytes, size_t n); /* by the machine: from its stream */
void machine_stream_drained(struct machine *m);                       /* it takes the client's input again */

#endif
