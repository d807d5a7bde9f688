/* A virtual cable for hosts where /dev/net/tun may not be opened (a user namespace, many containers): one end is a port of the bridge, the
 * other a packet socket. That end lies in a network namespace that nothing but the socket keeps, so host and end never see one another as
 * neighbours, and all is gone with the socket: not after an OFF, not after a kill -9 is anything to be removed. Linux only; needs
 * CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_ADMIN, which root of a user namespace has.
 */
#ifndef PDUD_VPDUD_VETH_H
#define PDUD_VPDUD_VETH_H

#include "libgateway/error.h"

/* The packet socket (close-on-exec, not blocking; the caller's): whole Ethernet frames with whole checksums. -1: failed. `port` gives the
 * bridge's end its MAC. */
int veth_open(const char *bridge, unsigned port, struct gw_error *err);

#endif
