/* All machines that saladd knows. */
#ifndef SALADD_MACHINES_H
#define SALADD_MACHINES_H

#include "saladd/machine.h"

#ifndef MACHINES_MAX      /* tests have fewer */
#define MACHINES_MAX 4096 /* for one more, an idle one that executord does not want is forgotten, the oldest first */
#endif

struct machines {
	struct loop *loop;
	const char *address;       /* that consoles and logs listen on; borrowed */
	const char *dut_interface; /* whose network may not connect to them; borrowed; set after machines_init */
	struct machine **v;        /* owned, the oldest first */
	size_t n;
	struct farewells farewells;
	char *clients_path;                             /* owned: where the ids that have a client are kept over a restart (returning.h) */
	void (*changed)(void *data, struct machine *m); /* a new one; may be NULL */
	void *data;
};

void machines_init(struct machines *all, struct loop *loop, const char *address, char *clients_path); /* owns clients_path */
void machines_finish(struct machines *all);                                                           /* accepts zeroed memory */
/* The machine of that id, made if there is none. NULL: GW_BAD_INPUT (no such ids), or GW_BUSY (too many). */
struct machine *machines_get(struct machines *all, const char *id, struct gw_error *err);
struct machine *machines_find(const struct machines *all, const char *id); /* NULL if there is none */

#endif
