#include "bootsd/dhcp_range.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX 4096

static bool default_range(struct dhcp_range *range, const struct interface *net, struct gw_error *err)
{
	uint32_t size = ~net->mask; /* one less than there are, so that a /0 does not overflow */
	uint32_t take = size / 4 < DEFAULT_MAX ? size / 4 + 1 : DEFAULT_MAX;

	if (size < 3)
		return gw_fail(err, GW_BAD_INPUT, "PRIVATE_INTERFACE: the subnet of '%s' has no room for machines", net->name);
	range->last = (net->ip | size) - 1; /* but for the broadcast address */
	range->first = take > 2 ? range->last + 2 - take : range->last;
	return true;
}

static bool split(char *text, uint32_t *first, uint32_t *last)
{
	char *dash = strchr(text, '-');

	if (!dash)
		return false;
	*dash = '\0';
	return ip4_decode(first, text) && ip4_decode(last, dash + 1);
}

bool dhcp_range_decode(struct dhcp_range *range, const char *text, const struct interface *net, struct gw_error *err)
{
	char *copy, low[IP4_TEXT], high[IP4_TEXT];
	bool ok;

	if (!text)
		return default_range(range, net, err);
	copy = gw_strdup(text);
	ok = split(copy, &range->first, &range->last);
	free(copy);
	if (ok && range->first <= range->last && range->last - range->first < DHCP_RANGE_MAX &&
	    (range->first & net->mask) == (net->ip & net->mask) && (range->last & net->mask) == (net->ip & net->mask))
		return true;
	return gw_fail(
		err, GW_BAD_INPUT,
		"BOOTS_DHCP_RANGE: '%s' is not a range of addresses; accepted: FIRST-LAST, at most %d, within %s's subnet (%s to %s)", text,
		DHCP_RANGE_MAX, net->name, ip4_print(low, net->ip & net->mask), ip4_print(high, net->ip | ~net->mask));
}
