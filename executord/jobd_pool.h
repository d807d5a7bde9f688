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
	bool up;                    /* it can be asked */
	bool unheard;               /* it outlived an executord, and what it carries is not known yet */
	bool leaving;               /* its job is over, or it was killed: no spare */
	struct loop_timer patience; /* for its end */
	struct job *job;            /* borrowed; NULL: a spare, or leaving */
	struct jobd *next;          /* in jobd_pool.all */
};

struct jobd_link;

struct jobd_pool {
	struct jobd *all;          /* owned */
	struct jobd_link *links;   /* owned: the connections */
	struct jobd_link *awaited; /* the last one whose jobd has not said hello yet */
	unsigned late;             /* how many are, one after the other */
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
/* Its job is over: it ends by itself, or is killed. NULL is fine. */
void jobd_pool_dismiss(struct executord *ex, struct jobd *jobd);
/* It does not answer. Its end is seen later. NULL is fine. */
void jobd_pool_kill(struct executord *ex, struct jobd *jobd, const char *why);

/* At the start: those that live, by their locks, are there and unheard, but for those that are known already. */
void jobd_pool_find_living(struct executord *ex);
void jobd_pool_hear(struct executord *ex, const char *name); /* its hello was taken, or refused */
bool jobd_pool_has_unheard(const struct executord *ex);
void jobd_pool_kill_unheard(struct executord *ex);

#endif
