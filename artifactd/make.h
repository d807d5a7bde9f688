/* Artifacts that are made of others: a few at once, on the pool. What was made before of the same is found again. Loop thread. */
#ifndef ARTIFACTD_MAKE_H
#define ARTIFACTD_MAKE_H

#include "artifactd/store.h"
#include "artifactd/works.h"
#include "libbus/bus.h"

struct makes {
	struct works works;
	struct store *store; /* borrowed */
	int64_t max_bytes;   /* of what is made, and of what is unpacked for it */
};

void makes_init(struct makes *all, struct loop *loop, struct store *store, int64_t max_bytes);
void makes_finish(struct makes *all); /* answers all that wait; waits for the pool. Accepts zeroed memory */
/* Answers `call` when it is complete, or why it is not. `job` uses it from then on, and must use what it is made of. Copies all. */
void make_artifact(struct makes *all, const struct msg_artifact_make *make, const char *job, struct bus_call *call);
void makes_release(struct makes *all, const char *job); /* it has ended: what is made for it is given up */

#endif
