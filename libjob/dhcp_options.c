#include "libjob/dhcp_options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
	unsigned char v[DHCP_OPTION_MAX];
	size_t n;
};

typedef bool encode_fn(struct bytes *out, const char *value); /* false: the value does not fit the option */

static bool add(struct bytes *out, const void *bytes, size_t n)
{
	if (n > sizeof(out->v) - out->n)
		return false;
	memcpy(out->v + out->n, bytes, n);
	out->n += n;
	return true;
}

static bool encode_text(struct bytes *out, const char *value)
{
	return *value && add(out, value, strlen(value));
}

static bool encode_addresses(struct bytes *out, const char *value)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr address;

	for (;;) {
		size_t n = strcspn(value, ",");
		if (n >= sizeof(text))
			return false;
		memcpy(text, value, n);
		text[n] = '\0';
		if (inet_pton(AF_INET, text, &address) != 1 || !add(out, &address, 4))
			return false;
		if (!value[n])
			return true;
		value += n + 1;
		value += strspn(value, " ");
	}
}

static bool encode_address(struct bytes *out, const char *value)
{
	return encode_addresses(out, value) && out->n == 4;
}

static bool encode_seconds(struct bytes *out, const char *value)
{
	char *end;
	unsigned long long seconds;
	uint32_t wire;

	errno = 0;
	seconds = strtoull(value, &end, 10);
	wire = htonl((uint32_t)seconds);
	return isdigit((unsigned char)value[0]) && !*end && !errno && seconds <= UINT32_MAX && add(out, &wire, 4);
}

/* Two digits a byte; `between` may stand between bytes. False: something else was found, or an odd digit. */
static bool add_hex(struct bytes *out, const char *digits, const char *between)
{
	while (*digits) {
		char two[3] = {digits[0], digits[1]};
		unsigned char byte;

		if (!isxdigit((unsigned char)two[0]) || !isxdigit((unsigned char)two[1]))
			return false;
		byte = (unsigned char)strtoul(two, NULL, 16);
		if (!add(out, &byte, 1))
			return false;
		digits += 2;
		digits += *digits && digits[1] && strchr(between, *digits) ? 1 : 0;
	}
	return true;
}

/* RFC 4578, 2.3: type 0, then the 16 bytes as they are written. */
static bool encode_uuid(struct bytes *out, const char *value)
{
	return add(out, "", 1) && strlen(value) == 36 && add_hex(out, value, "-") && out->n == 17;
}

/* RFC 2132, 9.14: a hardware type and address, or type 0 and anything. */
static bool encode_client_id(struct bytes *out, const char *value)
{
	struct bytes mac = {0};

	if (strlen(value) == 17 && add(&mac, "\1", 1) && add_hex(&mac, value, ":") && mac.n == 7) {
		*out = mac;
		return true;
	}
	return add(out, "", 1) && encode_text(out, value);
}

/* RFC 4702, 2.1: no flags, the name in ASCII. */
static bool encode_fqdn(struct bytes *out, const char *value)
{
	return add(out, "\0\0\0", 3) && encode_text(out, value);
}

static bool encode_any(struct bytes *out, const char *value)
{
	if (strncmp(value, "0x", 2) == 0)
		return value[2] && add_hex(out, value + 2, "");
	return encode_text(out, value);
}

static const struct {
	int code;
	encode_fn *encode;
	const char *accepted;
} options[] = {
	{1, encode_address, "an IPv4 mask"},
	{3, encode_addresses, "IPv4 addresses"},
	{4, encode_addresses, "IPv4 addresses"},
	{5, encode_addresses, "IPv4 addresses"},
	{6, encode_addresses, "IPv4 addresses"},
	{7, encode_addresses, "IPv4 addresses"},
	{12, encode_text, "a host name"},
	{28, encode_address, "an IPv4 address"},
	{42, encode_addresses, "IPv4 addresses"},
	{51, encode_seconds, "seconds, 0 to 4294967295"},
	{54, encode_address, "an IPv4 address"},
	{60, encode_text, "text"},
	{61, encode_client_id, "a MAC address or text"},
	{66, encode_text, "a host name or address"},
	{67, encode_text, "a file name or URL"},
	{81, encode_fqdn, "a domain name"},
	{97, encode_uuid, "a UUID, as 01234567-89ab-cdef-0123-456789abcdef"},
};

bool dhcp_option_encode(int code, const char *value, char hex[DHCP_OPTION_HEX_MAX + 1], const char *where, struct gw_error *err)
{
	encode_fn *encode = encode_any;
	const char *accepted = "text, or 0x and pairs of hexadecimal digits";
	struct bytes bytes = {0};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (options[i].code == code) {
			encode = options[i].encode;
			accepted = options[i].accepted;
		}
	}
	if (!encode(&bytes, value))
		return gw_fail(err, GW_BAD_INPUT, "%s: DHCP option %d: '%.100s' does not fit; accepted: %s, at most %d bytes", where, code,
			       value, accepted, DHCP_OPTION_MAX);
	for (size_t i = 0; i < bytes.n; i++)
		snprintf(hex + 2 * i, 3, "%02x", bytes.v[i]);
	return true;
}
