/* Runners on a GitLab that are ours by their description and their tag, and that no machine has: found at each check of those instances
 * that have an access_token, removed only when that is asked for. Loop thread only. */
#ifndef GITLABD_ORPHANS_H
#define GITLABD_ORPHANS_H

#include "gitlabd/slots.h"

#define ORPHANS_MAX       1000 /* of one instance */
#define ORPHANS_PAGES_MAX 500

struct orphan {
	int64_t runner_id;
	char *description;
	char *error; /* why it could not be removed; NULL: it was not tried, or it is gone */
	bool removed;
};

struct orphan_list {
	struct orphan *v;
	size_t n;
};

struct orphans;
struct sweep {            /* of one instance */
	struct work work; /* first */
	struct sweep *next;
	struct orphans *all;
	char *instance;
	struct server *server; /* of the last request */
	uint64_t probe;        /* its access_token's key */
	unsigned refusals;     /* of removals, in a row */
	bool running, busy, removing, restart;
	bool waits;                     /* until each of our runners there is known by its id */
	int64_t page;                   /* the next; 0: all were read */
	struct orphan_list suspects;    /* by their description; to be looked at */
	struct orphan_list found, last; /* by this sweep; by the last one that came to its end */
	size_t at;                      /* in found, while removing */
	char *error;                    /* why the last one failed; NULL: it did not */
};

struct prune; /* one that was asked for, and waits for the sweeps' ends */
struct orphans {
	struct slots *slots;
	struct sweep *first;
	struct prune *prunes;
	struct loop_timer review_timer;
};

void orphans_sweep(struct orphans *orphans);  /* all instances; at each check */
void orphans_review(struct orphans *orphans); /* soon: those that wait look again whether all runners are known */
void orphans_finish(struct orphans *orphans); /* after servers_finish */

/* prune.c */
void orphans_prune(struct orphans *orphans, const struct msg_gitlab_prune *what, struct bus_call *call);
void prunes_stop(struct orphans *orphans); /* before bus_finish */
void prune_step(struct orphans *orphans);  /* a sweep ended */

/* For prune.c. */
struct sweep *sweep_get(struct orphans *orphans, const char *instance);
bool sweep_start(struct sweep *sweep, struct gw_error *err); /* false: it cannot be asked. One that runs goes on */
void sweep_remove(struct sweep *sweep);                      /* what the last one found; ends as a sweep does */

#endif
