#include "bootsd/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BYTES (1024 * 1024) /* as much of it as the kernel allows: a burst waits there */

struct sockaddr_in udp_address(uint32_t ip, uint16_t port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}

bool udp_prepare(int fd, const char *what, struct gw_error *err)
{
	const int one = 1, bytes = RECEIVE_BYTES;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof(one)) < 0 || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "the %s socket cannot be set up", what);
	return true;
}

int udp_open(const struct interface *net, uint32_t ip, uint16_t port, const char *what, struct gw_error *err)
{
	struct sockaddr_in at = udp_address(ip, port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, net->name, (socklen_t)strlen(net->name) + 1) == 0 &&
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	gw_fail_errno(err, errno == EADDRINUSE ? GW_BUSY : GW_UNREACHABLE, errno, "%s: cannot listen on UDP port %u of %s", what, port,
		      net->name);
	if (fd >= 0)
		close(fd);
	return -1;
}

bool udp_came_by(const struct interface *net, const struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR((struct msghdr *)msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			return (unsigned)((struct in_pktinfo *)(void *)CMSG_DATA(c))->ipi_ifindex == net->index;
	}
	return false;
}
