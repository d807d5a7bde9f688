/* Who holds which address of the dynamic range. A DUT with an address of its own is not in here, and its address is never lent to another.
 *
 * Pure but for the journal: time is an argument, monotonic milliseconds. A MAC keeps its address after the lease, while nobody needs it. */
#ifndef BOOTSD_DHCP_LEASES_H
#define BOOTSD_DHCP_LEASES_H

#include <stddef.h>

#include "bootsd/dhcp_range.h"
#include "bootsd/machines.h"

#define LEASE_OFFER_MS   30000  /* how long an offered address waits for its REQUEST (OVMF takes 4 s) */
#define LEASE_DECLINE_MS 600000 /* how long an address that somebody else was seen to use is not lent */
#define LEASE_SECONDS    3600

enum lease_kind { LEASE_NONE, LEASE_OFFERED, LEASE_BOUND, LEASE_RELEASED, LEASE_DECLINED };
struct lease {
	struct mac mac;
	uint8_t kind;
	uint64_t until_ms;   /* OFFERED, BOUND, DECLINED */
	uint64_t written_ms; /* the until_ms that the journal has; 0: none */
	uint32_t next;       /* in its hash's slot: index + 1 */
};

struct leases {
	struct dhcp_range range;
	const struct interface *net;     /* borrowed */
	const struct machines *machines; /* borrowed */
	struct lease *v;                 /* one for each address of the range */
	size_t n;
	uint32_t *by_mac; /* index + 1; a power of two of slots */
	size_t slots;
	/* Told of each change that must outlive a restart. `until_ms` 0: it holds the address no more. NULL: nobody is. */
	void (*changed)(void *data, struct mac mac, uint32_t ip, uint64_t until_ms);
	void *data;
};

void leases_init(struct leases *leases, struct dhcp_range range, const struct interface *net, const struct machines *machines);
void leases_finish(struct leases *leases); /* accepts zeroed memory */

/* An address for this MAC: what it has, else what it wants if that is free, else a free one; 0: there is none. Held for LEASE_OFFER_MS. */
uint32_t leases_offer(struct leases *leases, struct mac mac, uint32_t wanted, uint64_t now_ms);
uint32_t leases_address_of(const struct leases *leases, struct mac mac, uint64_t now_ms); /* what it was offered or holds; 0: nothing */
bool leases_bind(struct leases *leases, struct mac mac, uint32_t ip, uint64_t now_ms);    /* false: it is not this MAC's */
void leases_release(struct leases *leases, struct mac mac, uint32_t ip);                  /* nothing if it is not this MAC's */
void leases_decline(struct leases *leases, struct mac mac, uint32_t ip, uint64_t now_ms); /* the same */
/* Whose this address is; also after its lease, while nobody else needs it: some systems never renew. */
bool leases_holder(const struct leases *leases, uint32_t ip, struct mac *mac);
/* From the journal, at start. One that cannot be any more is ignored. */
void leases_restore(struct leases *leases, struct mac mac, uint32_t ip, uint64_t until_ms);

#endif
