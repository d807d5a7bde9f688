/* Jobs that are over: their capabilities are good for nothing any more. The last ENDED_JOBS_MAX of them; before they are forgotten, their
 * processes are long gone. */
#ifndef LIBBUS_ENDED_JOBS_H
#define LIBBUS_ENDED_JOBS_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"

#define ENDED_JOBS_MAX 1024

struct ended_jobs { /* zeroed memory: none */
	char **ids; /* owned; ENDED_JOBS_MAX of them, in the order of their ends from `next` on */
	size_t next;
};

void ended_jobs_add(struct ended_jobs *ended, const char *job);
bool ended_jobs_check(const struct ended_jobs *ended, const char *job, struct gw_error *err); /* GW_REFUSED: it is over */
void ended_jobs_finish(struct ended_jobs *ended);

#endif
