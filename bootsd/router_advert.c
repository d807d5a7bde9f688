#include "bootsd/router_advert.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libgateway/log.h"

#define EVERY_MS        200000 /* unasked, RFC 4861 section 6.2.1: at most 600 s */
#define RETRY_MS        100
#define TRIES           50
#define PREFIX_SECONDS  86400
#define ANSWER_BURST    20
#define ANSWER_EVERY_MS 100

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* RFC 4861 section 4.2; router lifetime 0: nobody's default router. */
size_t router_advert_encode(uint8_t out[ROUTER_ADVERT_MAX], const struct interface *net)
{
	size_t n = 16;

	memset(out, 0, ROUTER_ADVERT_MAX);
	out[0] = ND_ROUTER_ADVERT;
	out[4] = 64; /* hop limit */
	out[n] = ND_OPT_SOURCE_LINKADDR;
	out[n + 1] = 1; /* units of 8 bytes */
	memcpy(out + n + 2, net->mac.b, 6);
	n += 8;
	if (!net->has_prefix)
		return n;
	out[n] = ND_OPT_PREFIX_INFORMATION;
	out[n + 1] = 4;
	out[n + 2] = 64;
	out[n + 3] = ND_OPT_PI_FLAG_ONLINK | ND_OPT_PI_FLAG_AUTO;
	put_u32(out + n + 4, PREFIX_SECONDS);
	put_u32(out + n + 8, PREFIX_SECONDS);
	memcpy(out + n + 16, &net->prefix, 16);
	return n + 32;
}

static bool advertise(struct router_advert *ra)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_scope_id = ra->net->index};
	uint8_t bytes[ROUTER_ADVERT_MAX];
	size_t n = router_advert_encode(bytes, ra->net);

	to.sin6_addr = (struct in6_addr){{{0xff, 2, [15] = 1}}}; /* all nodes */
	return sendto(ra->fd, bytes, n, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)n;
}

static void on_time(void *data)
{
	struct router_advert *ra = data;
	bool sent = advertise(ra);

	if (sent || ra->tries == 0)
		ra->tries = 0;
	else if (--ra->tries == 0)
		log_warning("router advertisements: one cannot be sent on %s: %s", ra->net->name, strerror(errno));
	loop_timer_start(ra->loop, &ra->again, ra->tries ? RETRY_MS : EVERY_MS, on_time, ra);
}

/* The interface's own address is there once it has its first machine, and then tentative for a second or two: no reason to let that machine
 * wait for longer. */
static void answer(struct router_advert *ra)
{
	if (advertise(ra))
		return;
	ra->tries = TRIES;
	loop_timer_start(ra->loop, &ra->again, RETRY_MS, on_time, ra);
}

/* A solicitation: the filter lets nothing else through. Answered at once, to all (RFC 4861 section 6.2.6), since the asker's MAC need not
 * be found out then. */
static void on_readable(void *data, int events)
{
	struct router_advert *ra = data;
	uint8_t bytes[256];

	while (recv(ra->fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
		if (bucket_take(&ra->answers, loop_now_ms(ra->loop), ANSWER_BURST, ANSWER_EVERY_MS))
			answer(ra);
}

static bool set_up(int fd, const struct interface *net)
{
	struct ipv6_mreq all_routers = {.ipv6mr_interface = net->index};
	struct icmp6_filter filter;
	const int hops = 255, off = 0;

	all_routers.ipv6mr_multiaddr = (struct in6_addr){{{0xff, 2, [15] = 2}}};
	ICMP6_FILTER_SETBLOCKALL(&filter);
	ICMP6_FILTER_SETPASS(ND_ROUTER_SOLICIT, &filter);
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, net->name, (socklen_t)strlen(net->name) + 1) == 0 &&
	       setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter)) == 0 &&
	       setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) == 0 &&
	       setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off)) == 0 &&
	       setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &net->index, sizeof(net->index)) == 0 &&
	       setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &all_routers, sizeof(all_routers)) == 0;
}

bool router_advert_start(struct router_advert *ra, struct loop *loop, const struct interface *net, struct gw_error *err)
{
	int fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6);

	*ra = (struct router_advert){.loop = loop, .net = net};
	if (fd < 0 && errno == EAFNOSUPPORT) { /* a machine that waits for it has no IPv6 here either way */
		log_warning("router advertisements: this host has no IPv6; iPXE will wait 16 s for them at each boot");
		return true;
	}
	if (fd < 0 || !set_up(fd, net)) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "router advertisements on %s", net->name);
		if (fd >= 0)
			close(fd);
		return false;
	}
	ra->fd = fd;
	on_time(ra);
	return loop_fd_start(loop, &ra->watch, fd, UV_READABLE, on_readable, ra, err);
}

void router_advert_stop(struct router_advert *ra)
{
	loop_timer_finish(&ra->again);
	loop_fd_finish(&ra->watch);
	if (ra->fd)
		close(ra->fd);
	*ra = (struct router_advert){0};
}
