/* What executord must know after a restart: DUT states, training progress, admitted jobs. STATE/executord/duts.json and what has changed
 * since in duts.journal (state_journal.h), written on the loop's thread pool: changes that come meanwhile together in one more save. A save
 * costs what has changed; now and then, or when much has, duts.json is written anew.
 *
 * After a restart of executord each DUT is as it was; a boot of the gateway itself (another boot id) starts all of them anew. */
#ifndef EXECUTORD_STATE_STORE_H
#define EXECUTORD_STATE_STORE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "executord/jobs.h"
#include "executord/state_journal.h"
#include "libgateway/error.h"
#include "libgateway/files.h"
#include "libgateway/loop.h"
#include "libmars/dut_state.h"

struct executord;
struct dut;

struct state_waiter;

struct state_store {
	char *path, *journal; /* owned */
	char boot_id[64];
	char name[FILE_VERSION_SIZE]; /* of the duts.json on the disk, for the journal's lines */
	size_t bytes, journal_bytes;  /* of both, about */
	bool all_due, discovery_due;  /* what the next save has to write; all: a new duts.json */
	char **due_ids;               /* owned, each too: the DUTs that it has to write, in use or gone */
	size_t n_due;
	bool dirty, saving, failing;
	bool started;                     /* nothing is saved before what was kept is read */
	struct loop_timer due;            /* of the next save */
	struct state_waiter *waiting;     /* owned; for the next save, in their order */
	struct state_waiter *being_saved; /* owned; for the one under way */
};

/* Reads what was kept, gives each DUT its state, and starts their lives: goes on, or begins anew. A file that cannot be read is an
 * error in the log; the DUTs begin anew. */
bool state_store_start(struct executord *ex, struct gw_error *err);
void state_store_dut_changed(struct dut *dut); /* or its job; nothing else keeps the change */
void state_store_discovery_changed(struct executord *ex);
/* `saved` runs once, maybe inside the call: when all that has changed until now is on the disk, or could not be written there (a full disk
 * must not stop the farm). state_store_finish runs what is left. */
void state_store_when_saved(struct executord *ex, void (*saved)(void *data), void *data);
void state_store_forget(struct executord *ex, const void *data); /* none with this data will run: its owner goes */
void state_store_finish(struct executord *ex);                   /* saves what is not saved yet */

/* One DUT, as kept. The decoder takes any JSON: GW_BAD_INPUT names the field. What is in kept_job is restored by the caller. */
struct kept_job {
	const char *id, *jobd, *capability; /* borrowed from the JSON; NULL: there is no job */
	const char *cancel_reason;          /* borrowed; NULL: it was not cancelled */
	bool running;
	bool ended; /* with `outcome`; its port is not known to be off */
	struct job_outcome outcome;
	bool has_ready_wanted, ready_wanted; /* a write-back of ready_for_service was under way */
};
cJSON *state_store_encode(const struct dut *dut);
bool state_store_decode(struct dut *dut, const cJSON *json, struct kept_job *job, struct gw_error *err);

#endif
