/* What firmwares really sent: tests/fuzz/corpus/dhcp_packet. */
#ifndef TESTS_UNIT_BOOTSD_SEEDS_H
#define TESTS_UNIT_BOOTSD_SEEDS_H

#include <stdio.h>
#include <string.h>

#include "bootsd/dhcp_packet.h"

#define SEED_MAC "52:54:00:77:00:01" /* of all but U-Boot's, which has its own */

struct seed {
	uint8_t bytes[DHCP_PACKET_MAX];
	size_t n;
	struct dhcp_packet packet; /* borrows from bytes */
};

/* Reads it, gives it this MAC (NULL: its own) and decodes it. */
static inline void seed_load(struct seed *seed, const char *name, const char *mac)
{
	struct gw_error err = {0};
	char path[512];
	struct mac m;
	FILE *file;

	snprintf(path, sizeof(path), "%s/../fuzz/corpus/dhcp_packet/%s", TEST_DATA, name);
	file = fopen(path, "r");
	gw_assert(file);
	seed->n = fread(seed->bytes, 1, sizeof(seed->bytes), file);
	fclose(file);
	if (mac) {
		gw_assert(mac_decode(&m, mac));
		memcpy(seed->bytes + 28, m.b, sizeof(m.b));
	}
	gw_assert(dhcp_decode(&seed->packet, seed->bytes, seed->n, &err));
}

/* Writes into an option that is there, and decodes anew. */
static inline void seed_set(struct seed *seed, enum dhcp_code code, const void *bytes)
{
	memcpy(seed->bytes + (seed->packet.options[code].v - seed->bytes), bytes, seed->packet.options[code].n);
	gw_assert(dhcp_decode(&seed->packet, seed->bytes, seed->n, NULL));
}

static inline void seed_set_ip(struct seed *seed, enum dhcp_code code, uint32_t ip)
{
	seed_set(seed, code, (uint8_t[]){(uint8_t)(ip >> 24), (uint8_t)(ip >> 16), (uint8_t)(ip >> 8), (uint8_t)ip});
}

#endif
