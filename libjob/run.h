/* The run of a job as a pure machine: events in, actions out, time an argument (monotonic milliseconds), no I/O, no clock.
 *
 * jobd feeds run_event() with what happened and then takes every action by run_next_action(); when run_deadline() comes it feeds RUN_TICK.
 * Events may come twice, late or out of order: what does not fit the phase is ignored (see the table in run.c). Every command action is
 * answered by one of the events named beside it, sooner or later; the machine bounds the waiting, except that it never gives up on
 * OFF: RUN_DO_DONE comes only once OFF was confirmed (or the lease is lost, and with it the port is pdud's). Not thread-safe.
 */
#ifndef LIBJOB_RUN_H
#define LIBJOB_RUN_H

#include "libjob/job.h"

enum run_status { RUN_PASS, RUN_WARN, RUN_COMPLETE, RUN_FAIL, RUN_INCOMPLETE, RUN_UNKNOWN, RUN_SETUP_FAIL, RUN_STATUSES }; /* = exit code */
extern const char *const run_status_names[RUN_STATUSES]; /* "PASS", ..., "SETUP_FAIL" */

enum run_phase {
	RUN_NEW,      /* before START */
	RUN_SETUP,    /* lease, OFF, artifacts and client are awaited, all at once */
	RUN_OFF,      /* of a boot: OFF and the deployment are awaited */
	RUN_RESET,    /* of a boot: the console's reset is awaited */
	RUN_ON,       /* of a boot: ON is awaited (the minimum off time may take a while); the console counts already */
	RUN_BOOTED,   /* ON was seen; the job runs */
	RUN_TEARDOWN, /* OFF and withdrawal are awaited */
	RUN_CLOSING,  /* session_end was sent: the client is awaited; and OFF, if it is not confirmed yet */
	RUN_STUCK,    /* only OFF is missing: an alarm was given, OFF is tried again and again */
	RUN_DONE,
	RUN_PHASES
};
extern const char *const run_phase_names[RUN_PHASES];

enum run_event_kind {
	RUN_START,
	RUN_TICK,
	RUN_CLIENT_CONNECTED,
	RUN_CLIENT_GONE, /* closed, or could not be reached; text: why */
	RUN_LEASE_TAKEN,
	RUN_LEASE_FAILED,      /* text */
	RUN_LEASE_LOST,        /* text */
	RUN_ARTIFACTS_AWAITED, /* text: it takes a while; what is still awaited */
	RUN_ARTIFACTS_READY,
	RUN_ARTIFACTS_FAILED, /* text */
	RUN_POWER_IS_OFF,     /* confirmed, read back */
	RUN_POWER_IS_ON,
	RUN_POWER_FAILED, /* text */
	RUN_DEPLOYED,
	RUN_DEPLOY_FAILED,  /* text */
	RUN_CONSOLE_READY,  /* the reset is over; text: what went wrong with it, or NULL */
	RUN_CONSOLE_LOST,   /* text; jobd connects again by itself */
	RUN_CONSOLE_BYTES,  /* bytes, n: from the DUT (jobd has relayed them before) */
	RUN_DUT_REQUEST,    /* text: "dhcp", "tftp" or "http": this DUT's request reached bootsd */
	RUN_POWER_SEQUENCE, /* the port's power draw shows that the machine came up */
	RUN_CANCEL,         /* text: why */
	RUN_WITHDRAWN,      /* bootsd serves the DUT nothing of this job any more, or could not be told */
	RUN_INFRA_FAILED,   /* text: something that the job needs until its end is gone */
	RUN_EVENTS
};
extern const char *const run_event_names[RUN_EVENTS];

struct run_event {
	enum run_event_kind kind;
	const char *text;           /* borrowed during the call; may be NULL */
	const unsigned char *bytes; /* RUN_CONSOLE_BYTES */
	size_t n;
};

enum run_action_kind {                        /* answered by */
		       RUN_DO_CONNECT_CLIENT, /* CLIENT_CONNECTED or CLIENT_GONE; only if there is a submitter */
		       RUN_DO_TAKE_LEASE,     /* LEASE_TAKEN or LEASE_FAILED */
		       RUN_DO_FETCH,          /* ARTIFACTS_READY or ARTIFACTS_FAILED. A second one: give up the first and start anew */
		       RUN_DO_POWER_OFF,      /* POWER_IS_OFF or POWER_FAILED. Said twice is fine */
		       RUN_DO_POWER_ON,       /* POWER_IS_ON or POWER_FAILED */
		       RUN_DO_DEPLOY,         /* boot: which one, for job_deployment() and job_cmdline(). DEPLOYED or DEPLOY_FAILED */
		       RUN_DO_RESET_CONSOLE,  /* CONSOLE_READY */
		       RUN_DO_CTRL, /* a ctrl frame: severity, tag, text, metadata. Keep those that come before CLIENT_CONNECTED; without a
				       client: log */
		       RUN_DO_SESSION_END, /* a session_end frame with the status, then shut down the writing side: CLIENT_GONE follows when
					      the client closed */
		       RUN_DO_CLOSE_CLIENT,  /* close it now, without session_end: CLIENT_GONE may follow or not */
		       RUN_DO_WITHDRAW,      /* WITHDRAWN */
		       RUN_DO_LEARN,         /* seconds: raise the DUT's firmware_boot_time to this, at once */
		       RUN_DO_ALARM,         /* text: OFF cannot be confirmed; the machine must not be given out. Once */
		       RUN_DO_RELEASE_LEASE, /* none */
		       RUN_DO_DONE,          /* none; the last one. run_result() has the rest */
		       RUN_ACTIONS
};
extern const char *const run_action_names[RUN_ACTIONS];

struct run_action { /* borrowed until the next run_event() */
	enum run_action_kind kind;
	int severity;           /* CTRL: 0 debug .. 3 error */
	int tag;                /* CTRL: 0, 100 .. 401 as in protocols.md */
	const char *text;       /* CTRL: with "+12.345s: " before and a newline behind; ALARM, LEARN, ...: plain or NULL */
	const char *metadata;   /* CTRL: a JSON object, "{}" if empty */
	unsigned boot;          /* DEPLOY: 1, 2, ... */
	enum run_status status; /* SESSION_END, DONE */
	int seconds;            /* LEARN */
};

struct run_options {
	bool has_client;           /* there is a submitter to connect to */
	double firmware_boot_time; /* seconds, the DUT's learnt one; 0: none */
	const char *shown_job;     /* the rendered job, masked: told to the client at the start. NULL: not. Borrowed during run_create */
};

struct run_result {
	enum run_status status;        /* RUN_UNKNOWN until the end is decided */
	const char *reason;            /* one line: why it ended; NULL until then. Borrowed */
	bool unfit;                    /* machine_unfit_for_service was seen */
	bool want_quick_check;         /* two or more firmware_boot retries were used up */
	bool firmware_booted;          /* a netboot request was seen */
	bool console_seen;             /* a line was received */
	bool off_confirmed;            /* false at DONE: the lease was lost before */
	unsigned boots;                /* how many were begun */
	int learnt_firmware_boot_time; /* whole seconds; 0: nothing new */
};

struct run;

/* `job` is borrowed and must live as long as the run. False: a pattern does not compile. */
bool run_create(struct run **out, const struct job *job, const struct run_options *options, struct gw_error *err);
void run_destroy(struct run *run); /* NULL is fine */
void run_event(struct run *run, const struct run_event *event, int64_t now_ms);
bool run_next_action(struct run *run, struct run_action *action); /* false: no more for now */
int64_t run_deadline(const struct run *run);                      /* when to feed RUN_TICK; INT64_MAX: nothing is awaited by time */
enum run_phase run_phase(const struct run *run);
const struct run_result *run_result(const struct run *run);

#endif
