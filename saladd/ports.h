/* Free TCP ports for machines. The kernel's own choice (port 0) looks at thousands of used ones, one by one, once half of its range is
 * listened on: 9 ms a port with 7,000 machines. Here they are taken in turn. */
#ifndef SALADD_PORTS_H
#define SALADD_PORTS_H

#include <stdint.h>

#include "libgateway/error.h"

struct ports {
	uint32_t first, n; /* the kernel's range; n 0: not read yet */
	uint32_t begin, turn;
};

/* A listening socket on `address`, owned by the caller, or -1. Zeroed `ports` begin anywhere: what asks for a port that was a machine's in
 * an earlier life is not to meet another machine there. */
int ports_listen(struct ports *ports, const char *address, int backlog, struct gw_error *err);

#endif
