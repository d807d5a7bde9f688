/* Who is of the DUTs' network: such a peer may do little on the gateway. */
#ifndef LIBGATEWAY_DUT_NETWORK_H
#define LIBGATEWAY_DUT_NETWORK_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* The IPv4 address of `peer`, also where a socket that listens to both shows it as an IPv6 one. False if it has none. */
bool dut_network_ipv4(const struct sockaddr *peer, struct in_addr *ip);

/* Whether `peer` has an address of `interface`'s IPv4 subnets (PRIVATE_INTERFACE); the gateway's own addresses do not count. Looked up each
 * time: addresses come and go. Where they cannot be had (no descriptor is left, which a machine can bring about), everybody counts as a
 * machine. */
bool dut_network_has(const char *interface, const struct sockaddr *peer);

#endif
