/* UDP sockets of the DUTs' network. */
#ifndef BOOTSD_UDP_H
#define BOOTSD_UDP_H

#include <netinet/in.h>

#include "bootsd/interface.h"

/* A socket for `port` (0: any) on this interface alone, close-on-exec, not blocking, at `ip` (0: also broadcasts). -1 on failure. */
int udp_open(const struct interface *net, uint32_t ip, uint16_t port, const char *what, struct gw_error *err);
/* Makes a socket, ours or systemd's, tell by which interface a datagram came. */
bool udp_prepare(int fd, const char *what, struct gw_error *err);
/* Whether what was received came by this interface; systemd's socket may be bound to none. */
bool udp_came_by(const struct interface *net, const struct msghdr *msg);
struct sockaddr_in udp_address(uint32_t ip, uint16_t port);

#endif
