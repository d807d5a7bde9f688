/* The dynamic range: which addresses machines without one of their own may get. Pure. */
#ifndef BOOTSD_DHCP_RANGE_H
#define BOOTSD_DHCP_RANGE_H

#include "bootsd/interface.h"

#define DHCP_RANGE_MAX 65536 /* addresses */

struct dhcp_range {
	uint32_t first, last; /* both included */
};

/* "10.42.200.1-10.42.200.250"; NULL: the last quarter of the interface's subnet, at most 4096 addresses, since admins number from its
 * start. GW_BAD_INPUT that names the option. */
bool dhcp_range_decode(struct dhcp_range *range, const char *text, const struct interface *net, struct gw_error *err);

#endif
