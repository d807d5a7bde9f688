/* The bucket of one job: who may have it, the archive that the job brings for it, its making, its end. A job has one that brings an archive
 * or names groups. Loop thread only; the archive is copied on libuv's threads. */
#ifndef EXECUTORD_JOB_BUCKET_H
#define EXECUTORD_JOB_BUCKET_H

#include <stdbool.h>

#include "libbus/messages.h"
#include "libgateway/error.h"
#include "libgateway/http_server.h"

struct executord;
struct job;
struct job_bucket;

/* What the submission `rq` wants: `archive` NULL: an empty bucket. Takes what it needs of `rq`, which may go. NULL: `err`. */
struct job_bucket *job_bucket_create(struct executord *ex, const struct http_request *rq, const struct http_part *archive,
				     struct gw_error *err);
void job_bucket_destroy(struct job_bucket *bucket); /* NULL is fine. The bucket itself stays: see job_bucket_end */

void job_bucket_make(struct job *job);          /* of a job that has its DUT: makes it, then the job is ready; or fails it */
bool job_bucket_is_made(const struct job *job); /* or none is wanted */
/* For job.go: `into` is borrowed of the job but for access_url, which the caller frees as a secret. */
void job_bucket_describe(const struct job *job, struct msg_job_bucket *into);
void job_bucket_end(struct job *job); /* the job is over: so is its bucket, now or when bucketd is there again */

#endif
