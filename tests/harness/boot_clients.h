/* What machines do to boot: DHCP as firmwares speak it, HTTP, TFTP. */
#ifndef TESTS_HARNESS_BOOT_CLIENTS_H
#define TESTS_HARNESS_BOOT_CLIENTS_H

#include <netinet/in.h>

#include "bootsd/dhcp_packet.h"
#include "bootsd/tftp_packet.h"
#include "tests/harness/boot_net.h"

struct reply {
	uint8_t bytes[DHCP_PACKET_MAX];
	size_t n;
	struct dhcp_packet packet; /* its options */
	uint32_t yiaddr, siaddr;
	char file[129];
};

/* What a firmware really sent (tests/fuzz/corpus), with this MAC; a REQUEST names the address and server of `offer`. */
size_t firmware_packet(uint8_t bytes[DHCP_PACKET_MAX], const char *seed, const char *mac, const struct reply *offer);
void broadcast(int fd, const uint8_t *bytes, size_t n);
void receive(int fd, struct reply *r);
const char *text_of(const struct reply *r, enum dhcp_code code); /* borrowed until the next call */
/* DISCOVER, OFFER, REQUEST, ACK of a firmware on `dut`'s wire. */
void boot_request(const struct dut *dut, const char *firmware, const char *mac, struct reply *ack);

char *http(const struct dut *dut, const char *method, const char *path,
	   const char *more); /* the answer; `more`: header lines. Caller frees */
/* The same in two halves: the request is sent, maybe to wait for long; then what is answered. */
int http_begin(const struct dut *dut, const char *method, const char *path, const char *more);
char *http_end(int fd);
/* `body` NULL: any. */
void expect_http(const struct dut *dut, const char *method, const char *path, const char *more, int status, const char *body);

struct tftp {
	int fd;
	struct sockaddr_in peer;
	uint8_t bytes[2048];
	ssize_t n;
};
#define RRQ(text) "\0\1" text, sizeof(text) + 2
void tftp_ask(struct tftp *t, const struct dut *dut, const char *request, size_t n);
void tftp_hear(struct tftp *t);
/* The next data with this number: what was said before is said again while it is not answered, which we may be slow to do. */
void tftp_hear_block(struct tftp *t, unsigned block);
void tftp_ack(struct tftp *t, unsigned block);
void expect_tftp_error(const struct dut *dut, const char *request, size_t n, int code, const char *text);
void every_machine_gets_ipxe_s_binaries(void **state); /* a test of its own */

#endif
