/* Network taps for the machines. A tap lives exactly as long as a descriptor of it is open, so nothing has to be removed: not after an
 * OFF, not after a kill -9 of vpdud. Linux only; needs CAP_NET_ADMIN and /dev/net/tun.
 */
#ifndef PDUD_VPDUD_TAP_H
#define PDUD_VPDUD_TAP_H

#include <stdbool.h>

#include "libgateway/error.h"

/* Returns the descriptor (close-on-exec; the caller's) of a new tap that is up and a port of `bridge`, or -1. `port` gives its MAC. */
int tap_open(const char *bridge, unsigned port, struct gw_error *err);

/* The same for a device that there is already: its MAC, up, a port of `bridge`. */
bool tap_join_bridge(const char *name, const char *bridge, unsigned port, struct gw_error *err);
bool tap_possible(void); /* /dev/net/tun can be opened */

#endif
