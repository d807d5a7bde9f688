/* What artifacts and images are made by: works that wait for each other, a few at once on the pool. Each is for a job; a job's end gives
 * up what is made for it. Loop thread, but for `run`. */
#ifndef ARTIFACTD_WORKS_H
#define ARTIFACTD_WORKS_H

#include "artifactd/pool.h"

struct works;
struct work {              /* the first member of what is to be made */
	struct work *next; /* in works.first */
	struct works *all;
	char *job;           /* owned; freed after `end` */
	bool begun;          /* `run` was, or is */
	bool released;       /* the job ended while it ran: what it made is in vain, and goes in `end` */
	bool given_up;       /* read by `run`: work_given_up */
	struct gw_error err; /* why there is nothing; in `end`: GW_OK if it was made */
};

struct works {
	struct pool pool;
	bool in_turn; /* those of a job: one after the other, so that the last one that was asked for is the one that stays */
	void (*run)(struct work *work); /* on the pool; not for what is given up before */
	void (*end)(struct work *work); /* answers, and frees all of it but `job` */
	struct work *first, **last;
	unsigned running;
	bool stopping;
};

void works_init(struct works *all, struct loop *loop, void (*run)(struct work *work), void (*end)(struct work *work));
void works_add(struct works *all, struct work *work, const char *job); /* zeroed otherwise; copies the job's name */
void works_release(struct works *all, const char *job);                /* it has ended */
void works_finish(struct works *all);                                  /* all that wait end; waits for the pool. Accepts zeroed memory */
bool work_given_up(const struct work *work);                           /* on the pool: nobody wants it any more */

#endif
