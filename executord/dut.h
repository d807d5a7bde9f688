/* A DUT and its life: the one function that applies a step of libmars/dut_state.h. State never changes anywhere else. */
#ifndef EXECUTORD_DUT_H
#define EXECUTORD_DUT_H

#include "executord/printed.h"
#include "executord/training.h"
#include "libgateway/error.h"
#include "libgateway/loop.h"
#include "libmars/dut_state.h"

struct executord;
struct job;
struct mars_dut;

struct dut_facts { /* of the database, as far as a DUT's life depends on them */
	bool removed, is_retired, ready;
	char *pdu, *port; /* owned; NULL: none */
};

struct dut {
	struct executord *ex;
	char *id;        /* owned */
	char *full_name; /* owned; FARM-base_name-N */
	enum dut_state state;
	struct dut_facts known; /* those that its state takes into account */
	int ready_writes;       /* write-backs of ready_for_service under way; while there are any, ready_wanted counts */
	bool ready_wanted;
	struct loop_timer ready_retry; /* of a write-back that failed */
	bool quick_check_queued;
	struct training training;
	struct loop_timer retrial;
	struct job *job;        /* borrowed; NULL: none. In jobs */
	char last_job[64];      /* the id of the one before; "": none. Its jobd may still be there */
	bool end_unsaved;       /* that it is over is not on the disk yet */
	bool boot_due;          /* bootsd is to be told of it */
	bool gitlab_due;        /* gitlabd is */
	int log_port;           /* saladd's read-only port; 0: not known */
	bool save_due;          /* of state_store.h: the next save has it */
	bool event_due;         /* of events.h: watchers are to be told of it */
	struct printed printed; /* for REST */
};

struct dut *dut_create(struct executord *ex, const char *id);
void dut_destroy(struct dut *dut); /* NULL is fine */

/* Applies the event: saves and logs the step with its cause ("job=17"), carries out its actions. False: it was refused (`err`, GW_REFUSED)
 * or means nothing here (`err` untouched). The DUT may be forgotten afterwards. `err` may be NULL. */
bool dut_apply(struct dut *dut, enum dut_event event, const char *cause, struct gw_error *err);
/* Its facts in the database may have changed: leads to the events that they mean. */
void dut_settle(struct dut *dut, const char *cause);
/* Part of the farm from now on (added, or the gateway has booted). */
void dut_activate(struct dut *dut, const char *cause);
/* After a restart of executord, once all jobds that live were heard: goes on where its state says. */
void dut_resume(struct dut *dut);
/* Its job is over and its port is off. */
void dut_job_over(struct dut *dut, enum dut_job_kind kind, enum dut_verdict verdict, bool unfit, const char *cause);
void dut_write_ready(struct dut *dut, bool ready); /* into the database; counts from now on */

void dut_situation_now(struct dut *dut, struct dut_situation *now);
/* The port it is powered by, in use or not. False: none. Both borrowed until the next edit. */
bool dut_port(const struct dut *dut, const char **pdu, const char **port);

void dut_facts_finish(struct dut_facts *facts);

#endif
