/* PRIVATE_INTERFACE as it is at start: its addresses are the gateway's towards the DUTs. */
#ifndef BOOTSD_INTERFACE_H
#define BOOTSD_INTERFACE_H

#include <net/if.h>
#include <netinet/in.h>

#include "bootsd/addr.h"
#include "libgateway/error.h"

#define INTERFACE_ADDRESSES_MAX 16

struct interface {
	char name[IF_NAMESIZE];
	unsigned index;
	struct mac mac;
	uint32_t ip, mask;                           /* its first IPv4 address: the gateway's */
	uint32_t addresses[INTERFACE_ADDRESSES_MAX]; /* all its IPv4 addresses */
	unsigned n_addresses;
	struct in6_addr prefix; /* of its first global IPv6 network of 64 bits */
	bool has_prefix;
};

/* GW_NOT_FOUND: there is no such interface, or it has no IPv4 address; the text says what to do. */
bool interface_read(struct interface *net, const char *name, struct gw_error *err);

bool interface_has_address(const struct interface *net, uint32_t ip);
/* Whether a machine may have this address: in the subnet, and neither the network's, the broadcast address nor one of the gateway's. */
bool interface_may_lend(const struct interface *net, uint32_t ip);

#endif
