/* fork and exec of a child that dies with us. */
#ifndef PDUD_VPDUD_SPAWN_H
#define PDUD_VPDUD_SPAWN_H

#include <sys/types.h>

#include "libgateway/error.h"

/* Runs argv[0] (looked up in PATH) with standard input from /dev/null, output and error ours, and fds[i] as its descriptor 3 + i (-1:
 * none). The child gets SIGKILL when the calling thread ends: call it from the main thread. Returns the pid, or -1 when fork or exec
 * failed. */
pid_t spawn_child(char *const *argv, const int *fds, size_t n_fds, struct gw_error *err);

#endif
