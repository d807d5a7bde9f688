/* One program, run to its end, with bounded time and output. Loop thread. */
#ifndef ARTIFACTD_PROCESS_H
#define ARTIFACTD_PROCESS_H

#include "libgateway/loop.h"

#define PROCESS_KEPT 2048 /* bytes of the end of each of its outputs */

struct process;
struct process_end {         /* borrowed for the call */
	const char *out;     /* the last PROCESS_KEPT bytes of its standard output */
	const char *last;    /* the last line of its standard error that is not empty */
	int code;            /* its exit code; -1: a signal, or it was stopped */
	struct gw_error err; /* why it did not end with 0; it names the program */
};
typedef void process_done(void *data, const struct process_end *end);

/* `argv` is copied; standard input is empty. `done` runs once, from the loop; after it the process is gone. NULL: it could not be started.
 */
struct process *process_start(struct loop *loop, char *const *argv, uint64_t deadline_ms, process_done *done, void *data,
			      struct gw_error *err);
/* Its whole group gets SIGTERM, and SIGKILL if that does not do. `done` runs once it has ended. */
void process_stop(struct process *process, const char *why);

#endif
