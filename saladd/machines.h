/* All machines that saladd knows. */
#ifndef SALADD_MACHINES_H
#define SALADD_MACHINES_H

#include "saladd/machine.h"
#include "saladd/ports.h"

#ifndef MACHINES_MAX /* tests have fewer */
/* For one more, one that nobody is connected to is forgotten: those that executord does not want first, and of them the oldest. A machine
 * has two ports, and the kernel has 28,232 for listeners and connections by default (net.ipv4.ip_local_port_range). */
#define MACHINES_MAX 12288
#endif
#define MACHINES_AHEAD             6  /* one in so many at most has ports just because executord wants it: before its console is there */
#define MACHINES_DESCRIPTORS_EACH  3  /* its two ports, its console or its client: not all are in use at once */
#define MACHINES_DESCRIPTORS_OTHER 64 /* of the bus, REST, the loop */
#define MACHINES_DESCRIPTORS       (MACHINES_MAX * MACHINES_DESCRIPTORS_EACH + MACHINES_DESCRIPTORS_OTHER)

struct machines {
	struct loop *loop;
	const char *address;       /* that consoles and logs listen on; borrowed */
	const char *dut_interface; /* whose network may not connect to them; borrowed; set after machines_init */
	struct machine **v;        /* owned, the oldest first */
	struct machine **by_id;    /* the same, sorted */
	size_t n, max;             /* max: MACHINES_MAX, or fewer where the process may not open as many descriptors */
	uint64_t clients;          /* that have come so far */
	struct farewells farewells;
	struct ports ports;
	char *clients_path;                             /* owned: where the ids that have a client are kept over a restart (returning.h) */
	void (*changed)(void *data, struct machine *m); /* a new one, or one that is forgotten (its ports are 0); may be NULL */
	void *data;
};

/* Of as many descriptors as the process may open now. */
void machines_init(struct machines *all, struct loop *loop, const char *address, char *clients_path); /* owns clients_path */
void machines_finish(struct machines *all);                                                           /* accepts zeroed memory */
/* The machine of that id, made if there is none. NULL: GW_BAD_INPUT (no such ids), or GW_BUSY (too many). */
struct machine *machines_get(struct machines *all, const char *id, struct gw_error *err);
/* Executord wants it. NULL with GW_OK: it has its ports once its console is there, or somebody asks for it. */
struct machine *machines_want(struct machines *all, const char *id, struct gw_error *err);
struct machine *machines_find(const struct machines *all, const char *id); /* NULL if there is none */

#endif
