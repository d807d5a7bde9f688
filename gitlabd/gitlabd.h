/* All that gitlabd has. */
#ifndef GITLABD_GITLABD_H
#define GITLABD_GITLABD_H

#include "gitlabd/config_writer.h"
#include "gitlabd/orphans.h"
#include "libgateway/farm_name.h"

struct gitlabd {
	struct env env;
	struct loop loop;
	struct bus bus;
	struct model model;
	char farm[FARM_NAME_SIZE];
	struct servers servers;
	struct removals removals;
	struct slots slots;
	struct orphans orphans;
	struct config_writer config;
};

void on_status(void *owner, const void *body, struct bus_call *call); /* status.c */

#endif
