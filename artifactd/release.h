/* Jobs that have ended use nothing any more: their links go, and then what need not be kept. Loop thread; done on the pool. */
#ifndef ARTIFACTD_RELEASE_H
#define ARTIFACTD_RELEASE_H

#include "artifactd/pool.h"
#include "artifactd/store.h"
#include "libbus/bus.h"

/* `call` (or NULL) is answered when it is done. */
void release_job(struct pool *pool, struct store *store, char *job, struct bus_call *call);
void release_others(struct pool *pool, struct store *store, const struct bus_texts *jobs,
		    struct bus_call *call); /* of all jobs but these */

#endif
