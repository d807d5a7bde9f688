/* The inside of a run: for run*.c alone. */
#ifndef LIBJOB_RUN_INTERNAL_H
#define LIBJOB_RUN_INTERNAL_H

#include <cjson/cJSON.h>

#include "libjob/pattern.h"
#include "libjob/run.h"

#define RUN_NEVER INT64_MAX

enum {                                /* in run->timers: first enum job_timeout_id, then these, then one for each watchdog */
       RUN_TIMER_STEP = JOB_TIMEOUTS, /* how long a phase is waited for, whatever the job says */
       RUN_TIMER_OFF_AGAIN,           /* until OFF is tried again */
       RUN_TIMER_WATCHDOGS
};

struct run_timer {
	int64_t at; /* when it expires; RUN_NEVER: stopped */
	int64_t ms; /* < 0: never fires */
	int retries, retried;
	const char *name; /* borrowed from the job; of a watchdog without "watchdogs." */
};

/* Of what is held elsewhere: the lease of the port, the submitter's connection. */
enum run_hold { RUN_NOT_ASKED, RUN_ASKED, RUN_HELD, RUN_GONE };

struct run_queued {
	struct run_action action;
	char *text, *metadata; /* owned; the action borrows them */
};

struct run {
	const struct job *job;
	struct patterns *patterns;
	enum run_phase phase;
	int64_t now, started;
	struct run_timer *timers;
	size_t n_timers;
	enum run_hold lease, client;
	bool lease_given_up;  /* still RUN_ASKED at the end: if it was given after all, it ends by not being renewed */
	bool off;             /* confirmed, since ON was last said */
	bool off_failed;      /* it was given up to wait for it before the client is told */
	bool artifacts_ready; /* of setup */
	bool ever_deployed, deployed, withdrawn;
	bool session_ended; /* its frame was the last one */
	bool hurry;         /* cancelled while it ends: the client is not waited for */
	bool alarmed;
	bool powered;                    /* ON was said in some boot */
	bool matched[JOB_PATTERNS];      /* in the whole job; session_reboot: in this boot */
	int64_t on_at;                   /* when ON was seen in this boot; RUN_NEVER: not yet */
	bool booted, line_seen, drew;    /* in this boot: a netboot request, a newline, a power sequence */
	int64_t closing_until;           /* the latest end of RUN_CLOSING */
	double known_firmware_boot_time; /* seconds; 0: none */
	char *shown_job;                 /* until it is said */
	char *reason;                    /* owned; result.reason borrows it */
	struct run_result result;
	struct run_queued *queue; /* owned */
	size_t n_queue, head, queue_size;
};

/* run_say.c: what is to be done and said. */
void run_do(struct run *run, enum run_action_kind kind);
void run_do_text(struct run *run, enum run_action_kind kind, const char *text);
void run_do_boot(struct run *run, unsigned boot);
void run_do_status(struct run *run, enum run_action_kind kind, enum run_status status);
void run_do_learn(struct run *run, int seconds);
/* A ctrl message; `metadata` (taken; NULL: {}) and the text without time and newline. Nothing once the session has ended. */
void run_say(struct run *run, int severity, int tag, cJSON *metadata, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void run_forget_taken(struct run *run); /* frees the actions that were taken */
void run_forget_queue(struct run *run);

const char *run_text_of(const struct run_event *event);

/* run_setup.c */
void run_setup_start(struct run *run, const struct run_event *event);
void run_setup_client(struct run *run, const struct run_event *event);
void run_setup_lease(struct run *run, const struct run_event *event);
void run_setup_lease_failed(struct run *run, const struct run_event *event);
void run_setup_awaits(struct run *run, const struct run_event *event);
void run_setup_artifacts(struct run *run, const struct run_event *event);
void run_setup_artifacts_failed(struct run *run, const struct run_event *event);
void run_setup_off(struct run *run, const struct run_event *event);
void run_setup_expired(struct run *run);

/* run_timers.c */
void run_timers_init(struct run *run);
void run_timer_start(struct run *run, size_t timer);
void run_timer_start_ms(struct run *run, size_t timer, int64_t ms);
void run_timer_stop(struct run *run, size_t timer);
bool run_timer_active(const struct run *run, size_t timer);
void run_timers_stop_boot(struct run *run); /* those of a boot, watchdogs too */
void run_timers_stop_all(struct run *run);
/* Counts a retry if one is left, and tells the client of the timeout either way. */
bool run_timer_hit(struct run *run, size_t timer);
int64_t run_later(int64_t at, int64_t ms); /* at + ms, without overflow */

/* run_boot.c: boots and what the DUT does in them. */
void run_begin_boot(struct run *run);
void run_boot_off(struct run *run);
void run_boot_deployed(struct run *run);
void run_boot_console(struct run *run, const struct run_event *event);
void run_boot_on(struct run *run);
void run_boot_request(struct run *run, const struct run_event *event);
void run_boot_power_sequence(struct run *run);
void run_boot_bytes(struct run *run, const struct run_event *event);
void run_boot_expired(struct run *run, size_t timer); /* one of a boot's timers */

/* run_end.c: from the decision to end until DONE. */
void run_end(struct run *run, enum run_status status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What went wrong: SETUP_FAIL before the machine was first switched on, else INCOMPLETE. */
void run_fail(struct run *run, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void run_cancel(struct run *run, const char *why);
void run_end_off(struct run *run);
void run_end_off_failed(struct run *run, const char *why);
void run_end_say_off(struct run *run);
void run_end_withdrawn(struct run *run);
void run_end_lease_taken(struct run *run);
void run_end_lease_gone(struct run *run);
void run_end_client_gone(struct run *run);
void run_end_hurry(struct run *run);
void run_end_expired(struct run *run); /* of infra_teardown or of the step */

#endif
