/* What bootsd serves the DUT: deployed for each boot, deployed again when bootsd was restarted, withdrawn at the end; and what the DUT asks
 * it. */
#ifndef JOBD_BOOT_H
#define JOBD_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "libbus/messages.h"
#include "libjob/job.h"

struct jobd;
struct ask;
struct wanted;

struct boot {
	struct msg_boot_deploy *deployed; /* owned; what is in force, or on its way there; NULL: nothing */
	bool confirmed;                   /* for this boot */
	unsigned boot;                    /* its number */
	struct wanted *wanted;            /* owned; what the DUT waits for */
	int64_t requests;                 /* of the DUT that bootsd had counted when last heard */
	struct ask *deploy, *status;
};

/* The DHCP options of both deployments can be encoded. */
bool boot_check(const struct job *job, struct gw_error *err);
void boot_deploy(struct jobd *j, unsigned boot); /* DEPLOYED or DEPLOY_FAILED follows */
void boot_withdraw(struct jobd *j);              /* WITHDRAWN follows */
void boot_bootsd_up(struct jobd *j);
void boot_bootsd_gap(struct jobd *j);
/* Of a path that is not deployed: jobd looks for a regex that answers it, has that fetched, and gives it. */
void boot_on_wanted(struct jobd *j, const struct msg_boot_wanted *wanted);
void boot_forget_wanted(struct jobd *j);
void boot_on_seen(struct jobd *j, const struct msg_boot_seen *seen);
void boot_finish(struct jobd *j);

#endif
