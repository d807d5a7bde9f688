/* Work that blocks, on libuv's threads. */
#ifndef ARTIFACTD_POOL_H
#define ARTIFACTD_POOL_H

#include "libgateway/loop.h"

struct pool {
	struct loop *loop;
	unsigned working; /* tasks under way */
};
/* `run` on a thread of the pool, then `after` from the loop. */
void pool_run(struct pool *pool, void (*run)(void *data), void (*after)(void *data), void *data);
void pool_finish(struct pool *pool); /* runs the loop until nothing is under way */

#endif
