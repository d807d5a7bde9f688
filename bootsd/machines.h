/* The machines that bootsd knows: the DUTs that executord names, and those that a job has a deployment for. Found by MAC and by address. */
#ifndef BOOTSD_MACHINES_H
#define BOOTSD_MACHINES_H

#include "bootsd/addr.h"
#include "bootsd/boots_choice.h"
#include "bootsd/bucket.h"
#include "bootsd/deployment.h"
#include "bootsd/interface.h"

struct machine {
	struct machine *next_by_mac, *next_by_ip; /* of their hash's slot */
	struct mac mac;
	bool known;  /* a DUT; false: only a deployment keeps it */
	bool listed; /* during machines_configure: it was named */
	char *id, *hostname;
	uint32_t ip;                   /* its own; 0: one of the dynamic range */
	struct deployment *deployment; /* owned; NULL: no job */
	char *job;                     /* owned: the last that deployed; `requests` counts for it */
	uint64_t requests;             /* netboot requests since that job first deployed */
	uint32_t last_xid;             /* of its last DHCP exchange that was told of */
	struct bucket events, wants;
	struct boots_choice *choice; /* owned; by the boots DB, for its last netboot request; NULL: none */
	struct bucket choices;
};

struct machines {
	struct machine **by_mac, **by_ip; /* owned */
	size_t slots;                     /* of each; a power of two */
	size_t n;
	bool configured;  /* executord has told what DUTs there are */
	bool discovering; /* a discovery goes on */
};

void machines_init(struct machines *machines);
void machines_finish(struct machines *machines); /* accepts zeroed memory */

/* Takes the DUTs that there are now. What is wrong with one is logged and costs only that: a DUT whose address cannot be its own gets one
 * of the dynamic range. A machine that is no DUT any more stays while it has a deployment. */
void machines_configure(struct machines *machines, const struct interface *net, const struct msg_boot_configure *from);

/* What an edit changed of them; the others stay as they are. */
void machines_change(struct machines *machines, const struct interface *net, const struct msg_boot_change *change);

struct machine *machines_by_mac(const struct machines *machines, struct mac mac); /* borrowed; NULL: unknown */
struct machine *machines_by_ip(const struct machines *machines, uint32_t ip);     /* whose own it is */

/* What it may fetch at this path: its job's file, or one of the boots DB's defaults. Borrowed; NULL: nothing. */
struct boot_file *machine_file(const struct machine *machine, const char *path, bool tftp);
const char *machine_job(const struct machine *machine); /* whose deployment it has; NULL: none, or no machine. Borrowed */
/* The deployment is taken over. A machine that is not known is made. */
struct machine *machines_deploy(struct machines *machines, struct mac mac, struct deployment *deployment);
void machines_withdraw(struct machines *machines, struct mac mac, const char *job); /* nothing if another job is deployed */

#endif
