#include "tests/harness/boot_clients.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/proc.h"

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint8_t *option_in(uint8_t *bytes, size_t n, uint8_t code)
{
	for (size_t i = 240; i + 2 < n && bytes[i] != 255; i += bytes[i] ? 2u + bytes[i + 1] : 1u)
		if (bytes[i] == code)
			return bytes + i + 2;
	return NULL;
}

/* What a firmware really sent (tests/fuzz/corpus), with this MAC; a REQUEST names the address and server of `offer`. */
size_t firmware_packet(uint8_t bytes[DHCP_PACKET_MAX], const char *seed, const char *mac, const struct reply *offer)
{
	static uint32_t xid = 0x42;
	char *path = gw_sprintf("%s/../fuzz/corpus/dhcp_packet/%s", TEST_DATA, seed);
	FILE *file = fopen(path, "r");
	struct mac m;
	size_t n;

	assert_non_null(file);
	free(path);
	n = fread(bytes, 1, DHCP_PACKET_MAX, file);
	fclose(file);
	assert_true(mac_decode(&m, mac));
	memcpy(bytes + 28, m.b, 6);
	if (!offer)
		xid++;
	memcpy(bytes + 4, &xid, 4);
	if (offer) {
		memcpy(option_in(bytes, n, 50), offer->bytes + 16, 4);
		memcpy(option_in(bytes, n, 54), (uint8_t[]){10, 42, 0, 1}, 4);
	}
	return n;
}

void broadcast(int fd, const uint8_t *bytes, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(67), .sin_addr.s_addr = INADDR_BROADCAST};

	assert_int_equal(sendto(fd, bytes, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

void receive(int fd, struct reply *r)
{
	uint8_t as_request[DHCP_PACKET_MAX];
	struct gw_error err = {0};
	ssize_t n;

	assert_true(readable(fd, PROC_PATIENCE_MS));
	n = recv(fd, r->bytes, sizeof(r->bytes), 0);
	assert_true(n >= DHCP_REPLY_MIN);
	r->n = (size_t)n;
	assert_int_equal(r->bytes[0], 2);
	memcpy(as_request, r->bytes, r->n);
	r->bytes[0] = 1;
	if (!dhcp_decode(&r->packet, r->bytes, r->n, &err))
		fail_msg("%s", err.text);
	r->yiaddr = u32(r->bytes + 16);
	r->siaddr = u32(r->bytes + 20);
	memcpy(r->file, r->bytes + 108, 128);
}

const char *text_of(const struct reply *r, enum dhcp_code code)
{
	static char text[256];
	struct dhcp_bytes o = r->packet.options[code];

	if (!o.v)
		return "(none)";
	memcpy(text, o.v, o.n);
	text[o.n] = '\0';
	return text;
}

/* DISCOVER, OFFER, REQUEST, ACK of a firmware on `dut`'s wire. */
void boot_request(const struct dut *dut, const char *firmware, const char *mac, struct reply *ack)
{
	int fd = dut_socket(dut, SOCK_DGRAM, 68);
	uint8_t bytes[DHCP_PACKET_MAX];
	struct reply offer = {0};
	char seed[64];

	snprintf(seed, sizeof(seed), "%s-discover", firmware);
	broadcast(fd, bytes, firmware_packet(bytes, seed, mac, NULL));
	receive(fd, &offer);
	assert_int_equal(offer.packet.type, DHCP_OFFER);
	snprintf(seed, sizeof(seed), "%s-request", firmware);
	broadcast(fd, bytes, firmware_packet(bytes, seed, mac, &offer));
	receive(fd, ack);
	assert_int_equal(ack->packet.type, DHCP_ACK);
	assert_int_equal(ack->yiaddr, offer.yiaddr);
	close(fd);
}

static int connect_http(const struct dut *dut)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(8090), .sin_addr.s_addr = htonl(GATEWAY)};
	int fd = dut_socket(dut, SOCK_STREAM, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* The whole answer; the caller frees. `more`: header lines. */
int http_begin(const struct dut *dut, const char *method, const char *path, const char *more)
{
	char *rq = gw_sprintf("%s %s HTTP/1.1\r\nHost: 10.42.0.1\r\nConnection: close\r\n%s\r\n", method, path, more);
	int fd = connect_http(dut);

	assert_int_equal(send(fd, rq, strlen(rq), 0), strlen(rq));
	free(rq);
	return fd;
}

char *http_end(int fd)
{
	char *got = gw_calloc(1, 65536);
	size_t n = 0;
	ssize_t r;

	while (readable(fd, PROC_PATIENCE_MS) && (r = recv(fd, got + n, 65535 - n, 0)) > 0)
		n += (size_t)r;
	close(fd);
	return got;
}

char *http(const struct dut *dut, const char *method, const char *path, const char *more)
{
	return http_end(http_begin(dut, method, path, more));
}

void expect_http(const struct dut *dut, const char *method, const char *path, const char *more, int status, const char *body)
{
	char *got = http(dut, method, path, more), *at = strstr(got, "\r\n\r\n");

	assert_non_null(at);
	if (atoi(got + 9) != status || (body && strcmp(at + 4, body) != 0))
		fail_msg("%s %s: wanted %d and '%s', got: %s", method, path, status, body, got);
	free(got);
}

void tftp_ask(struct tftp *t, const struct dut *dut, const char *request, size_t n)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(69), .sin_addr.s_addr = htonl(GATEWAY)};

	t->fd = dut_socket(dut, SOCK_DGRAM, 0);
	assert_int_equal(sendto(t->fd, request, n, 0, (struct sockaddr *)&to, sizeof(to)), n);
}

void tftp_hear(struct tftp *t)
{
	socklen_t len = sizeof(t->peer);

	assert_true(readable(t->fd, PROC_PATIENCE_MS));
	memset(t->bytes, 0, sizeof(t->bytes));
	t->n = recvfrom(t->fd, t->bytes, sizeof(t->bytes) - 1, 0, (struct sockaddr *)&t->peer, &len);
}

void tftp_hear_block(struct tftp *t, unsigned block)
{
	do {
		tftp_hear(t);
		assert_true(t->bytes[1] == TFTP_OACK || t->bytes[1] == TFTP_DATA);
	} while (t->bytes[1] != TFTP_DATA || (unsigned)(t->bytes[2] << 8 | t->bytes[3]) != block);
}

void tftp_ack(struct tftp *t, unsigned block)
{
	uint8_t bytes[] = {0, TFTP_ACK, (uint8_t)(block >> 8), (uint8_t)block};

	assert_int_equal(sendto(t->fd, bytes, sizeof(bytes), 0, (struct sockaddr *)&t->peer, sizeof(t->peer)), sizeof(bytes));
}

void expect_tftp_error(const struct dut *dut, const char *request, size_t n, int code, const char *text)
{
	struct tftp t = {0};

	tftp_ask(&t, dut, request, n);
	tftp_hear(&t);
	assert_int_equal(t.bytes[1], TFTP_ERROR);
	assert_int_equal(t.bytes[3], code);
	assert_string_equal((char *)t.bytes + 4, text);
	close(t.fd);
}

void every_machine_gets_ipxe_s_binaries(void **state)
{
	struct tftp t = {0};

	tftp_ask(&t, &duts[1], RRQ("snponly.efi\0octet\0blksize\0001468"));
	tftp_hear(&t);
	assert_int_equal(t.bytes[1], TFTP_OACK);
	tftp_ack(&t, 0);
	tftp_hear_block(&t, 1);
	assert_memory_equal(t.bytes, "\0\3\0\1MZ", 6);
	close(t.fd);
}
