/* Where the supervisor's children say that they are alive: sd_notify(3)'s protocol, on a datagram socket in the runtime folder, with the
 * sender's process as the kernel tells it. */
#ifndef EXECUTORD_NOTIFY_H
#define EXECUTORD_NOTIFY_H

#include <stdbool.h>
#include <sys/types.h>

#include "libgateway/error.h"
#include "libgateway/loop.h"

/* `text`: lines of NAME=value, borrowed. From the loop, and from notify_read. */
typedef void notify_fn(void *data, pid_t pid, const char *text);

struct notify { /* zeroed memory is closed */
	int fd;
	char *path; /* owned; NOTIFY_SOCKET of the children */
	struct loop_fd watch;
	notify_fn *said;
	void *data;
};

bool notify_start(struct notify *notify, struct loop *loop, const char *path, notify_fn *said, void *data, struct gw_error *err);
void notify_read(struct notify *notify); /* what waits there now */
void notify_finish(struct notify *notify);
bool notify_has(const char *text, const char *line); /* "WATCHDOG=1" */

#endif
