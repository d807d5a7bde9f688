/* A process that the standalone supervisor looks after: started here, or adopted from a supervisor that was killed. Its end is seen through
 * a pidfd, so both are alike. Loop thread only. */
#ifndef EXECUTORD_CHILD_H
#define EXECUTORD_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "libgateway/error.h"
#include "libgateway/loop.h"

struct child;
typedef void child_ended(struct child *child, const char *how,
			 int exit_code); /* "exit code 1"; exit_code -1: signal, or not ours to know */

struct child {     /* zeroed memory is no process */
	pid_t pid; /* 0: none */
	bool adopted;
	int pidfd;
	struct loop_fd watch;
	child_ended *ended; /* may start it again at once */
	void *owner;
	const char *const *without; /* variables of our environment that it does not get, NULL-terminated; NULL: it gets all */
	const char *notify;         /* NOTIFY_SOCKET; NULL: none. Borrowed */
	uint64_t watchdog_us;       /* how often it is to say that it is alive, as sd_watchdog_enabled(3) has it; 0: never */
};

/* Starts `path` with `arguments` (NULL-terminated, argv[1] on; or NULL) in a session of its own, so that a terminal's Ctrl-C reaches only
 * the supervisor. `passed` (-1: none; stays the caller's) becomes its descriptor 3 as systemd hands it over, named "connection". */
bool child_start(struct child *child, struct loop *loop, const char *path, const char *const *arguments, int passed, struct gw_error *err);
bool child_adopt(struct child *child, struct loop *loop, pid_t pid, struct gw_error *err);
void child_signal(const struct child *child, int signal); /* nothing if there is none */
void child_forget(struct child *child);                   /* stops watching; the process lives on */

#endif
