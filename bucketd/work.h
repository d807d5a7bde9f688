/* What waits for the disk, done on libuv's threads: a bounded number at once, a bounded number waiting, and never two of the same name. */
#ifndef BUCKETD_WORK_H
#define BUCKETD_WORK_H

#include "libgateway/loop.h"

typedef void work_fn(void *data);              /* on a thread */
typedef void work_done(void *data, bool done); /* on the loop, once; `done` false: the program ends, and it never ran */

struct work_item;
struct work {
	struct loop *loop;
	unsigned at_once, waiting_max; /* waiting_max 0: any number */
	unsigned running, waiting;
	struct work_item *first, **last; /* waiting */
	struct work_item *active;        /* running */
};

void work_init(struct work *work, struct loop *loop, unsigned at_once, unsigned waiting_max);
/* `name` (copied) or NULL: runs behind those that were added with the same name. False: too many wait; nothing will run. */
bool work_add(struct work *work, const char *name, work_fn *fn, work_done *done, void *data);
void work_finish(struct work *work); /* what waits never runs; what runs is waited for. Accepts zeroed memory */

#endif
