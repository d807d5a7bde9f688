/* The console's bytes of a job, STATE/jobs/JOB.log: bounded, and a full disk costs only the log. */
#ifndef JOBD_JOB_LOG_H
#define JOBD_JOB_LOG_H

#include <stdbool.h>
#include <stddef.h>

struct jobd;

struct job_log {
	int fd; /* 0: none */
	size_t size;
	bool full, failed;
};

void job_log_start(struct jobd *j);
void job_log_add(struct jobd *j, const void *bytes, size_t n);
bool job_log_has_bytes(const struct jobd *j);
void job_log_finish(struct jobd *j);

#endif
