#include "artifactd/deny.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/fetch_url.h"

#define MAPPED_BITS 96 /* of ::ffff:0:0/96, which holds IPv4 */

static struct in6_addr mapped(struct in_addr v4)
{
	struct in6_addr address = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

	memcpy(&address.s6_addr[12], &v4, sizeof(v4));
	return address;
}

static bool read_address(const char *text, struct in6_addr *address, unsigned *first_bits)
{
	struct in_addr v4;

	*first_bits = 0;
	if (inet_pton(AF_INET6, text, address) == 1)
		return true;
	if (inet_pton(AF_INET, text, &v4) != 1)
		return false;
	*first_bits = MAPPED_BITS;
	*address = mapped(v4);
	return true;
}

static bool read_network(const char *text, struct deny_network *network, struct gw_error *err)
{
	char address[INET6_ADDRSTRLEN + 1], *end;
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned first, most;
	unsigned long bits;

	snprintf(address, sizeof(address), "%.*s", (int)(len < sizeof(address) ? len : sizeof(address) - 1), text);
	if (len >= sizeof(address) || !read_address(address, &network->address, &first))
		return gw_fail(err, GW_BAD_INPUT, "'%.100s' is not a network; accepted: ADDRESS/BITS, as 10.0.0.0/8 or fe80::/10", text);
	most = 128 - first;
	bits = slash ? strtoul(slash + 1, &end, 10) : most;
	if (slash && (end == slash + 1 || *end || slash[1] == '-' || bits > most))
		return gw_fail(err, GW_BAD_INPUT, "'%.100s': '%.20s' is not a length of its prefix; accepted: 0 to %u", text, slash + 1,
			       most);
	network->bits = first + (unsigned)bits;
	return true;
}

bool deny_parse(struct deny *deny, const char *text, struct gw_error *err)
{
	char *copy = gw_strdup(text ? text : ""), *rest = copy, *word;
	bool ok = true;

	while (ok && (word = strsep(&rest, " \t\n"))) {
		if (!*word)
			continue;
		deny->networks = gw_realloc(deny->networks, (deny->n_networks + 1) * sizeof(*deny->networks));
		ok = read_network(word, &deny->networks[deny->n_networks], err);
		deny->n_networks += ok;
	}
	free(copy);
	return ok;
}

/* "Any address" as a destination is this machine's loopback. */
static struct in6_addr meant(struct in6_addr address)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT, loopback = IN6ADDR_LOOPBACK_INIT;
	const struct in_addr any4 = {INADDR_ANY}, loopback4 = {htonl(INADDR_LOOPBACK)};
	struct in6_addr any_mapped = mapped(any4);

	if (memcmp(&address, &any, sizeof(any)) == 0)
		return loopback;
	return memcmp(&address, &any_mapped, sizeof(any)) == 0 ? mapped(loopback4) : address;
}

static bool address_of(const struct sockaddr *from, struct in6_addr *address)
{
	if (from->sa_family == AF_INET)
		*address = meant(mapped(((const struct sockaddr_in *)from)->sin_addr));
	else if (from->sa_family == AF_INET6)
		*address = meant(((const struct sockaddr_in6 *)from)->sin6_addr);
	else
		return false;
	return true;
}

static bool is_within(const struct in6_addr *address, const struct deny_network *network)
{
	unsigned bytes = network->bits / 8, rest = network->bits % 8;
	unsigned mask = 0xff00U >> rest & 0xff;

	if (memcmp(address, &network->address, bytes) != 0)
		return false;
	return !rest || (address->s6_addr[bytes] & mask) == (network->address.s6_addr[bytes] & mask);
}

void deny_exempt(struct deny *deny, const struct sockaddr *from)
{
	struct in6_addr address;

	if (!address_of(from, &address))
		return;
	deny->exempt = gw_realloc(deny->exempt, (deny->n_exempt + 1) * sizeof(*deny->exempt));
	deny->exempt[deny->n_exempt++] = address;
}

void deny_exempt_host(struct deny *deny, const char *url)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
	struct url_host host;

	if (!url || !fetch_url_host_of(url, &host, NULL) || getaddrinfo(host.host, NULL, &hints, &found) != 0)
		return;
	for (const struct addrinfo *a = found; a; a = a->ai_next)
		deny_exempt(deny, a->ai_addr);
	freeaddrinfo(found);
}

bool deny_allows(const struct deny *deny, const struct sockaddr *from)
{
	struct in6_addr address;

	if (!address_of(from, &address))
		return false;
	for (size_t i = 0; i < deny->n_exempt; i++)
		if (memcmp(&address, &deny->exempt[i], sizeof(address)) == 0)
			return true;
	for (size_t i = 0; i < deny->n_networks; i++)
		if (is_within(&address, &deny->networks[i]))
			return false;
	return true;
}

void deny_finish(struct deny *deny)
{
	free(deny->networks);
	free(deny->exempt);
	*deny = (struct deny){0};
}
