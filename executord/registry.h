/* The DUTs and PDUs in memory: what mars_db.yaml says of them plus their live states. Loop thread only.
 *
 * Facts of the database are not copied: registry_mars looks them up. A pointer to a DUT is valid until its entry is gone from the database
 * and it is in no job any more (dut.h: FORGET); even then its memory lives until the loop's next turn. */
#ifndef EXECUTORD_REGISTRY_H
#define EXECUTORD_REGISTRY_H

#include <time.h>

#include "executord/dut.h"
#include "executord/pdu.h"
#include "libbus/messages.h"
#include "libgateway/error.h"
#include "libgateway/http_server.h"
#include "libgateway/loop.h"
#include "libmars/marsdb.h"

struct executord;
struct patch;

struct list {                     /* the objects' bytes, with commas between: what the pages share */
	struct http_bytes *bytes; /* a reference; NULL: to be gathered anew */
	uint64_t hash;
};

struct full_state {               /* printed at `second`; its lists are as they were, its tail if tail_hash is still that of json_pages.c */
	struct http_shared *page; /* a reference; NULL: to be printed anew */
	uint64_t tail_hash;
	time_t second;
};

struct registry {
	struct dut **duts; /* owned, sorted by id */
	size_t n_duts;
	struct pdu **pdus; /* owned, sorted by name */
	size_t n_pdus;
	struct dut **gone; /* owned: forgotten, freed at the loop's next turn */
	size_t n_gone;
	struct loop_timer sweep;
	struct patch *switching; /* of rest_pdu.c: requests to switch a port that pdud has not answered */
	/* The printed lists: built when asked for, dropped when anything in them changes. */
	struct http_shared *duts_page, *machines_page, *pdus_page;
	struct full_state full_state;
	struct list duts_list, pdus_list;
};

/* What the database has becomes the registry. DUTs are in DUT_WAIT_FOR_CONFIG; state_store_load and dut_settle_all come next. */
void registry_start(struct executord *ex);
void registry_finish(struct executord *ex);

/* Each change is acted on: DUTs come, go, are settled; the daemons get their part anew. No changes: nothing. */
void registry_apply_changes(struct executord *ex, const struct mars_changes *changes);

struct dut *registry_dut(struct executord *ex, const char *id);                               /* by id; NULL: none */
struct dut *registry_dut_named(struct executord *ex, const char *name, struct gw_error *err); /* by id or full name; GW_NOT_FOUND */
struct dut *registry_dut_at(struct executord *ex, const char *pdu, const char *port);         /* whose port that is; NULL: nobody's */
struct pdu *registry_pdu(struct executord *ex, const char *name, struct gw_error *err);       /* GW_NOT_FOUND */
const struct mars_dut *registry_mars(struct executord *ex, const struct dut *dut);            /* NULL: its entry is gone */
/* What a DUT answers to: tags + manual_tags + farm:FARM. The texts are borrowed; the caller frees v. */
struct bus_texts registry_tags(const struct executord *ex, const struct mars_dut *mars);
void registry_forget(struct executord *ex, struct dut *dut);

/* Something that REST shows of it has changed. */
void registry_dut_changed(struct executord *ex, struct dut *dut);
void registry_pdu_changed(struct executord *ex, struct pdu *pdu);

#endif
