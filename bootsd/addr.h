/* Addresses as bootsd handles them: MACs by value, IPv4 in host order (0: none). */
#ifndef BOOTSD_ADDR_H
#define BOOTSD_ADDR_H

#include <stdbool.h>
#include <stdint.h>

struct mac {
	uint8_t b[6];
};
#define MAC_TEXT 18 /* bytes of its text, with the NUL */
#define IP4_TEXT 16

bool mac_decode(struct mac *mac, const char *text); /* "52:54:00:11:22:0a", any case, nothing else */
char *mac_print(char out[MAC_TEXT], struct mac mac);
bool mac_equal(struct mac a, struct mac b);
bool mac_is_unicast(struct mac mac); /* neither a group's nor all zeros */
uint32_t mac_hash(struct mac mac);

bool ip4_decode(uint32_t *ip, const char *text);
char *ip4_print(char out[IP4_TEXT], uint32_t ip);
uint32_t ip4_hash(uint32_t ip);

#endif
