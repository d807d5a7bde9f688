/* What executord knows of the daemons: whether each is on the bus, and how and how often it has ended, which whoever starts it has noted in
 * RUNTIME/NAME.ended (libgateway/ended.h). Shown in /full-state as `daemons`. */
#ifndef EXECUTORD_DAEMONS_H
#define EXECUTORD_DAEMONS_H

#include <cjson/cJSON.h>
#include <stdint.h>
#include <sys/types.h>

#include "libbus/bus.h"

#define DAEMONS_KNOWN 7 /* executord, bootsd, pdud, saladd, artifactd, gitlabd, bucketd */

struct executord;
struct daemons {
	const char *runtime_dir; /* borrowed; NULL: not started, and there are no records */
	struct {
		bool up;
		pid_t pid;    /* 0: not up */
		double since; /* seconds since the epoch, of `up` as it is; 0: it was never seen */
	} v[DAEMONS_KNOWN];
};

void daemons_start(struct executord *ex); /* executord itself is up */
void daemons_on_peer(struct executord *ex, const char *peer, enum bus_peer_event what);
/* {"pdud":{"state":"up","pid":123,"since":DATE,"restarts":2,"last_exit":"signal 9 (Killed)","last_exit_at":DATE,"back_off":0.2}, ...}.
 * state: up, down, or failing (down, and its next start waits since it ends early again and again). The caller deletes it. */
cJSON *daemons_json(const struct executord *ex);
uint64_t daemons_hash(const struct executord *ex); /* of what daemons_json shows */

#endif
