/* The jobds: one is always started ahead, so that no submission waits for a process. executord connects to RUNTIME/jobd.sock, and whoever
 * listens there (systemd, or the standalone supervisor) starts a jobd with that connection. The connection carries no bytes: while it is
 * open a spare knows that it is wanted. A jobd's death is seen through a pidfd, which works for those that outlived an executord too. */
#ifndef EXECUTORD_JOBD_POOL_H
#define EXECUTORD_JOBD_POOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "libgateway/error.h"
#include "libgateway/loop.h"

struct executord;
struct job;

struct jobd {
	struct executord *ex;
	char name[65]; /* on the bus: jobd-PID */
	pid_t pid;
	int pidfd;
	struct loop_fd watch;
	bool up;           /* it can be asked */
	struct job *job;   /* borrowed; NULL: a spare */
	struct jobd *next; /* in jobd_pool.all */
};

struct jobd_link;

struct jobd_pool {
	struct jobd *all;          /* owned */
	struct jobd_link *links;   /* owned: the connections */
	struct jobd_link *awaited; /* the one whose jobd has not said hello yet; one at a time */
	struct loop_timer retry;   /* after a start that failed */
	struct loop_timer next;    /* the next spare is started then */
	bool failing;              /* the last start failed: said once */
	bool stopped;
};

void jobd_pool_finish(struct executord *ex);
void jobd_pool_fill(struct executord *ex); /* starts one if a spare is missing; harmless at any time */

/* A jobd said hello (`spare`: without a job), or is known from before a restart. NULL: there is no such process. Known already: that one.
 */
struct jobd *jobd_pool_add(struct executord *ex, const char *name, pid_t pid, bool spare, struct gw_error *err);
struct jobd *jobd_pool_find(struct executord *ex, const char *name);
struct jobd *jobd_pool_take(struct executord *ex, struct job *job); /* a spare that is up, now the job's; NULL: none yet */
void jobd_pool_give_back(struct executord *ex, struct jobd *jobd);  /* a spare again */
void jobd_pool_drop(struct executord *ex, struct jobd *jobd);       /* it ends by itself: watched no more. NULL is fine */

#endif
