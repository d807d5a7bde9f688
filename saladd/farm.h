/* What saladd says on the bus: executord names the farm's machines, and hears of consoles that are new. */
#ifndef SALADD_FARM_H
#define SALADD_FARM_H

#include "libbus/bus.h"
#include "saladd/machines.h"

struct farm {
	struct bus bus;
	struct machines *machines; /* borrowed */
};

/* Joins the bus as saladd. The machines exist already and outlive it. */
bool farm_join(struct farm *farm, struct loop *loop, struct machines *machines, const char *runtime_dir, struct gw_error *err);
void farm_finish(struct farm *farm); /* accepts zeroed memory */

#endif
