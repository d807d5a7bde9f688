#include "bootsd/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>

static void take_ip4(struct interface *net, const struct ifaddrs *a)
{
	uint32_t ip = ntohl(((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr.s_addr);

	if (!net->ip) {
		net->ip = ip;
		net->mask = ntohl(((const struct sockaddr_in *)(const void *)a->ifa_netmask)->sin_addr.s_addr);
	}
	if (net->n_addresses < INTERFACE_ADDRESSES_MAX)
		net->addresses[net->n_addresses++] = ip;
}

static void take_ip6(struct interface *net, const struct ifaddrs *a)
{
	const struct in6_addr *ip = &((const struct sockaddr_in6 *)(const void *)a->ifa_addr)->sin6_addr;
	const struct in6_addr *mask = &((const struct sockaddr_in6 *)(const void *)a->ifa_netmask)->sin6_addr;
	static const uint8_t bits64[16] = {255, 255, 255, 255, 255, 255, 255, 255};

	if (net->has_prefix || IN6_IS_ADDR_LINKLOCAL(ip) || memcmp(mask, bits64, sizeof(bits64)) != 0)
		return;
	memcpy(&net->prefix, ip, 8);
	net->has_prefix = true;
}

static void take(struct interface *net, const struct ifaddrs *a)
{
	if (a->ifa_addr->sa_family == AF_INET)
		take_ip4(net, a);
	else if (a->ifa_addr->sa_family == AF_INET6)
		take_ip6(net, a);
	else if (a->ifa_addr->sa_family == AF_PACKET)
		memcpy(net->mac.b, ((const struct sockaddr_ll *)(const void *)a->ifa_addr)->sll_addr, sizeof(net->mac.b));
}

bool interface_read(struct interface *net, const char *name, struct gw_error *err)
{
	struct ifaddrs *all = NULL;

	*net = (struct interface){.index = if_nametoindex(name)};
	snprintf(net->name, sizeof(net->name), "%s", name);
	if (!net->index)
		return gw_fail(
			err, GW_NOT_FOUND,
			"PRIVATE_INTERFACE: there is no network interface '%s'; accepted: the name of the one that leads to the DUTs",
			name);
	if (getifaddrs(&all) < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "PRIVATE_INTERFACE: the addresses of '%s' cannot be read", name);
	for (struct ifaddrs *a = all; a; a = a->ifa_next)
		if (a->ifa_addr && strcmp(a->ifa_name, name) == 0)
			take(net, a);
	freeifaddrs(all);
	return net->ip || gw_fail(err, GW_NOT_FOUND,
				  "PRIVATE_INTERFACE: '%s' has no IPv4 address; give it one, such as `ip address add 10.42.0.1/16 dev %s`",
				  name, name);
}

bool interface_has_address(const struct interface *net, uint32_t ip)
{
	for (unsigned i = 0; i < net->n_addresses; i++)
		if (net->addresses[i] == ip)
			return true;
	return false;
}

bool interface_may_lend(const struct interface *net, uint32_t ip)
{
	uint32_t host = ip & ~net->mask;

	return (ip & net->mask) == (net->ip & net->mask) && host != 0 && host != ~net->mask && !interface_has_address(net, ip);
}
