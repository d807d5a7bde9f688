#include "pdud/vpdud/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/sockios.h>

/* A bridge without an address of its own takes the lowest of its ports': fe: keeps it from changing as machines come and go. */
static bool set_address(int sock, const char *name, unsigned port)
{
	const unsigned char mac[] = {0xfe, 0x54, 0x00, 0x11, 0x22, (unsigned char)port};
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_hwaddr.sa_family = ARPHRD_ETHER;
	memcpy(ifr.ifr_hwaddr.sa_data, mac, sizeof(mac));
	return ioctl(sock, SIOCSIFHWADDR, &ifr) == 0;
}

static bool join_bridge(int sock, const char *name, const char *bridge)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", bridge);
	ifr.ifr_ifindex = (int)if_nametoindex(name);
	return ioctl(sock, SIOCBRADDIF, &ifr) == 0;
}

static bool bring_up(int sock, const char *name)
{
	struct ifreq ifr = {0};

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = IFF_UP;
	return ioctl(sock, SIOCSIFFLAGS, &ifr) == 0;
}

bool tap_join_bridge(const char *name, const char *bridge, unsigned port, struct gw_error *err)
{
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), saved;
	bool ok = sock >= 0 && set_address(sock, name, port) && join_bridge(sock, name, bridge) && bring_up(sock, name);

	saved = errno;
	if (sock >= 0)
		close(sock);
	return ok || gw_fail_errno(err, GW_UNREACHABLE, saved, "bridge '%s': cannot add %s to it", bridge, name);
}

bool tap_possible(void)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int tap_open(const char *bridge, unsigned port, struct gw_error *err)
{
	struct ifreq ifr = {.ifr_name = "vpdu%d", .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR}; /* the kernel picks the number */
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "/dev/net/tun (machines with a network need it)");
		return -1;
	}
	if (ioctl(fd, TUNSETIFF, &ifr) < 0)
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot make a tap");
	else if (tap_join_bridge(ifr.ifr_name, bridge, port, err))
		return fd;
	close(fd);
	return -1;
}
