/* The container images that a job's machine mounts, pulled into their store by artifactd: both deployments' before the first boot. */
#ifndef JOBD_IMAGES_H
#define JOBD_IMAGES_H

#include <stdbool.h>
#include <stddef.h>

#include "jobd/progress.h"
#include "libjob/job.h"

struct jobd;
struct image_want;

struct images {
	struct image_want *v; /* owned */
	size_t n, had;        /* how many of v are there */
};

/* Each that comes, and the first that does not, leads to artifacts_changed. What is under way is given up first. */
void images_fetch(struct jobd *j);
void images_name_awaited(const struct jobd *j, struct progress_names *names);
void images_give_up(struct jobd *j);
const char *images_id(const struct jobd *j, const struct job_image *image); /* borrowed; after all are there */
void images_finish(struct jobd *j);

#endif
