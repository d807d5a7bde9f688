/* Which addresses artifact URLs may lead to. No I/O but in deny_exempt_host. */
#ifndef ARTIFACTD_DENY_H
#define ARTIFACTD_DENY_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "libgateway/error.h"

/* IPv4 addresses are held as IPv6 has them (::ffff:1.2.3.4), so that neither form gets round a rule on the other. */
struct deny_network {
	struct in6_addr address;
	unsigned bits;
};
struct deny {
	struct deny_network *networks; /* owned */
	size_t n_networks;
	struct in6_addr *exempt; /* owned */
	size_t n_exempt;
};

/* `text`: NETWORK/BITS or an address each, with spaces between; "" or NULL: nothing is denied. */
bool deny_parse(struct deny *deny, const char *text, struct gw_error *err);
void deny_exempt(struct deny *deny, const struct sockaddr *address);
/* Exempts what a URL's host resolves to; a name that does not resolve exempts nothing. BLOCKS on the resolver: at start only. */
void deny_exempt_host(struct deny *deny, const char *url);
bool deny_allows(const struct deny *deny, const struct sockaddr *address);
void deny_finish(struct deny *deny); /* accepts zeroed memory */

#endif
