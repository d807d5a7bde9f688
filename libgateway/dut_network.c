#include "libgateway/dut_network.h"

#include <ifaddrs.h>
#include <string.h>

bool dut_network_ipv4(const struct sockaddr *peer, struct in_addr *ip)
{
	const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr;

	if (peer->sa_family == AF_INET)
		*ip = ((const struct sockaddr_in *)(const void *)peer)->sin_addr;
	else if (peer->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six))
		memcpy(ip, &six->s6_addr[12], sizeof(*ip));
	else
		return false;
	return true;
}

static bool in_network(const struct ifaddrs *a, struct in_addr peer)
{
	const struct sockaddr_in *own = (const struct sockaddr_in *)(const void *)a->ifa_addr;
	const struct sockaddr_in *mask = (const struct sockaddr_in *)(const void *)a->ifa_netmask;

	return own->sin_addr.s_addr != peer.s_addr && ((own->sin_addr.s_addr ^ peer.s_addr) & mask->sin_addr.s_addr) == 0;
}

bool dut_network_has(const char *interface, const struct sockaddr *peer)
{
	struct ifaddrs *all = NULL;
	bool within = false, own = false;
	struct in_addr ip;

	if (!dut_network_ipv4(peer, &ip))
		return false;
	if (getifaddrs(&all) != 0)
		return true;
	for (struct ifaddrs *a = all; a; a = a->ifa_next) {
		if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || !a->ifa_netmask)
			continue;
		own |= ((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr.s_addr == ip.s_addr;
		if (strcmp(a->ifa_name, interface) == 0)
			within |= in_network(a, ip);
	}
	freeifaddrs(all);
	return within && !own;
}
