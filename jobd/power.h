/* The lease of the DUT's power port, at pdud: taken, renewed at a quarter of its grace, used, given back. */
#ifndef JOBD_POWER_H
#define JOBD_POWER_H

#include <stdbool.h>

#include "libbus/messages.h"
#include "libgateway/loop.h"

struct jobd;
struct ask;

enum power_lease { POWER_NO_LEASE, POWER_LEASE_ASKED, POWER_LEASE_HELD };

struct power {
	enum power_lease lease;
	bool wished, wish_on; /* something is wished; what */
	int64_t grace_ms;
	struct ask *take, *renew, *set, *release;
	struct loop_timer renewal;
};

void power_take_lease(struct jobd *j); /* said again: nothing new is asked while one is under way */
/* The latest counts; while the lease is on its way it waits. Its answer is the event of the run. */
void power_set(struct jobd *j, bool on);
void power_release(struct jobd *j);
void power_pdud_up(struct jobd *j);
void power_on_lease_lost(struct jobd *j, const struct msg_lease_lost *lost);
void power_finish(struct jobd *j);

#endif
