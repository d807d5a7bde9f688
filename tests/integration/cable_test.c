/* A cable of vpdud, where there is no /dev/net/tun: this test holds the machine's end and is on the bridge at the same time. */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "pdud/vpdud/cable.h"

#define OURS    "10.42.0.77"
#define GATEWAY "10.42.0.1"

static const unsigned char mac[ETH_ALEN] = {0x52, 0x54, 0x00, 0x11, 0x22, 0x03};

static uv_loop_t loop;
static struct cable *cable;
static int machine, links; /* qemu's end; news of interfaces */

static int plug(void **state)
{
	struct sockaddr_nl all_links = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct gw_error err = {0};

	uv_loop_init(&loop);
	links = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_int_equal(bind(links, (struct sockaddr *)&all_links, sizeof(all_links)), 0);
	cable = cable_start(&loop, "private", 3, &machine, &err);
	if (!cable)
		fail_msg("%s", err.text);
	return 0;
}

static int unplug(void **state)
{
	cable_stop(cable);
	cable = NULL;
	close(machine);
	close(links);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

/* The next frame that `wanted` is true of; others on the bridge are passed over. It is asked for again and again: a link takes a moment to
 * come up, and what is sent before is lost. */
static size_t await_frame(unsigned char frame[2048], bool (*wanted)(const unsigned char *frame, size_t n), void (*ask)(void))
{
	for (int turns = 0; turns < 10000; turns++) {
		struct pollfd p = {.fd = machine, .events = POLLIN};
		ssize_t n;

		if (turns % 50 == 0)
			ask();
		uv_run(&loop, UV_RUN_NOWAIT);
		if (poll(&p, 1, 2) != 1)
			continue;
		n = recv(machine, frame, 2048, 0);
		assert_true(n > 0);
		if (wanted(frame, (size_t)n))
			return (size_t)n;
	}
	fail_msg("the frame never came");
	return 0;
}

static bool is_arp_reply(const unsigned char *frame, size_t n)
{
	return n >= 42 && frame[12] == 0x08 && frame[13] == 0x06 && frame[21] == ARPOP_REPLY;
}

static void ask_for_the_gateway(void)
{
	unsigned char frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	static const unsigned char request[] = {0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, ARPOP_REQUEST};

	memcpy(frame + 6, mac, 6);
	memcpy(frame + 12, request, sizeof(request));
	memcpy(frame + 22, mac, 6);
	inet_pton(AF_INET, OURS, frame + 28);
	inet_pton(AF_INET, GATEWAY, frame + 38);
	assert_int_equal(send(machine, frame, sizeof(frame), 0), sizeof(frame));
}

static void frames_go_both_ways_and_only_the_bridge_answers(void **state)
{
	static const unsigned char bridge[] = {0x02, 0, 0, 0, 0, 0x01};
	unsigned char frame[2048];

	await_frame(frame, is_arp_reply, ask_for_the_gateway);
	assert_memory_equal(frame, mac, 6);
	assert_memory_equal(frame + 22, bridge, 6); /* the cable's own end says nothing */
}

static bool is_udp(const unsigned char *frame, size_t n)
{
	return n >= 42 && frame[12] == 0x08 && frame[13] == 0x00 && frame[23] == IPPROTO_UDP && frame[36] == 0x22 && frame[37] == 0xb8;
}

static uint32_t sum(const unsigned char *bytes, size_t n)
{
	uint32_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return total;
}

static void say_something(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8888)};
	int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, OURS, &to.sin_addr);
	assert_int_equal(sendto(sock, "how do you do", 13, 0, (struct sockaddr *)&to, sizeof(to)), 13);
	close(sock);
}

static void the_gateways_frames_have_whole_checksums(void **state)
{
	unsigned char frame[2048];
	uint32_t total;
	size_t length;

	await_frame(frame, is_arp_reply, ask_for_the_gateway); /* from now on it knows where we are */
	await_frame(frame, is_udp, say_something);
	length = (size_t)(frame[38] << 8 | frame[39]);
	assert_int_equal(length, 8 + 13);
	total = sum(frame + 26, 8) + IPPROTO_UDP + (uint32_t)length + sum(frame + 34, length);
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	assert_int_equal(total, 0xffff);
}

/* Its interface goes with the descriptor: the kernel says so, a little later. */
static void nothing_is_left_of_a_cable_that_was_unplugged(void **state)
{
	unsigned before = if_nametoindex("vpduc2");
	char news[8192];

	assert_true(before); /* the third of this test */
	cable_stop(cable);
	cable = NULL;
	uv_run(&loop, UV_RUN_DEFAULT);
	while (if_nametoindex("vpduc2")) {
		struct pollfd p = {.fd = links, .events = POLLIN};

		assert_int_equal(poll(&p, 1, 60000), 1);
		assert_true(recv(links, news, sizeof(news), 0) > 0);
	}
}

static void a_bridge_that_is_not_there_is_named(void **state)
{
	struct gw_error err = {0};
	int fd;

	assert_null(cable_start(&loop, "nobridge", 0, &fd, &err));
	assert_int_equal(strncmp(err.text, "bridge 'nobridge': cannot add vpduc", 35), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_go_both_ways_and_only_the_bridge_answers, plug, unplug),
		cmocka_unit_test_setup_teardown(the_gateways_frames_have_whole_checksums, plug, unplug),
		cmocka_unit_test_setup_teardown(nothing_is_left_of_a_cable_that_was_unplugged, plug, unplug),
		cmocka_unit_test_setup_teardown(a_bridge_that_is_not_there_is_named, plug, unplug),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
