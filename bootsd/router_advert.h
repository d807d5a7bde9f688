/* Router advertisements (RFC 4861) that say: there is no router here. Without them iPXE waits 16 s of each boot for one; the same goes for
 * other firmware with IPv6. If the interface has a /64 of its own, machines form an address in it. */
#ifndef BOOTSD_ROUTER_ADVERT_H
#define BOOTSD_ROUTER_ADVERT_H

#include <stddef.h>

#include "bootsd/bucket.h"
#include "bootsd/interface.h"
#include "libgateway/loop.h"

#define ROUTER_ADVERT_MAX 64

struct router_advert {
	struct loop *loop;           /* borrowed */
	const struct interface *net; /* borrowed */
	int fd;                      /* 0: not open */
	struct loop_fd watch;
	struct loop_timer again;
	struct bucket answers;
	unsigned tries; /* that an answer which could not be sent has left */
};

size_t router_advert_encode(uint8_t out[ROUTER_ADVERT_MAX], const struct interface *net); /* pure; the kernel fills in the checksum */

bool router_advert_start(struct router_advert *ra, struct loop *loop, const struct interface *net, struct gw_error *err);
void router_advert_stop(struct router_advert *ra); /* accepts zeroed memory */

#endif
