/* A TCP console: the serial line of a machine, which says whose it is (`SALAD.machine_id=ID`). The first id counts for as long as the
 * connection lasts: an id that a machine forges later changes nothing. Loop thread only. */
#ifndef SALADD_STREAM_H
#define SALADD_STREAM_H

#include "saladd/listener.h"
#include "saladd/machine.h"
#include "saladd/scan.h"
#include "saladd/wire.h"

#ifndef STREAMS_NAMELESS_MAX     /* tests have fewer */
#define STREAMS_NAMELESS_MAX 256 /* at once; for one more the oldest is closed */
#endif
#define STREAM_KEPT_MAX (64 * 1024) /* bytes before the first id: the newest of them */

struct streams;
struct stream {
	struct stream *next; /* in streams.first, the newest first */
	struct streams *all;
	struct wire wire;
	struct scan scan;
	struct machine *machine; /* borrowed; NULL: nameless */
	struct buffer kept;      /* while nameless */
	bool foreign_id_told, bad_id_told;
};

struct streams {
	struct loop *loop;
	struct machines *machines; /* borrowed */
	struct listener listener;
	struct stream *first; /* owned */
	unsigned n_nameless;
};

/* Listens on `fd`, or, if it is -1, on `address` and `port`. */
bool streams_start(struct streams *all, struct loop *loop, struct machines *machines, int fd, const char *address, uint16_t port,
		   struct gw_error *err);
void streams_finish(struct streams *all); /* before the machines; accepts zeroed memory */

#endif
