/* A job's connection: what the gateway says is printed, what is typed is sent, until the job ends. */
#ifndef EXECUTORCTL_SESSION_H
#define EXECUTORCTL_SESSION_H

#include "executorctl/ctl.h"

/* A job's status words are the exit codes of `run`. */
enum job_status { JOB_PASS, JOB_WARN, JOB_COMPLETE, JOB_FAIL, JOB_INCOMPLETE, JOB_UNKNOWN, JOB_SETUP_FAIL };

/* Where the job's bucket is, and what it is called; both NULL: it has none. The URL is a secret. */
struct session_bucket {
	char *access_url, *name; /* owned */
};
void session_bucket_finish(struct session_bucket *bucket); /* accepts zeroed memory */

/* Blocks until the end; `err` is set where the job did not come to one: JOB_INCOMPLETE then. The socket stays the caller's: closing it
 * frees the machine, and the bucket goes with it. `bucket` is zeroed memory, and to be finished in any case. */
enum job_status session_run(int fd, bool colour, struct session_bucket *bucket, struct gw_error *err);

#endif
