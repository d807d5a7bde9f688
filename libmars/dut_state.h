/* A DUT's life as one table: (state, event) -> (state, actions). Pure: what depends on numbers, options or the database is decided before,
 * as different events, by dut_activation and dut_after_job. Whoever applies a step saves and logs it, then carries out its actions.
 *
 * A DUT has at most one job (a user's, a training loop, a quick check), and leaves TRAINING, QUICK_CHECK, QUEUED and RUNNING only when that
 * job is over and its port is off: so power always has an owner. A state kept from before a restart of executord is just set; at a boot of
 * the gateway each DUT begins in WAIT_FOR_CONFIG with the event that dut_activation gives.
 */
#ifndef LIBMARS_DUT_STATE_H
#define LIBMARS_DUT_STATE_H

#include "libgateway/error.h"

#include <stdint.h>

/* clang-format off */
#define DUT_STATE_LIST(X) \
	X(WAIT_FOR_CONFIG) /* no power port is assigned */ \
	X(QUICK_CHECK)     /* its job checks that the machine is as the database says */ \
	X(TRAINING)        /* registration and boot loops, or waiting to try registration again */ \
	X(IDLE)            /* off, ready for a job */ \
	X(QUEUED)          /* given to a job that has not started yet */ \
	X(RUNNING)         /* a user's job runs */ \
	X(RETIRED)         /* off, out of use */

#define DUT_EVENT_LIST(X) \
	/* it becomes part of the farm: assigned to a port, un-retired, added, or the gateway booted; dut_activation says which */ \
	X(ACTIVATE_WAIT)    /* no port yet */ \
	X(ACTIVATE_CHECK)   /* ready for service, to be checked */ \
	X(ACTIVATE_TRAIN)   /* not ready */ \
	X(ACTIVATE_READY)   /* nothing to check or train */ \
	X(RETIRE)           /* is_retired became true, or is at activation */ \
	X(UNCONFIGURED)     /* its port was taken from it */ \
	X(REMOVED)          /* its entry is gone */ \
	X(READY_SET)        /* ready_for_service became true by hand */ \
	X(READY_CLEARED)    /* ready_for_service became false by hand; not sent where training is disabled */ \
	X(JOB_ACCEPTED)     /* admission chose it */ \
	X(JOB_STARTED)      /* jobd runs the job */ \
	X(JOB_LOST)         /* its jobd died: one of the ends follows once the port is off */ \
	X(UNFIT)            /* the console said that it is unfit for service */ \
	/* the job is over, its port off; dut_after_job says which */ \
	X(JOB_ENDED)        /* nothing else to do */ \
	X(JOB_ENDED_CHECK)  /* a quick check was queued meanwhile */ \
	X(JOB_ENDED_UNFIT)  /* not ready for service any more */ \
	X(ENDED_RETIRED)    \
	X(ENDED_UNCONFIGURED) \
	X(ENDED_REMOVED)    \
	X(QUICK_CHECK_PASSED) \
	X(QUICK_CHECK_FAILED) \
	X(REGISTERED)       /* loops are to follow */ \
	X(REGISTRATION_FAILED) \
	X(LOOP_DONE)        /* more are to follow */ \
	X(LOOPS_FAILED)     /* all done, too few passed */ \
	X(TRAINING_PASSED)  \
	X(CUT_SHORT)        /* the gateway itself ended it, and the machine is in service all the same: that says nothing of it */ \
	X(RETRY)            /* SERGENT_HARTMAN_REGISTRATION_RETRIAL_DELAY is over */ \
	X(QUICK_CHECK_REQUESTED) \
	X(CANCEL)           /* REST cancel_job */ \
	X(BOOT_SEEN)        /* it asked for a netboot */

#define DUT_ACTION_LIST(X) \
	X(START_JOB)         /* tell the chosen jobd to go */ \
	X(START_TRAINING)    /* start the training job that is due: registration or a loop */ \
	X(START_QUICK_CHECK) \
	X(CANCEL_JOB)        /* if none runs (retrial delay): the end that dut_after_job gives is due at once */ \
	X(REVOKE_LEASE)      /* its jobd is gone: have the port off */ \
	X(RESET_TRAINING)    /* counters back to the start */ \
	X(WAIT_RETRIAL)      /* start the retrial delay; RETRY is due after it */ \
	X(STOP_RETRIAL)      \
	X(QUEUE_QUICK_CHECK) /* for after the job */ \
	X(SET_READY)         /* write ready_for_service true */ \
	X(CLEAR_READY)       /* write ready_for_service false */ \
	X(EXPOSE_RUNNERS)    \
	X(UNEXPOSE_RUNNERS)  \
	X(FORGET)            /* drop all that is kept of it */
/* clang-format on */

enum dut_state {
#define X(name) DUT_##name,
	DUT_STATE_LIST(X)
#undef X
		DUT_STATES
};
enum dut_event {
#define X(name) DUT_EV_##name,
	DUT_EVENT_LIST(X)
#undef X
		DUT_EVENTS
};
enum { /* bit numbers */
#define X(name) DUT_ACTION_##name,
       DUT_ACTION_LIST(X)
#undef X
	       DUT_ACTIONS
};
enum { /* masks: DO_START_JOB, ... */
#define X(name) DO_##name = 1 << DUT_ACTION_##name,
       DUT_ACTION_LIST(X)
#undef X
};

struct dut_step {
	enum dut_state state; /* after it */
	uint32_t actions;     /* DO_... */
	const char *refused;  /* why not, if the event is refused; else NULL. State and actions are then "stay" and none */
	bool ignored;         /* the event means nothing here */
};
/* Never fails. True if the event counts (a GO); false if it was refused or ignored. */
bool dut_step(enum dut_state state, enum dut_event event, struct dut_step *step);

/* Whether the table has an answer: for the test. */
bool dut_step_is_decided(enum dut_state state, enum dut_event event);

/* What the two functions below decide on. */
struct dut_situation {
	bool removed, has_port, is_retired, ready_for_service; /* as the database says now */
	bool quick_check_queued;
	int boot_count;    /* SERGENT_HARTMAN_BOOT_COUNT: 0: ready once registered; below: no registration, training, quick check */
	int qualifying;    /* SERGENT_HARTMAN_QUALIFYING_BOOT_COUNT */
	bool quick_checks; /* SERGENT_HARTMAN_QUICK_CHECK */
	int loops_done, loops_passed; /* the loop that just ended included */
};
enum dut_job_kind { DUT_JOB_USER, DUT_JOB_REGISTRATION, DUT_JOB_LOOP, DUT_JOB_QUICK_CHECK };
/* What a job says of its machine (a user's: nothing). CUT_SHORT: cancelled, or stopped with the gateway, before it could tell. */
enum dut_verdict { DUT_FAILED, DUT_PASSED, DUT_CUT_SHORT };
enum dut_event dut_activation(const struct dut_situation *now);
/* `unfit`: the console said so. */
enum dut_event dut_after_job(const struct dut_situation *now, enum dut_job_kind kind, enum dut_verdict verdict, bool unfit);
/* What an edit means: the events that lead from what a DUT's state takes into account to what the database says now, in their order.
 * `moved`: it has another port than before. Returns how many. */
#define DUT_EDIT_EVENTS 2
size_t dut_after_edit(const struct dut_situation *before, const struct dut_situation *now, bool moved,
		      enum dut_event events[DUT_EDIT_EVENTS]);
/* ready_for_service false starts training only where there is any. */
bool dut_training_enabled(const struct dut_situation *now);

const char *dut_state_name(enum dut_state state); /* "WAIT_FOR_CONFIG", as REST says it */
const char *dut_event_name(enum dut_event event);
bool dut_state_from_name(const char *name, enum dut_state *state);
/* "START_JOB EXPOSE_RUNNERS" into `text`; returns it. */
const char *dut_actions_text(uint32_t actions, char *text, size_t size);

#endif
