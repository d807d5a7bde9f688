/* A recorded console replayed into libjob's machine, with a gateway on which everything else goes well. Pure. */
#ifndef EXECUTORCTL_REPLAY_H
#define EXECUTORCTL_REPLAY_H

#include <stddef.h>
#include <stdint.h>

#include "libjob/run.h"

struct replay_out {
	void (*message)(void *owner, int severity, const char *text); /* of the job: "+12.345s: ...\n" */
	void (*console)(void *owner, const char *bytes, size_t n);    /* a line of the log as the machine was given it */
	void *owner;
};

/* `run` is new; it is done afterwards. The log's lines come at their times; behind the last one the console is silent and time passes from
 * deadline to deadline. A job that would then wait for ever is cancelled. */
void replay(struct run *run, const char *log, size_t n, const struct replay_out *out);

/* When the line was said, in milliseconds since an unknown beginning; -1: it does not tell. *skip: bytes of a prefix that is not part of
 * the line. "+12.345s: text" and "[   12.345678] text" are known. */
int64_t replay_time(const char *line, size_t n, size_t *skip);

#endif
