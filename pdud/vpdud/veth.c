#include "pdud/vpdud/veth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pdud/vpdud/tap.h"

#define END "cable" /* the end of the packet socket, alone in its namespace */

/* ---- netlink ---- */

struct request {
	struct nlmsghdr header;
	struct ifinfomsg link;
	char attributes[512];
};

static struct rtattr *add(struct request *rq, unsigned short type, const void *data, size_t n)
{
	struct rtattr *at = (struct rtattr *)(void *)((char *)rq + NLMSG_ALIGN(rq->header.nlmsg_len));

	gw_assert(NLMSG_ALIGN(rq->header.nlmsg_len) + RTA_SPACE(n) <= sizeof(*rq));
	at->rta_type = type;
	at->rta_len = (unsigned short)RTA_LENGTH(n);
	if (n)
		memcpy(RTA_DATA(at), data, n);
	rq->header.nlmsg_len = (uint32_t)(NLMSG_ALIGN(rq->header.nlmsg_len) + RTA_SPACE(n));
	return at;
}

/* What was added since belongs into `nest`. */
static void end_nest(struct request *rq, struct rtattr *nest)
{
	nest->rta_len = (unsigned short)((char *)rq + rq->header.nlmsg_len - (char *)nest);
}

/* A veth pair: END here, the other end called `name` in the namespace `theirs`. */
static void describe_pair(struct request *rq, const char *name, int theirs)
{
	static const struct ifinfomsg peer = {.ifi_family = AF_UNSPEC};
	struct rtattr *info, *data, *other;

	*rq = (struct request){.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(rq->link)),
					  .nlmsg_type = RTM_NEWLINK,
					  .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK}};
	add(rq, IFLA_IFNAME, END, sizeof(END));
	info = add(rq, IFLA_LINKINFO, NULL, 0);
	add(rq, IFLA_INFO_KIND, "veth", 4);
	data = add(rq, IFLA_INFO_DATA, NULL, 0);
	other = add(rq, VETH_INFO_PEER, &peer, sizeof(peer));
	add(rq, IFLA_IFNAME, name, strlen(name) + 1);
	add(rq, IFLA_NET_NS_FD, &theirs, sizeof(theirs));
	end_nest(rq, other);
	end_nest(rq, data);
	end_nest(rq, info);
}

/* Sets errno. */
static bool ask_kernel(const struct request *rq)
{
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char more[1024]; /* the request comes back with a refusal */
	} answer;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), why = 0;

	if (fd < 0)
		return false;
	if (send(fd, rq, rq->header.nlmsg_len, 0) < 0 || recv(fd, &answer, sizeof(answer), 0) < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)))
		why = errno ? errno : EPROTO;
	else if (answer.header.nlmsg_type == NLMSG_ERROR)
		why = -answer.error.error;
	close(fd);
	errno = why;
	return why == 0;
}

/* The pair's name here is free for sure only once it was taken. */
static bool make_pair(int theirs, char name[IFNAMSIZ])
{
	static unsigned next;
	struct request rq;

	for (unsigned tries = 0; tries < 1000; tries++) {
		snprintf(name, IFNAMSIZ, "vpduc%u", next++ % 100000);
		describe_pair(&rq, name, theirs);
		errno = 0;
		if (ask_kernel(&rq))
			return true;
		if (errno != EEXIST)
			return false;
	}
	return false;
}

/* ---- the ends ---- */

static bool bring_up(void)
{
	struct ifreq ifr = {.ifr_name = END, .ifr_flags = IFF_UP};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), why;
	bool ok = sock >= 0 && ioctl(sock, SIOCSIFFLAGS, &ifr) == 0;

	why = errno;
	if (sock >= 0)
		close(sock);
	errno = why;
	return ok;
}

/* The end has no business of its own on the wire: no address, no neighbour discovery. Without IPv6 there is nothing to switch off. */
static void keep_quiet(void)
{
	int fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) < 0) { /* it will chatter a little */
		close(fd);
		return;
	}
	close(fd);
}

static int open_end(void)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(END)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1, why;

	if (fd >= 0 && at.sll_ifindex && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0) {
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
		return fd;
	}
	why = errno;
	if (fd >= 0)
		close(fd);
	errno = why;
	return -1;
}

/* In a namespace of its own, which this thread leaves again. The pair's other end is `name` here. */
static int open_in_namespace(char name[IFNAMSIZ], struct gw_error *err)
{
	int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC), fd = -1;

	if (home < 0 || unshare(CLONE_NEWNET) < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot make a network namespace for a cable");
	} else {
		keep_quiet();
		if (!make_pair(home, name) || !bring_up() || (fd = open_end()) < 0)
			gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot make a cable (veth)");
		gw_assert(setns(home, CLONE_NEWNET) == 0);
	}
	if (home >= 0)
		close(home);
	return fd;
}

/* The kernel leaves checksums and segmenting to the device, which hands frames on as they are: a machine would find neither done. */
static bool finish_frames(const char *name)
{
	static const uint32_t offloads[] = {ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), why;
	bool ok = sock >= 0;

	for (size_t i = 0; ok && i < sizeof(offloads) / sizeof(offloads[0]); i++) {
		struct ethtool_value value = {.cmd = offloads[i]};
		struct ifreq ifr = {.ifr_data = (char *)&value};

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
		ok = ioctl(sock, SIOCETHTOOL, &ifr) == 0;
	}
	why = errno;
	if (sock >= 0)
		close(sock);
	errno = why;
	return ok;
}

int veth_open(const char *bridge, unsigned port, struct gw_error *err)
{
	char name[IFNAMSIZ];
	int fd = open_in_namespace(name, err);

	if (fd < 0)
		return -1;
	if (!finish_frames(name))
		gw_fail_errno(err, GW_UNREACHABLE, errno, "cannot have checksums made on %s", name);
	else if (tap_join_bridge(name, bridge, port, err))
		return fd;
	close(fd);
	return -1;
}
