/* What executord must know after a restart: DUT states, training progress, admitted jobs. STATE/executord/duts.json, replaced as a whole on
 * the loop's thread pool, changes that come meanwhile together in one more save.
 *
 * After a restart of executord each DUT is as it was; a boot of the gateway itself (another boot id) starts all of them anew. */
#ifndef EXECUTORD_STATE_STORE_H
#define EXECUTORD_STATE_STORE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "libgateway/error.h"
#include "libgateway/loop.h"
#include "libmars/dut_state.h"

struct executord;
struct dut;

struct state_store {
	char *path; /* owned */
	char boot_id[64];
	bool dirty, saving, failing;
	bool started; /* nothing is saved before what was kept is read */
	struct loop_timer due;
};

/* Reads what was kept, gives each DUT its state, and starts their lives: goes on, or begins anew. A file that cannot be read is an
 * error in the log; the DUTs begin anew. */
bool state_store_start(struct executord *ex, struct gw_error *err);
void state_store_changed(struct executord *ex);
void state_store_finish(struct executord *ex); /* saves what is not saved yet */

/* One DUT, as kept. The decoder takes any JSON: GW_BAD_INPUT names the field; a job is restored by the caller. */
struct kept_job {
	const char *id, *jobd, *capability; /* borrowed from the JSON */
	bool running;
};
cJSON *state_store_encode(const struct dut *dut);
bool state_store_decode(struct dut *dut, const cJSON *json, struct kept_job *job, struct gw_error *err);

#endif
