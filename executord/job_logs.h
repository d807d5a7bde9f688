/* STATE/jobs: the consoles of jobs, JOB.log each. Beyond EXECUTOR_JOB_LOGS_SIZE the oldest go. */
#ifndef EXECUTORD_JOB_LOGS_H
#define EXECUTORD_JOB_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "libgateway/error.h"

struct executord;

struct job_logs {
	uv_work_t work;
	bool working, due;
};

/* On the loop's thread pool; those of jobs that run, and of training loops that REST shows, stay. */
void job_logs_prune_soon(struct executord *ex);
void job_logs_finish(struct executord *ex);

/* Removes the *.log of `folder` that were written longest ago until at most `max` bytes of them are left; those of the `n` jobs in `kept`
 * stay, and count. Blocking. True: also where there is no such folder. */
bool job_logs_prune(const char *folder, uint64_t max, char *const *kept, size_t n, struct gw_error *err);

#endif
