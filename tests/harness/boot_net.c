#include "tests/harness/boot_net.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/dutnet.h"
#include "tests/harness/proc.h"

struct dut duts[DUTS] = {{"52:54:00:aa:00:01", "one", 0, -1}, {"52:54:00:aa:00:02", "two", 0, -1}};

static int home = -1; /* the gateway's namespace */

static pid_t make_namespace(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void plug_in(struct dut *dut, int number)
{
	char path[64];

	dut->pid = make_namespace();
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)dut->pid);
	dut->ns = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(dut->ns >= 0);
	shell("ip link add port%d type veth peer name eth0 address %s netns %d && ip link set port%d master private up && "
	      "nsenter --net=%s sh -c 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad' && nsenter --net=%s ip link set eth0 up && nsenter "
	      "--net=%s ip link set lo up",
	      number, dut->mac, (int)dut->pid, number, path, path, path);
	snprintf(path, sizeof(path), "port%d", number);
	bridge_await_port(path);
}

void set_address(const struct dut *dut, const char *address)
{
	shell("nsenter --net=/proc/%d/ns/net sh -c 'ip addr flush dev eth0 && ip addr add %s/16 dev eth0'", (int)dut->pid, address);
}

/* A socket of the machine. */
int dut_socket(const struct dut *dut, int type, uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	const int one = 1;
	int fd;

	assert_int_equal(setns(dut->ns, CLONE_NEWNET), 0);
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

int dut_icmp6_socket(const struct dut *dut)
{
	int fd;

	assert_int_equal(setns(dut->ns, CLONE_NEWNET), 0);
	fd = socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth0", 5), 0);
	assert_int_equal(setns(home, CLONE_NEWNET), 0);
	return fd;
}

bool readable(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, ms) == 1;
}

int duts_plug_in(void)
{
	home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < DUTS; i++)
		plug_in(&duts[i], i);
	return 0;
}
