/* The buckets of jobs. */
#ifndef BUCKETD_JOBS_H
#define BUCKETD_JOBS_H

#include "bucketd/store.h"

/* `job-DUTID-JOBID` cut to 56, `-`, 6 random letters or digits: a-z 0-9 . - alone, capitals become small, what else is not becomes `-`.
 * `job_id` may be NULL: the gateway's id stands for it. */
void job_bucket_name(char name[BUCKET_NAME_MAX + 1], const char *dut_id, const char *job_id, const char *job);

/* Makes the bucket of job->job with job->bucket's name, with the regular files of the tar (plain or gzip) at `tarball` (NULL: empty), keys
 * as in the tar without a leading `./` or `/`; fills in the secrets. S3_INVALID_ARGUMENT: it is not a tar, or breaks off, or has more than
 * 100,000 entries. S3_FULL. S3_KEY_TOO_LONG. S3_BUCKET_EXISTS: the job has one. On failure, and after a kill, nothing is left. BLOCKING, as
 * store.h. */
bool job_bucket_create(struct store *store, struct store_job *job, const char *tarball, struct s3_error *err);
bool job_bucket_remove(struct store *store, const char *job, struct s3_error *err); /* one that is not there is fine */

#endif
