/* Keeps one file on the disk as things are in memory, off the loop: changes that come while it is being written make one more write
 * afterwards. A disk that is full or broken is logged and tried again; it stops nothing. Loop thread only. */
#ifndef PDUD_KEEPER_H
#define PDUD_KEEPER_H

#include "libgateway/loop.h"

#define KEEPER_RETRY_MS 5000

struct keeper {
	struct loop *loop;
	char *path;                    /* owned; NULL: not initialised */
	char *(*collect)(void *owner); /* the file's bytes as they are to be now; freed here. NULL: leave it */
	void (*saved)(void *owner);    /* what was collected is on the disk, or cannot be; nothing newer is under way yet */
	void *owner;
	struct keeping *under_way; /* NULL: idle */
	bool dirty;
	struct loop_timer retry;
};

void keeper_init(struct keeper *k, struct loop *loop, char *path, char *(*collect)(void *), void (*saved)(void *), void *owner);
void keeper_touch(struct keeper *k); /* something has changed */
bool keeper_is_idle(const struct keeper *k);
void keeper_finish(struct keeper *k); /* waits for the disk, after the loop has ended; writes what is dirty. Accepts zeroed memory */

#endif
