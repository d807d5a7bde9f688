/* How a daemon ended, and how often: RUNTIME/NAME.ended, kept by whoever starts it again (the standalone supervisor; under systemd the
 * unit's ExecStopPost=DAEMON --ended), shown by executord. It goes with the runtime folder, at the gateway's boot. Blocking; a small file.
 */
#ifndef LIBGATEWAY_ENDED_H
#define LIBGATEWAY_ENDED_H

#include <stdbool.h>
#include <stdint.h>

#include "libgateway/error.h"

#define ENDED_BACK_OFF_MIN_MS 100 /* after an early end; doubled at each further one */
#define ENDED_BACK_OFF_MAX_MS 5000

struct ended {
	unsigned count;
	unsigned back_off_ms; /* how long its next start waits; 0: it had not failed early */
	int64_t at;           /* seconds since the epoch */
	int64_t at_boot_ms;   /* the same moment, CLOCK_BOOTTIME */
	char how[128];        /* "signal 9 (Killed)" */
};

bool ended_read(const char *runtime_dir, const char *name, struct ended *ended); /* false: it never ended, or there is no telling */
/* One more end; `back_off_ms` is what its starter makes of it. */
bool ended_note(const char *runtime_dir, const char *name, const char *how, unsigned back_off_ms, struct gw_error *err);
unsigned ended_next_back_off(unsigned back_off_ms, bool early); /* of the next start, given that of the last one */
/* ExecStopPost= of `name`'s unit: notes what systemd says in $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS, and sleeps for as long as its
 * next start is to wait. */
bool ended_of_unit(const char *runtime_dir, const char *name, struct gw_error *err);

#endif
