#include "bootsd/dhcp_leases.h"

#include <stdlib.h>
#include <string.h>

#define WRITE_AFTER_MS 60000 /* a renewal is written once it moves the end by so much: a client cannot fill the journal */

static uint32_t *mac_slot(const struct leases *l, struct mac mac)
{
	return &l->by_mac[mac_hash(mac) & (l->slots - 1)];
}

static uint32_t ip_of(const struct leases *l, const struct lease *lease)
{
	return l->range.first + (uint32_t)(lease - l->v);
}

static struct lease *at_ip(const struct leases *l, uint32_t ip)
{
	return ip >= l->range.first && ip <= l->range.last ? &l->v[ip - l->range.first] : NULL;
}

static struct lease *find(const struct leases *l, struct mac mac)
{
	uint32_t i = *mac_slot(l, mac);

	while (i && !mac_equal(l->v[i - 1].mac, mac))
		i = l->v[i - 1].next;
	return i ? &l->v[i - 1] : NULL;
}

static void drop(struct leases *l, struct lease *lease)
{
	uint32_t index = (uint32_t)(lease - l->v) + 1, *at = mac_slot(l, lease->mac);

	if (lease->kind == LEASE_NONE || lease->kind == LEASE_DECLINED) /* nobody's */
		return;
	while (*at != index)
		at = &l->v[*at - 1].next;
	*at = lease->next;
	*lease = (struct lease){0};
}

static void give(struct leases *l, struct lease *lease, struct mac mac)
{
	uint32_t *slot = mac_slot(l, mac);

	drop(l, lease);
	*lease = (struct lease){.mac = mac, .kind = LEASE_RELEASED, .next = *slot};
	*slot = (uint32_t)(lease - l->v) + 1;
}

/* Neither the gateway's, a DUT's own, nor one that some old stacks take for a network's or broadcast address. */
static bool may_lend(const struct leases *l, uint32_t ip)
{
	return interface_may_lend(l->net, ip) && (ip & 255) != 0 && (ip & 255) != 255 && !machines_by_ip(l->machines, ip);
}

static bool is_over(const struct lease *lease, uint64_t now_ms)
{
	return lease->kind == LEASE_NONE || lease->kind == LEASE_RELEASED || lease->until_ms <= now_ms;
}

void leases_init(struct leases *l, struct dhcp_range range, const struct interface *net, const struct machines *machines)
{
	*l = (struct leases){.range = range, .net = net, .machines = machines, .n = range.last - range.first + 1};
	l->v = gw_calloc(l->n, sizeof(*l->v));
	for (l->slots = 64; l->slots < l->n; l->slots *= 2)
		;
	l->by_mac = gw_calloc(l->slots, sizeof(*l->by_mac));
}

void leases_finish(struct leases *l)
{
	free(l->v);
	free(l->by_mac);
	*l = (struct leases){0};
}

/* From where the MAC's hash says, the first that was never given away, else the first whose lease is over: so a machine gets the same
 * address again even if everything was forgotten. */
static struct lease *find_free(struct leases *l, struct mac mac, uint64_t now_ms)
{
	size_t start = mac_hash(mac) % l->n;
	struct lease *over = NULL;

	for (size_t i = 0; i < l->n; i++) {
		struct lease *lease = &l->v[(start + i) % l->n];

		if ((lease->kind != LEASE_NONE && (over || !is_over(lease, now_ms))) || !may_lend(l, ip_of(l, lease)))
			continue;
		if (lease->kind == LEASE_NONE)
			return lease;
		over = lease;
	}
	return over;
}

/* The lease of this MAC, if its address may still be lent. */
static struct lease *find_valid(const struct leases *l, struct mac mac)
{
	struct lease *lease = find(l, mac);

	return lease && may_lend(l, ip_of(l, lease)) ? lease : NULL;
}

static void drop_of(struct leases *l, struct mac mac)
{
	struct lease *old = find(l, mac);

	if (old)
		drop(l, old);
}

uint32_t leases_offer(struct leases *l, struct mac mac, uint32_t wanted, uint64_t now_ms)
{
	struct lease *lease = find_valid(l, mac), *other = at_ip(l, wanted);

	if (!lease) {
		drop_of(l, mac);
		lease = other && is_over(other, now_ms) && may_lend(l, wanted) ? other : find_free(l, mac, now_ms);
		if (!lease)
			return 0;
		give(l, lease, mac);
	}
	if (lease->kind != LEASE_BOUND || is_over(lease, now_ms)) {
		lease->kind = LEASE_OFFERED;
		lease->until_ms = now_ms + LEASE_OFFER_MS;
	}
	return ip_of(l, lease);
}

uint32_t leases_address_of(const struct leases *l, struct mac mac, uint64_t now_ms)
{
	const struct lease *lease = find_valid(l, mac);

	return lease && !is_over(lease, now_ms) ? ip_of(l, lease) : 0;
}

bool leases_bind(struct leases *l, struct mac mac, uint32_t ip, uint64_t now_ms)
{
	struct lease *lease = find_valid(l, mac);

	if (!lease || ip_of(l, lease) != ip)
		return false;
	lease->kind = LEASE_BOUND;
	lease->until_ms = now_ms + LEASE_SECONDS * 1000ull;
	if (lease->until_ms - lease->written_ms > WRITE_AFTER_MS) {
		lease->written_ms = lease->until_ms;
		if (l->changed)
			l->changed(l->data, mac, ip, lease->until_ms);
	}
	return true;
}

/* The lease of this address, if it is this MAC's: nobody gives another's away. */
static struct lease *own_lease(const struct leases *l, struct mac mac, uint32_t ip)
{
	struct lease *lease = at_ip(l, ip);

	return lease && lease->kind != LEASE_NONE && lease->kind != LEASE_DECLINED && mac_equal(lease->mac, mac) ? lease : NULL;
}

static void give_up(struct leases *l, struct lease *lease)
{
	bool was_written = lease->written_ms != 0;

	lease->kind = LEASE_RELEASED;
	lease->until_ms = lease->written_ms = 0;
	if (was_written && l->changed)
		l->changed(l->data, lease->mac, ip_of(l, lease), 0);
}

void leases_release(struct leases *l, struct mac mac, uint32_t ip)
{
	struct lease *lease = own_lease(l, mac, ip);

	if (lease)
		give_up(l, lease);
}

void leases_decline(struct leases *l, struct mac mac, uint32_t ip, uint64_t now_ms)
{
	struct lease *lease = own_lease(l, mac, ip);

	if (!lease)
		return;
	give_up(l, lease);
	drop(l, lease);
	*lease = (struct lease){.kind = LEASE_DECLINED, .until_ms = now_ms + LEASE_DECLINE_MS};
}

bool leases_holder(const struct leases *l, uint32_t ip, struct mac *mac)
{
	const struct lease *lease = at_ip(l, ip);

	if (!lease || lease->kind != LEASE_BOUND)
		return false;
	*mac = lease->mac;
	return true;
}

void leases_restore(struct leases *l, struct mac mac, uint32_t ip, uint64_t until_ms)
{
	struct lease *lease = at_ip(l, ip);

	if (!lease || !mac_is_unicast(mac))
		return;
	drop_of(l, mac);
	give(l, lease, mac);
	if (until_ms) {
		lease->kind = LEASE_BOUND;
		lease->until_ms = lease->written_ms = until_ms;
	}
}
