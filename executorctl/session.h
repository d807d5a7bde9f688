/* A job's connection: what the gateway says is printed, what is typed is sent, until the job ends. */
#ifndef EXECUTORCTL_SESSION_H
#define EXECUTORCTL_SESSION_H

#include "executorctl/ctl.h"

/* A job's status words are the exit codes of `run`. */
enum job_status { JOB_PASS, JOB_WARN, JOB_COMPLETE, JOB_FAIL, JOB_INCOMPLETE, JOB_UNKNOWN, JOB_SETUP_FAIL };

/* Takes the socket over. Blocks until the end; `err` is set where the job did not come to one: JOB_INCOMPLETE then. */
enum job_status session_run(int fd, bool colour, struct gw_error *err);

#endif
