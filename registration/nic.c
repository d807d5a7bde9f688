#include "registration/nic.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>

#define ROUTE_UP 1U

void nic_of_default_route(const char *route, char name[16])
{
	unsigned destination, gateway, flags, metric, mask, least = 0;
	char iface[16];

	name[0] = '\0';
	for (const char *line = strchr(route, '\n'); line; line = strchr(line + 1, '\n')) { /* the first one is a heading */
		if (sscanf(line + 1, "%15s %x %x %x %*u %*u %u %x", iface, &destination, &gateway, &flags, &metric, &mask) != 6)
			continue;
		if (destination || mask || !(flags & ROUTE_UP) || (name[0] && metric >= least))
			continue;
		strcpy(name, iface);
		least = metric;
	}
}

static bool has_address(const struct ifaddrs *i)
{
	return i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !(i->ifa_flags & IFF_LOOPBACK);
}

/* The only interface with an address, or what keeps us from choosing one. */
static bool choose_only(const struct ifaddrs *all, char name[16], struct failure *why)
{
	name[0] = '\0';
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		if (!has_address(i) || strcmp(name, i->ifa_name) == 0)
			continue;
		if (name[0])
			return failed(
				why, "there is no default route, and both %s and %s have an address: which is the machine's cannot be told",
				name, i->ifa_name);
		snprintf(name, 16, "%s", i->ifa_name);
	}
	return name[0] || failed(why, "there is no default route and no interface with an IPv4 address");
}

static void take_addresses(struct nic *nic, const struct ifaddrs *i)
{
	if (!i->ifa_addr || strcmp(i->ifa_name, nic->name) != 0)
		return;
	if (i->ifa_addr->sa_family == AF_INET && !nic->ip[0]) {
		inet_ntop(AF_INET, &((const struct sockaddr_in *)i->ifa_addr)->sin_addr, nic->ip, sizeof(nic->ip));
	} else if (i->ifa_addr->sa_family == AF_PACKET) {
		const struct sockaddr_ll *ll = (const struct sockaddr_ll *)i->ifa_addr;
		if (ll->sll_halen == 6)
			snprintf(nic->mac, sizeof(nic->mac), "%02x:%02x:%02x:%02x:%02x:%02x", ll->sll_addr[0], ll->sll_addr[1],
				 ll->sll_addr[2], ll->sll_addr[3], ll->sll_addr[4], ll->sll_addr[5]);
	}
}

bool nic_find(struct nic *nic, const char *root, struct failure *why)
{
	static char route[65536];
	struct ifaddrs *all = NULL;
	bool ok;

	memset(nic, 0, sizeof(*nic));
	if (file_text(route, sizeof(route), root, "/proc/net/route"))
		nic_of_default_route(route, nic->name);
	getifaddrs(&all);
	ok = nic->name[0] || choose_only(all, nic->name, why);
	for (const struct ifaddrs *i = all; ok && i; i = i->ifa_next)
		take_addresses(nic, i);
	freeifaddrs(all);
	return ok && ((nic->mac[0] && nic->ip[0]) || failed(why, "%s has no %s", nic->name, nic->mac[0] ? "IPv4 address" : "MAC address"));
}
