/* What bootsd is allowed beyond any other program: ports below 1024 and raw sockets. Needed to open its sockets, and for nothing after. */
#ifndef BOOTSD_PRIVILEGES_H
#define BOOTSD_PRIVILEGES_H

#include <stdbool.h>

#include "libgateway/error.h"

/* Gives up every capability, for good. Capabilities are a thread's: call it before there are threads. As root (tests, the demo) nothing is
 * given up, since root's files and folders would then be refused. */
bool privileges_drop(struct gw_error *err);

#endif
