/* What executord is told of the job, and when this process may leave. */
#ifndef JOBD_REPORT_H
#define JOBD_REPORT_H

#include <stdbool.h>

#include "libgateway/loop.h"

struct jobd;
struct ask;

struct report {
	struct ask *running, *ended;
	bool is_running; /* job.running was reached */
	bool is_told;    /* executord has the result, or will not hear it */
	bool is_due;     /* the result is to be told once the lease is over */
	bool stopping;   /* SIGTERM: executord is not awaited for long */
	struct loop_timer leave;
};

void report_running(struct jobd *j);
void report_when_free(struct jobd *j); /* the job has ended */
void report_released(struct jobd *j);  /* so has its lease, or it could not be given back */
void report_may_leave(struct jobd *j); /* stops the loop if nothing is left to do */
void report_on_stop(void *jobd);       /* SIGTERM: a job ends first, with its OFF */
void report_finish(struct jobd *j);

#endif
