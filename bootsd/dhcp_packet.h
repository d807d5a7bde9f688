/* DHCP packets (RFC 2131, 2132): bytes to fields and back. Pure. A client's bytes are borrowed, never copied, and every access is bounded.
 */
#ifndef BOOTSD_DHCP_PACKET_H
#define BOOTSD_DHCP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include "bootsd/addr.h"
#include "libgateway/error.h"

#define DHCP_PACKET_MAX 1472 /* what an Ethernet frame carries; nobody's request is longer */
#define DHCP_REPLY_MIN  300  /* BOOTP's length: some ROMs ignore shorter ones */
#define DHCP_LEAST_MAX  548  /* what each client accepts: 576 less IP's and UDP's headers */

enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE, DHCP_ACK, DHCP_NAK, DHCP_RELEASE, DHCP_INFORM };
const char *dhcp_type_name(enum dhcp_type type);

enum dhcp_code {
	DHCP_SUBNET_MASK = 1,
	DHCP_ROUTER = 3,
	DHCP_NAME_SERVER = 6,
	DHCP_HOSTNAME = 12,
	DHCP_WANTED_ADDRESS = 50,
	DHCP_LEASE_TIME = 51,
	DHCP_OVERLOAD = 52,
	DHCP_MESSAGE_TYPE = 53,
	DHCP_SERVER_ID = 54,
	DHCP_PARAMETER_LIST = 55,
	DHCP_MESSAGE = 56,
	DHCP_MAX_SIZE = 57,
	DHCP_VENDOR_CLASS = 60,
	DHCP_CLIENT_ID = 61,
	DHCP_TFTP_SERVER = 66,
	DHCP_BOOTFILE = 67,
	DHCP_USER_CLASS = 77,
	DHCP_ARCHITECTURE = 93,
	DHCP_UUID = 97,
	DHCP_IPXE = 175,
	DHCP_END = 255,
};

struct dhcp_bytes {
	const uint8_t *v; /* NULL: absent */
	size_t n;
};

struct dhcp_packet {
	enum dhcp_type type;
	uint32_t xid;
	bool broadcast; /* it cannot receive unicast yet */
	uint32_t ciaddr, giaddr;
	struct mac mac;
	struct dhcp_bytes options[256]; /* the first of each; borrowed from the packet */
};

/* A client's request from Ethernet. GW_BAD_INPUT that says what is wrong, for what is not one; a reply (BOOTREPLY) is not one. */
bool dhcp_decode(struct dhcp_packet *packet, const uint8_t *bytes, size_t n, struct gw_error *err);
uint32_t dhcp_ip_option(const struct dhcp_packet *packet, enum dhcp_code code); /* 0: absent or not four bytes */
bool dhcp_asks_for(const struct dhcp_packet *packet, enum dhcp_code code);
size_t dhcp_answer_max(const struct dhcp_packet *packet); /* bytes of the largest answer that the client accepts */

/* An answer that grows. What is never written is zero. */
struct dhcp_writer {
	uint8_t bytes[DHCP_PACKET_MAX];
	size_t n, max;
};
void dhcp_begin(struct dhcp_writer *w, const struct dhcp_packet *request, enum dhcp_type type);
void dhcp_set_your_ip(struct dhcp_writer *w, uint32_t ip);
void dhcp_set_next_server(struct dhcp_writer *w, uint32_t ip);
bool dhcp_set_file(struct dhcp_writer *w, const void *name, size_t n); /* false: longer than the header's field */
/* False: it does not fit, and nothing was added. Longer than 255 bytes is split (RFC 3396). */
bool dhcp_add(struct dhcp_writer *w, unsigned code, const void *bytes, size_t n);
bool dhcp_add_u32(struct dhcp_writer *w, unsigned code, uint32_t value); /* also for addresses */
void dhcp_end(struct dhcp_writer *w);

#endif
