#include "bootsd/dhcp_packet.h"

#include <string.h>

/* RFC 2131 figure 1: where the header's fields lie. */
enum {
	AT_OP = 0,
	AT_HTYPE = 1,
	AT_HLEN = 2,
	AT_XID = 4,
	AT_FLAGS = 10,
	AT_CIADDR = 12,
	AT_YIADDR = 16,
	AT_SIADDR = 20,
	AT_GIADDR = 24,
	AT_CHADDR = 28,
	AT_SNAME = 44,
	AT_FILE = 108,
	AT_MAGIC = 236,
	AT_OPTIONS = 240,
};
#define SNAME_BYTES 64
#define FILE_BYTES  128
#define BOOTREQUEST 1
#define BOOTREPLY   2
#define ETHERNET    1
#define BROADCAST   0x80 /* of the flags' first byte */
#define OPTION_PAD  0

static const uint8_t magic[4] = {99, 130, 83, 99};

const char *dhcp_type_name(enum dhcp_type type)
{
	static const char *const names[] = {"?", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM"};

	return names[type <= DHCP_INFORM ? type : 0];
}

static uint32_t u32_at(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* One field of options. A missing end is forgiven, an option that reaches beyond the field is not. */
static bool take_options(struct dhcp_packet *packet, const char *where, const uint8_t *p, size_t n, struct gw_error *err)
{
	for (size_t i = 0; i < n && p[i] != DHCP_END;) {
		uint8_t code = p[i];

		if (code == OPTION_PAD) {
			i++;
			continue;
		}
		if (i + 2 > n || p[i + 1] > n - i - 2)
			return gw_fail(err, GW_BAD_INPUT, "option %u at byte %zu of the %s reaches beyond its end", code, i, where);
		if (!packet->options[code].v)
			packet->options[code] = (struct dhcp_bytes){p + i + 2, p[i + 1]};
		i += 2 + (size_t)p[i + 1];
	}
	return true;
}

/* RFC 2132 section 9.3: options may go on in the header's two text fields. */
static bool take_overload(struct dhcp_packet *packet, const uint8_t *bytes, struct gw_error *err)
{
	const struct dhcp_bytes *o = &packet->options[DHCP_OVERLOAD];
	unsigned fields = o->n == 1 ? o->v[0] : 0;

	return (!(fields & 1) || take_options(packet, "file field", bytes + AT_FILE, FILE_BYTES, err)) &&
	       (!(fields & 2) || take_options(packet, "server name field", bytes + AT_SNAME, SNAME_BYTES, err));
}

static bool take_type(struct dhcp_packet *packet, struct gw_error *err)
{
	const struct dhcp_bytes *o = &packet->options[DHCP_MESSAGE_TYPE];

	if (o->n != 1 || o->v[0] < DHCP_DISCOVER || o->v[0] > DHCP_INFORM)
		return gw_fail(err, GW_BAD_INPUT, "option 53 (message type) is missing or none of 1 to 8");
	packet->type = o->v[0];
	return true;
}

static bool take_header(struct dhcp_packet *packet, const uint8_t *bytes, size_t n, struct gw_error *err)
{
	if (n < AT_OPTIONS || n > DHCP_PACKET_MAX)
		return gw_fail(err, GW_BAD_INPUT, "%zu bytes are not a DHCP packet; accepted: %d to %d", n, AT_OPTIONS, DHCP_PACKET_MAX);
	if (bytes[AT_OP] != BOOTREQUEST)
		return gw_fail(err, GW_BAD_INPUT, "operation %u is not a request (1)", bytes[AT_OP]);
	if (bytes[AT_HTYPE] != ETHERNET || bytes[AT_HLEN] != sizeof(packet->mac.b))
		return gw_fail(err, GW_BAD_INPUT, "hardware type %u with addresses of %u bytes is not Ethernet", bytes[AT_HTYPE],
			       bytes[AT_HLEN]);
	if (memcmp(bytes + AT_MAGIC, magic, sizeof(magic)) != 0)
		return gw_fail(err, GW_BAD_INPUT, "no DHCP options (magic cookie 63825363) behind the header");
	memcpy(packet->mac.b, bytes + AT_CHADDR, sizeof(packet->mac.b));
	if (!mac_is_unicast(packet->mac))
		return gw_fail(err, GW_BAD_INPUT, "the client's MAC is no machine's: a group's or all zeros");
	packet->xid = u32_at(bytes + AT_XID);
	packet->broadcast = bytes[AT_FLAGS] & BROADCAST;
	packet->ciaddr = u32_at(bytes + AT_CIADDR);
	packet->giaddr = u32_at(bytes + AT_GIADDR);
	return true;
}

bool dhcp_decode(struct dhcp_packet *packet, const uint8_t *bytes, size_t n, struct gw_error *err)
{
	memset(packet, 0, sizeof(*packet));
	return take_header(packet, bytes, n, err) && take_options(packet, "options", bytes + AT_OPTIONS, n - AT_OPTIONS, err) &&
	       take_overload(packet, bytes, err) && take_type(packet, err);
}

uint32_t dhcp_ip_option(const struct dhcp_packet *packet, enum dhcp_code code)
{
	const struct dhcp_bytes *o = &packet->options[code];

	return o->n == 4 ? u32_at(o->v) : 0;
}

bool dhcp_asks_for(const struct dhcp_packet *packet, enum dhcp_code code)
{
	const struct dhcp_bytes *list = &packet->options[DHCP_PARAMETER_LIST];

	return list->n && memchr(list->v, code, list->n);
}

size_t dhcp_answer_max(const struct dhcp_packet *packet)
{
	const struct dhcp_bytes *o = &packet->options[DHCP_MAX_SIZE];
	size_t max = o->n == 2 ? (size_t)(o->v[0] << 8 | o->v[1]) : 0; /* of the IP packet, RFC 2132 section 9.10 */

	if (max < DHCP_LEAST_MAX + 28)
		return DHCP_LEAST_MAX;
	return max - 28 < DHCP_PACKET_MAX ? max - 28 : DHCP_PACKET_MAX;
}

void dhcp_begin(struct dhcp_writer *w, const struct dhcp_packet *request, enum dhcp_type type)
{
	memset(w->bytes, 0, sizeof(w->bytes));
	w->bytes[AT_OP] = BOOTREPLY;
	w->bytes[AT_HTYPE] = ETHERNET;
	w->bytes[AT_HLEN] = sizeof(request->mac.b);
	put_u32(w->bytes + AT_XID, request->xid);
	w->bytes[AT_FLAGS] = request->broadcast ? BROADCAST : 0;
	if (type != DHCP_NAK) /* RFC 2131 table 3 */
		put_u32(w->bytes + AT_CIADDR, type == DHCP_ACK ? request->ciaddr : 0);
	memcpy(w->bytes + AT_CHADDR, request->mac.b, sizeof(request->mac.b));
	memcpy(w->bytes + AT_MAGIC, magic, sizeof(magic));
	w->n = AT_OPTIONS;
	w->max = dhcp_answer_max(request) - 1; /* for the end */
	dhcp_add(w, DHCP_MESSAGE_TYPE, &(uint8_t){(uint8_t)type}, 1);
}

void dhcp_set_your_ip(struct dhcp_writer *w, uint32_t ip)
{
	put_u32(w->bytes + AT_YIADDR, ip);
}

void dhcp_set_next_server(struct dhcp_writer *w, uint32_t ip)
{
	put_u32(w->bytes + AT_SIADDR, ip);
}

bool dhcp_set_file(struct dhcp_writer *w, const void *name, size_t n)
{
	if (n >= FILE_BYTES)
		return false;
	memset(w->bytes + AT_FILE, 0, FILE_BYTES);
	memcpy(w->bytes + AT_FILE, name, n);
	return true;
}

bool dhcp_add(struct dhcp_writer *w, unsigned code, const void *bytes, size_t n)
{
	const uint8_t *from = n ? bytes : (const uint8_t *)"";
	size_t pieces = n ? (n + 254) / 255 : 1;

	if (2 * pieces + n > w->max - w->n)
		return false;
	while (pieces--) {
		size_t piece = n < 255 ? n : 255;

		w->bytes[w->n++] = (uint8_t)code;
		w->bytes[w->n++] = (uint8_t)piece;
		memcpy(w->bytes + w->n, from, piece);
		w->n += piece;
		from += piece;
		n -= piece;
	}
	return true;
}

bool dhcp_add_u32(struct dhcp_writer *w, unsigned code, uint32_t value)
{
	uint8_t bytes[4];

	put_u32(bytes, value);
	return dhcp_add(w, code, bytes, sizeof(bytes));
}

void dhcp_end(struct dhcp_writer *w)
{
	w->bytes[w->n++] = DHCP_END;
	if (w->n < DHCP_REPLY_MIN)
		w->n = DHCP_REPLY_MIN;
}
