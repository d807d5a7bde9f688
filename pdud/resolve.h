/* A host name to an address, each on a thread of its own: libuv's few threads would let one dead name server hold up every other PDU.
 * Loop thread only. */
#ifndef PDUD_RESOLVE_H
#define PDUD_RESOLVE_H

#include <netinet/in.h>

#include "libgateway/loop.h"

struct resolve;
#define RESOLVE_MAX 4
struct addresses { /* in the order to try them; without ports */
	struct sockaddr_storage v[RESOLVE_MAX];
	size_t n;
};
/* `found` NULL: `error` says why. Runs exactly once, from the loop, unless cancelled; the resolve is gone afterwards. */
typedef void resolve_done(void *data, const struct addresses *found, const char *error);
struct resolve *resolve_start(struct loop *loop, const char *host, resolve_done *done, void *data);
void resolve_cancel(struct resolve *r); /* NULL is fine; a thread that hangs is left to itself */

bool resolve_literal(const char *text, struct addresses *found); /* false: not an IPv4 or IPv6 address */

#endif
