/* gitlabd's side: its part of the database, told at each of its starts and after each edit, the tokens that it has MarsDB keep, and what
 * REST tells of runners. Loop thread only. */
#ifndef EXECUTORD_GITLAB_H
#define EXECUTORD_GITLAB_H

#include "libmars/marsdb.h"

struct bus_call;
struct dut;
struct executord;

void gitlab_start(struct executord *ex); /* watches gitlabd */
/* What changed, and DUTs with another name (gitlab_due) too. Without an instance gitlabd is told of no DUT. */
void gitlab_push_edit(struct executord *ex, const struct mars_changes *changes);

/* Whether the DUT's runners can be unregistered once its entry, and their tokens with it, are gone: it has none, or gitlabd is there.
 * Else GW_UNREACHABLE. */
bool gitlab_may_remove(struct executord *ex, const struct dut *dut, struct gw_error *err);

void gitlab_on_token(void *owner, const void *body, struct bus_call *call); /* MSG_GITLAB_TOKEN */

#endif
