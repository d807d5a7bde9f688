/* What the job boots, fetched into the artifact cache by artifactd: both deployments' before the first boot. */
#ifndef JOBD_ARTIFACTS_H
#define JOBD_ARTIFACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "libjob/job.h"

struct jobd;
struct artifact_want;

struct artifacts {
	struct artifact_want *v; /* owned */
	size_t n;
	size_t asked, done; /* of v: how many are under way or done, how many are done */
};

/* False: the job has something that is not built yet. */
bool artifacts_check(const struct job *job, struct gw_error *err);
void artifacts_fetch(struct jobd *j); /* ARTIFACTS_READY or _FAILED follows; what is under way is given up first */
void artifacts_give_up(struct jobd *j);
const char *artifacts_name(const struct jobd *j, const struct job_artifact *artifact); /* beneath the artifact root; after READY */
void artifacts_finish(struct jobd *j);

#endif
