/* The standalone supervisor, for hosts without systemd: starts executord and the other daemons as children, starts again what dies, and
 * gives executord its jobds the way systemd's jobd.socket does (RUNTIME/jobd.sock, a jobd for each connection). It knows nothing of DUTs.
 *
 * Its children outlive a kill -9 of it; the next supervisor of the same runtime folder adopts them by their locks. SIGTERM or SIGINT: first
 * the jobds end their jobs, which powers off what they leased, then executord, then the others. */
#ifndef EXECUTORD_SUPERVISE_H
#define EXECUTORD_SUPERVISE_H

#include "libgateway/env.h"
#include "libgateway/error.h"

/* Returns when all have ended: true after a stop; false if it could not begin, or a child refused its configuration. */
bool supervise_run(const struct env *env, struct gw_error *err);
bool supervise_check(const struct env *env, struct gw_error *err); /* its options; opens nothing */

#endif
