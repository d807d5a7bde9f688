/* REGISTRIES_CFG: by which rules jobs' image names lead to a local proxy of a container registry. A live file. Loop thread. */
#ifndef EXECUTORD_REGISTRIES_H
#define EXECUTORD_REGISTRIES_H

#include "executord/registry_rules.h"
#include "libmars/live_file.h"

struct executord;

struct registries {
	struct registry_rules rules;
	struct live_file file;
};

bool registries_start(struct executord *ex, struct gw_error *err);
bool registries_check(struct executord *ex, struct gw_error *err); /* of --check: logs all errors but the one in `err` */
void registries_read_again(struct executord *ex);
void registries_finish(struct executord *ex);

#endif
