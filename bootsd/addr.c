#include "bootsd/addr.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

bool mac_decode(struct mac *mac, const char *text)
{
	if (strlen(text) != MAC_TEXT - 1)
		return false;
	for (int i = 0; i < 6; i++, text += 3) {
		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) || text[2] != (i < 5 ? ':' : '\0'))
			return false;
		mac->b[i] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	}
	return true;
}

char *mac_print(char out[MAC_TEXT], struct mac mac)
{
	snprintf(out, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac.b[0], mac.b[1], mac.b[2], mac.b[3], mac.b[4], mac.b[5]);
	return out;
}

bool mac_equal(struct mac a, struct mac b)
{
	return memcmp(a.b, b.b, sizeof(a.b)) == 0;
}

bool mac_is_unicast(struct mac mac)
{
	return !(mac.b[0] & 1) && !mac_equal(mac, (struct mac){{0}});
}

/* FNV-1a, with the high bits mixed down: machines of one maker differ in the last byte only. */
static uint32_t hash(const uint8_t *bytes, size_t n)
{
	uint32_t h = 2166136261u;

	while (n--)
		h = (h ^ *bytes++) * 16777619u;
	return h ^ h >> 15;
}

uint32_t mac_hash(struct mac mac)
{
	return hash(mac.b, sizeof(mac.b));
}

bool ip4_decode(uint32_t *ip, const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*ip = ntohl(in.s_addr);
	return true;
}

char *ip4_print(char out[IP4_TEXT], uint32_t ip)
{
	snprintf(out, IP4_TEXT, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
	return out;
}

uint32_t ip4_hash(uint32_t ip)
{
	return hash((const uint8_t *)&ip, sizeof(ip));
}
