/* The network block devices of a job: their images are made by artifactd, each is served by nbdkit: when one dies, RUN_INFRA_FAILED
 * follows. All of both deployments are made once, before the first boot, and keep what was written to them until the job's end; one that
 * both have alike is one. */
#ifndef JOBD_NBD_H
#define JOBD_NBD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobd/progress.h"
#include "libjob/job.h"

struct jobd;
struct nbd_want;

struct nbd {
	struct nbd_want *v; /* owned */
	size_t n, had;      /* how many of v are served */
	bool asked;         /* their images were */
};

/* False: this gateway cannot serve what the job wants. What there was of it is given up first. */
bool nbd_prepare(struct jobd *j, struct gw_error *err);
/* What they are copies of is there. Each that is served, and the first that is not, leads to artifacts_changed. Said twice is once. */
void nbd_make(struct jobd *j);
void nbd_name_awaited(const struct jobd *j, struct progress_names *names);
/* The machine is off: the connections that it left behind are closed. */
void nbd_begin_boot(struct jobd *j);
uint16_t nbd_port(const struct jobd *j, const struct job_nbd *nbd); /* after all are there */
void nbd_give_up(struct jobd *j);                                   /* what is still to be made */
void nbd_finish(struct jobd *j);                                    /* nobody is served any more */

#endif
