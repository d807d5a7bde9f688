/* Carries frames between a machine and its end of a cable (veth.h): qemu takes a datagram socket, but no packet socket. Loop thread only.
 */
#ifndef PDUD_VPDUD_CABLE_H
#define PDUD_VPDUD_CABLE_H

#include <uv.h>

#include "libgateway/error.h"

struct cable;

/* *theirs: the datagram socket for qemu, the caller's to close. NULL: failed. */
struct cable *cable_start(uv_loop_t *loop, const char *bridge, unsigned port, int *theirs, struct gw_error *err);
void cable_stop(struct cable *cable); /* unplugs it; it frees itself in the loop's next turns. NULL is fine */

#endif
