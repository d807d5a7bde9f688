/* Container images, pulled into stores that jobs' machines mount: by a command, a few at once, one pull for all that wait for the same.
 * Loop thread. */
#ifndef ARTIFACTD_IMAGES_H
#define ARTIFACTD_IMAGES_H

#include "libbus/bus.h"
#include "libgateway/loop.h"

#define IMAGES_KNOWN 256

struct image_pull;
struct image_known { /* what was pulled lately */
	char *key;   /* owned; NULL: free */
	char id[129];
	uint64_t at_ms;
};

struct images { /* zeroed but for `loop` and what it borrows */
	struct loop *loop;
	const char *path; /* borrowed; NULL: there is no image store */
	const char *pull_command, *exists_command;
	struct image_pull *first; /* owned */
	unsigned running;
	struct image_known known[IMAGES_KNOWN];
	unsigned n_known; /* in all, so the next place modulo IMAGES_KNOWN */
	bool stopping;
};

/* Whether the commands can be; `err` names the option. */
bool images_check(const struct images *all, struct gw_error *err);
/* Answers `call` with the image's id, or why there is none. Copies all. */
void images_get(struct images *all, const struct msg_artifact_image_get *get, const char *job, struct bus_call *call);
void images_release(struct images *all, const char *job); /* it has ended: what is pulled for it alone is given up */
void images_finish(struct images *all);                   /* answers all that wait, and waits for the commands' ends */

#endif
