/* A console: the serial line of a machine, which says whose it is (`SALAD.machine_id=ID`), as a TCP connection or at a serial port of the
 * gateway. Of a connection the first id counts for as long as it lasts: an id that a machine forges later changes nothing. A port lasts
 * longer than its cable: there the last id counts, but while its machine has a client, which a job is, it changes nothing either.
 * Loop thread only. */
#ifndef SALADD_STREAM_H
#define SALADD_STREAM_H

#include "saladd/kept.h"
#include "saladd/listener.h"
#include "saladd/machine.h"
#include "saladd/scan.h"
#include "saladd/wire.h"

#ifndef STREAMS_NAMELESS_MAX     /* tests have fewer */
#define STREAMS_NAMELESS_MAX 256 /* at once; for one more the oldest is closed */
#endif

/* The serial port behind a stream. */
struct stream_port {
	const char *name;                          /* "ttyUSB0"; borrowed */
	void (*bound)(void *data, const char *id); /* to a machine: it said so */
	void (*gone)(void *data);                  /* unplugged, or hung up; the stream is closed and freed after this */
	void *data;
};

struct streams;
struct stream {
	struct stream *next; /* in streams.first, the newest first */
	struct streams *all;
	struct wire wire;
	struct scan scan;
	const struct stream_port *port; /* borrowed; NULL: a TCP connection */
	struct machine *machine;        /* borrowed; NULL: nameless */
	struct kept kept;               /* while nameless */
	bool foreign_id_told, bad_id_told;
};

struct streams {
	struct loop *loop;
	struct machines *machines; /* borrowed */
	struct listener listener;
	struct stream *first; /* owned */
	unsigned n_nameless;  /* TCP connections */
};

/* Listens on `fd`, or, if it is -1, on `address` and `port`. */
bool streams_start(struct streams *all, struct loop *loop, struct machines *machines, int fd, const char *address, uint16_t port,
		   struct gw_error *err);
/* The stream of a serial port; owns `fd`, also on failure. `id`: whose it was when it was last there, NULL: nobody's; if that machine has
 * a console meanwhile, this is not it. */
struct stream *streams_add_port(struct streams *all, int fd, const struct stream_port *port, const char *id, struct gw_error *err);
void stream_close(struct stream *s);      /* and frees it; port->gone does not run */
void streams_finish(struct streams *all); /* before the machines; accepts zeroed memory */

#endif
