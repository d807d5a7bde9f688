/* Who asks by IP: the machine whose address it is, if the kernel's neighbour table has that machine's MAC for it. So a DUT that takes
 * another's address gets nothing of the other's. */
#ifndef BOOTSD_PEER_H
#define BOOTSD_PEER_H

#include "bootsd/dhcp_leases.h"
#include "bootsd/machines.h"

struct peers { /* all borrowed */
	const struct interface *net;
	const struct machines *machines;
	const struct leases *leases;
	int fd; /* any IPv4 socket, for the question; owned; 0: none yet */
};

enum peer_is {
	PEER_MACHINE,    /* *machine is set */
	PEER_STRANGER,   /* the address is no known machine's; *mac is set if the neighbour table has one */
	PEER_IMPOSTOR,   /* the address is a machine's, but another's MAC uses it */
	PEER_UNRESOLVED, /* a machine's, and the kernel does not know a MAC for it: ARP has been started, the next request will do */
};
enum peer_is peers_find(struct peers *peers, uint32_t ip, struct machine **machine, struct mac *mac);
void peers_finish(struct peers *peers); /* accepts zeroed memory */

#endif
