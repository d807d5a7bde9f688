/* What an admin must know at once: ports that shall be OFF and could not be read back so. Their machines are not given out. Derived each
 * time from what pdud tells and from the jobs that wait for it; nothing is kept. Loop thread only. */
#ifndef EXECUTORD_ALARMS_H
#define EXECUTORD_ALARMS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

struct dut;
struct executord;

/* [{"pdu","port_id","dut","text"}]: `dut` is the machine's id or null. The caller deletes it. */
cJSON *alarms_json(struct executord *ex);
/* [{"pdu","port_id"}]: the ports that an admin switched ON, outside leases. The caller deletes it. */
cJSON *alarms_pinned_json(struct executord *ex);

uint64_t alarms_hash(struct executord *ex); /* of what both show */

bool alarms_there_are(struct executord *ex);                   /* whether alarms_hold can be true of any machine */
bool alarms_hold(struct executord *ex, const struct dut *dut); /* its port is not known to be OFF: it must not be given out */

#endif
