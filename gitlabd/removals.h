/* What must not be forgotten whatever happens to us: the runners that are still to be removed on GitLab, and at which url an instance's
 * runners were made: STATE/gitlabd/removals.json and its journal. They hold tokens and are 0600 from their first byte. A runner is put here
 * before its token leaves MarsDB, and before a new one's token is on its way there, so that none is forgotten; it is removed once MarsDB
 * does not have the token, and then taken off. Loop thread only. */
#ifndef GITLABD_REMOVALS_H
#define GITLABD_REMOVALS_H

#include "gitlabd/lookup.h"
#include "gitlabd/server.h"
#include "libgateway/buffer.h"
#include "libgateway/env.h"
#include "libgateway/files.h"

struct removals;
/* Whether MarsDB has the token: then its runner stays. For now: it may get it, or lose it. */
enum held { HELD_NOT, HELD_FOR_NOW, HELD_FOR_GOOD };
struct removal {
	struct work work; /* first */
	struct removal *next, *prev;
	struct removal *next_touched, *prev_touched;
	bool touched; /* it is in removals.touched */
	struct removals *all;
	char *url, *token, *description; /* description: for the log */
	int64_t runner_id;
	bool busy;               /* a request is under way */
	unsigned refusals;       /* by GitLab, in a row */
	struct loop_timer pause; /* after a refusal */
	char *last_error;
};

struct place { /* the tokens that MarsDB has for the instance were made there, but for those on the list with another url */
	char *instance, *url;
};

struct removals_journal { /* removals_journal.c's */
	char *path;
	char name[FILE_VERSION_SIZE]; /* of the removals.json that there is */
	size_t whole, size;           /* bytes: of that, and of the journal that belongs to it */
	bool usable;                  /* it takes more lines */
	struct buffer lines;          /* not yet written */
};

struct removals {
	struct place *places;
	size_t n_places;
	struct servers *servers;
	enum held (*held)(void *data, const char *url, const char *token);
	void (*saved)(void *data); /* what waited for removals_are_saved may go on */
	void *data;
	char *path;
	struct removal *first;
	struct removal *touched; /* to be looked at at the next review */
	struct lookup by;        /* token; runner, but for those of no known id, who would all have the same */
	struct removals_journal journal;
	struct loop_timer save_timer, review_timer;
	bool unsaved, added;    /* added: one that is on the list in memory alone */
	unsigned save_failures; /* in a row */
	char *save_error;       /* NULL: the last time it was fine */
};

bool removals_init(struct removals *removals, struct servers *servers, const struct env *env, struct gw_error *err); /* reads the file */
void removals_finish(struct removals *removals); /* after servers_finish */

/* Not yet saved: removals_are_saved does that, at once; else it is soon. One that is there already stays as it is. */
void removals_add(struct removals *removals, const char *url, const char *token, int64_t runner_id, const char *description);
/* Whether all that were added are on the disk by now. While it is full this is false without another try: these have a back-off, and
 * `saved` follows the one that succeeds. */
bool removals_are_saved(struct removals *removals);
/* Soon: takes off what MarsDB has, has the others removed. Nothing happens before the first one. */
void removals_review(struct removals *removals);
/* Soon, and just those with that token: what `held` says of it may be another thing now. NULL is none. */
void removals_touch(struct removals *removals, const char *token);

/* NULL: not known. Borrowed until the next change. An instance that is gone keeps its place: machines keep their tokens of it. */
const char *removals_place(const struct removals *removals, const char *instance);
void removals_set_place(struct removals *removals, const char *instance, const char *url); /* saved as removals_add is */
/* Where the runner of a token on the list is; borrowed; NULL: it is not on the list. */
const char *removals_url_of(const struct removals *removals, const char *token);

bool removals_has(const struct removals *removals, const char *url, int64_t runner_id);
size_t removals_count(const struct removals *removals, const char *url);
const char *removals_error(const struct removals *removals, const char *url); /* why one of them is not gone yet; borrowed; NULL: none */

#endif
