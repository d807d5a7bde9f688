/* REGISTRIES_CFG: by which rules jobs' image names lead to a local proxy of a container registry. Read at the start and on each edit; a
 * file that is not valid changes nothing, and a file that is not there is no rules. Loop thread. */
#ifndef EXECUTORD_REGISTRIES_H
#define EXECUTORD_REGISTRIES_H

#include "executord/registry_rules.h"
#include "libgateway/loop.h"

struct executord;
struct mars_watch;

struct registries {
	struct registry_rules rules;
	char since[32];           /* when they were read: "14:02:11" */
	struct mars_watch *watch; /* NULL: the option is not set */
	struct loop_fd fd;
};

bool registries_start(struct executord *ex, struct gw_error *err);
bool registries_check(struct executord *ex, struct gw_error *err); /* of --check: logs all errors but the one in `err` */
void registries_read_again(struct executord *ex);
void registries_finish(struct executord *ex);

#endif
