/* The run of the job (libjob/run.h) driven: what the parts report becomes its events, its actions go to the parts. */
#ifndef JOBD_DRIVE_H
#define JOBD_DRIVE_H

#include <stddef.h>

#include "libgateway/loop.h"
#include "libjob/run.h"

struct jobd;
struct happened;

struct drive {
	struct run *run; /* owned; NULL: no job yet */
	struct loop_timer tick;
	struct happened *first, **end; /* owned: events that came while one was worked on */
	bool busy;
	int64_t started_ms;
};

bool drive_create(struct jobd *j, const char *shown_job, struct gw_error *err); /* `shown_job` is borrowed for the call */
void drive_start(struct jobd *j);
/* Before the job and after its end nothing happens. May be called from anywhere. */
void drive_happened(struct jobd *j, enum run_event_kind kind, const char *text);
void drive_console(struct jobd *j, const void *bytes, size_t n); /* relayed to the client and logged as well */
bool drive_is_over(const struct jobd *j);
void drive_finish(struct jobd *j);

#endif
