/* The machines of bootsd's tests: network namespaces with a card each on the private bridge, where a test opens sockets as the machine
 * would. */
#ifndef TESTS_HARNESS_BOOT_NET_H
#define TESTS_HARNESS_BOOT_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define GATEWAY 0x0a2a0001u /* 10.42.0.1 */
#define DUTS    2

extern struct dut {
	const char *mac, *id;
	pid_t pid;
	int ns; /* its network namespace */
} duts[DUTS];

/* Before the bus is joined, which does not survive a fork. Always 0. */
int duts_plug_in(void);
void set_address(const struct dut *dut, const char *address);   /* in 10.42.0.0/16, instead of what it had */
int dut_socket(const struct dut *dut, int type, uint16_t port); /* of the machine, bound, may broadcast; the caller closes it */
int dut_icmp6_socket(const struct dut *dut);                    /* raw, of its eth0 */
bool readable(int fd, int ms);

#endif
