#include "bootsd/peer.h"

#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bootsd/udp.h"

#define DISCARD_PORT 9

/* The kernel's neighbour table, one entry: no list is read. */
static bool neighbour(struct peers *p, uint32_t ip, struct mac *mac)
{
	struct arpreq rq = {0};
	struct sockaddr_in at = udp_address(ip, 0);

	if (!p->fd)
		p->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	memcpy(&rq.arp_pa, &at, sizeof(at));
	snprintf(rq.arp_dev, sizeof(rq.arp_dev), "%s", p->net->name);
	if (ioctl(p->fd, SIOCGARP, &rq) < 0 || !(rq.arp_flags & ATF_COM))
		return false;
	memcpy(mac->b, rq.arp_ha.sa_data, sizeof(mac->b));
	return true;
}

/* An empty datagram makes the kernel ask by ARP. A machine that sends to us has asked for our MAC before, so this is rare. */
static void resolve(struct peers *p, uint32_t ip)
{
	struct sockaddr_in to = udp_address(ip, DISCARD_PORT);

	if (sendto(p->fd, NULL, 0, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		return; /* then the next request does not find it either, and is told so */
}

static struct machine *owner(const struct peers *p, uint32_t ip)
{
	struct machine *machine = machines_by_ip(p->machines, ip);
	struct mac mac;

	if (!machine && leases_holder(p->leases, ip, &mac))
		machine = machines_by_mac(p->machines, mac);
	return machine;
}

enum peer_is peers_find(struct peers *p, uint32_t ip, struct machine **machine, struct mac *mac)
{
	struct machine *of = owner(p, ip);
	bool resolved;

	*mac = (struct mac){{0}};
	*machine = NULL;
	if (!interface_may_lend(p->net, ip))
		return PEER_STRANGER;
	resolved = neighbour(p, ip, mac);
	if (!of)
		return PEER_STRANGER;
	if (!resolved) {
		resolve(p, ip);
		return PEER_UNRESOLVED;
	}
	if (!mac_equal(of->mac, *mac))
		return PEER_IMPOSTOR;
	*machine = of;
	return PEER_MACHINE;
}

void peers_finish(struct peers *p)
{
	if (p->fd)
		close(p->fd);
	*p = (struct peers){0};
}
