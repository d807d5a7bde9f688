/* The buckets of jobs as executord asks for them, and the credentials that hold now. Loop thread. */
#ifndef BUCKETD_JOB_BUCKETS_H
#define BUCKETD_JOB_BUCKETS_H

#include "bucketd/access.h"
#include "bucketd/work.h"
#include "libbus/bus.h"

struct job_buckets {
	struct access *access; /* borrowed; its `jobs` are kept true here */
	struct store *store;
	struct work *work; /* of jobs alone: a large archive must not keep requests waiting */
	struct store_jobs jobs;
};

/* Reads which jobs have buckets. BLOCKING: before the loop. */
bool job_buckets_load(struct job_buckets *buckets, struct access *access, struct store *store, struct work *work, struct gw_error *err);
void job_buckets_finish(struct job_buckets *buckets); /* after work_finish. Accepts zeroed memory */

void job_buckets_configure(struct job_buckets *buckets, const struct bus_texts *jobs); /* the others' go */
void job_buckets_check(struct job_buckets *buckets, const struct msg_bucket_grant *grant, struct bus_call *call);
void job_buckets_create(struct job_buckets *buckets, const struct msg_bucket_create *create, struct bus_call *call);
void job_buckets_remove(struct job_buckets *buckets, const char *job, struct bus_call *call); /* `call` may be NULL */

#endif
