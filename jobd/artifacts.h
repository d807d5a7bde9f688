/* What the job boots, fetched into the artifact cache and made by artifactd: both deployments' before the first boot; what a storage path
 * that is a regex stands for when the DUT asks for it. */
#ifndef JOBD_ARTIFACTS_H
#define JOBD_ARTIFACTS_H

#include <stdbool.h>
#include <stddef.h>

#include "jobd/progress.h"
#include "libjob/job.h"

struct jobd;
struct artifact_want;

struct artifacts {
	struct artifact_want **v; /* owned, as each is */
	size_t n;
	size_t under_way;  /* of v */
	size_t first, had; /* those of before the first boot: how many; how many of them are done */
};

/* False: the job has something that cannot be. */
bool artifacts_check(const struct job *job, struct gw_error *err);
void artifacts_fetch(struct jobd *j); /* ARTIFACTS_READY or _FAILED follows; what is under way is given up first */
bool artifacts_same(const struct job_artifact *a, const struct job_artifact *b); /* the same content, wherever the job names it */
/* Of those of before the first boot, images and block devices included, one more is there, or (`why`) the first is not to be had. */
void artifacts_changed(struct jobd *j, const struct gw_error *why);
void artifacts_name_awaited(const struct jobd *j, struct progress_names *names); /* of those of before the first boot */
void artifacts_give_up(struct jobd *j);
const char *artifacts_name(const struct jobd *j, const struct job_artifact *artifact); /* beneath the artifact root; after READY */
/* One of a regex path, with its url made (NULL: its data). `done` runs once, maybe inside the call: with the name (borrowed), or NULL and
 * why; not after artifacts_give_up. */
typedef void artifact_done(struct jobd *j, void *data, const char *name, const struct gw_error *err);
void artifacts_get(struct jobd *j, const struct job_artifact *artifact, const char *url, artifact_done *done, void *data);
void artifacts_forget_later(struct jobd *j); /* no `done` runs any more: the boot that asked is over */
void artifacts_finish(struct jobd *j);

#endif
