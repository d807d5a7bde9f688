/* What is being fetched: one download for all that wait for it, a bounded number at once. Loop thread; disk work is done on the pool. */
#ifndef ARTIFACTD_FETCH_H
#define ARTIFACTD_FETCH_H

#include "artifactd/deny.h"
#include "artifactd/pool.h"
#include "artifactd/store.h"
#include "libbus/bus.h"
#include "libgateway/http_client.h"

struct fetch;

struct fetches {
	struct pool pool;
	struct store *store;     /* borrowed */
	const struct deny *deny; /* borrowed */
	struct http_client *client;
	int64_t max_bytes; /* of one artifact */
	struct fetch *first, **end;
	unsigned running; /* of those in the list */
	bool stopping;
};

bool fetches_init(struct fetches *all, struct loop *loop, struct store *store, const struct deny *deny, int64_t max_bytes,
		  struct gw_error *err);
void fetches_finish(struct fetches *all); /* answers all that wait; waits for the pool. Accepts zeroed memory */

/* Answers `call` when the artifact is complete, or why it is not. `job` uses it from then on. Strings are copied. */
void fetch_url(struct fetches *all, const char *url, const char *job, struct bus_call *call);
void fetch_data(struct fetches *all, const char *data, const char *job, struct bus_call *call);

enum gw_error_kind fetch_kind_of_status(int status); /* of an answer other than 200 */
/* Answers `call` with the text at `url`, a job's description, or why there is none. Nothing is kept of it. */
void fetch_text(struct fetches *all, const char *url, const char *job, struct bus_call *call);

/* Of a job that has ended: what it waits for is given up, what it used may be pruned. `call` (or NULL) is answered when that is done. */
void fetches_release(struct fetches *all, const char *job, struct bus_call *call);
void fetches_release_others(struct fetches *all, const struct bus_texts *jobs, struct bus_call *call);

#endif
