/* Images of network block devices: a job's own copies of artifacts, or zeros, which its jobd has served. Beneath the root:
 *
 *   JOB/DEVICE-HEX.img    HEX: 128 random bits. Folders can be entered by the group and not be listed: who was told the name opens it
 *
 * They go with their job. What a killed run left half-made goes when we start, and is made anew for who asks again. Loop thread; made
 * and removed on the pool. */
#ifndef ARTIFACTD_NBD_H
#define ARTIFACTD_NBD_H

#include "artifactd/store.h"
#include "artifactd/works.h"
#include "libbus/bus.h"
#include "libgateway/files.h"

struct nbd_bounds {
	int64_t image, job; /* bytes: of an image, of all images of a job */
};

struct nbds {
	struct works works;
	struct store *store; /* borrowed */
	char *root;          /* owned */
	struct nbd_bounds max;
	struct file_lock lock; /* of the root: two would remove each other's images */
};

bool nbds_open(struct nbds *all, struct loop *loop, struct store *store, const char *root, const struct nbd_bounds *bounds,
	       struct gw_error *err);
void nbds_finish(struct nbds *all); /* answers all that wait; waits for the pool. Accepts zeroed memory */
/* Answers `call` with the image's path when it is complete, or why there is none. Copies all. */
void nbds_make(struct nbds *all, const struct msg_artifact_nbd_make *make, const char *job, struct bus_call *call);
void nbds_release(struct nbds *all, const char *job);                     /* it has ended: its images go */
void nbds_release_others(struct nbds *all, const struct bus_texts *jobs); /* so have all but these */

#endif
