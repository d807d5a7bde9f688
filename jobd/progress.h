/* What a long fetch still waits for, told to the submitter now and then: a job that downloads for minutes is not mistaken for one that
 * hangs. */
#ifndef JOBD_PROGRESS_H
#define JOBD_PROGRESS_H

#include <stddef.h>

#include "libgateway/buffer.h"
#include "libgateway/loop.h"

#define PROGRESS_MS 5000

struct jobd;

struct progress {
	struct loop_timer again;
};

/* Names of what is awaited: PROGRESS_NAMES of them, the others are counted. */
#define PROGRESS_NAMES 3
struct progress_names {
	struct buffer text;
	size_t n;
};

void progress_start(struct jobd *j);
void progress_stop(struct jobd *j);
void progress_name(struct progress_names *names, const char *where);
void progress_finish(struct jobd *j);

#endif
