/* The end of a run: OFF and withdrawal, the verdict told, the client awaited; and it is not done before OFF is confirmed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "libjob/run_internal.h"

#define TEARDOWN_PATIENCE_MS (60 * 1000)      /* then the client is told, and OFF goes on being tried */
#define OFF_AGAIN_MS         (5 * 1000)       /* between a failed OFF and the next try */
#define CLOSING_LEAST_MS     (5 * 1000)       /* for the client to take session_end, however late the teardown */
#define CLOSING_MOST_MS      (90 * 60 * 1000) /* without an infra_teardown */

/* Nothing about the port is ours to wait for. */
static bool off_settled(const struct run *run)
{
	return run->off || run->lease == RUN_NOT_ASKED || run->lease == RUN_GONE || (run->lease == RUN_ASKED && run->lease_given_up);
}

static void alarm_once(struct run *run)
{
	if (!run->alarmed)
		run_do_text(run, RUN_DO_ALARM, "the port's OFF could not be confirmed: the machine must not be given out");
	run->alarmed = true;
}

static void finish(struct run *run)
{
	if (!off_settled(run)) {
		run->phase = RUN_STUCK;
		run_timer_stop(run, RUN_TIMER_STEP);
		alarm_once(run);
		return;
	}
	run_timers_stop_all(run);
	run->result.off_confirmed = run->off;
	if (run->lease == RUN_HELD || run->lease == RUN_ASKED)
		run_do(run, RUN_DO_RELEASE_LEASE);
	run->phase = RUN_DONE;
	run_do_status(run, RUN_DO_DONE, run->result.status);
}

static bool has_client(const struct run *run)
{
	return run->client == RUN_ASKED || run->client == RUN_HELD;
}

/* What is still awaited of the port is awaited behind the client's back. */
static void begin_closing(struct run *run)
{
	int64_t least = run_later(run->now, CLOSING_LEAST_MS);

	run_timer_stop(run, JOB_INFRA_TEARDOWN);
	run_say(run, 1, 106, NULL, "Tear down complete%s", off_settled(run) ? "" : ", but for the port's OFF, which is not confirmed yet");
	if (!off_settled(run))
		alarm_once(run);
	if (!has_client(run)) {
		finish(run);
		return;
	}
	run->phase = RUN_CLOSING;
	run_do_status(run, RUN_DO_SESSION_END, run->result.status);
	run->session_ended = true;
	run->timers[RUN_TIMER_STEP].at = run->hurry || run->closing_until < least ? least : run->closing_until;
}

static void go_on(struct run *run)
{
	if (run->phase == RUN_TEARDOWN && run->withdrawn && (off_settled(run) || run->off_failed))
		begin_closing(run);
	else if (run->phase == RUN_STUCK && off_settled(run))
		finish(run);
}

static void begin_teardown(struct run *run)
{
	int64_t ms = run->job->timeouts[JOB_INFRA_TEARDOWN].ms;

	run_timers_stop_all(run);
	run->phase = RUN_TEARDOWN;
	run->closing_until = run_later(run->now, ms < 0 ? CLOSING_MOST_MS : ms);
	run_timer_start(run, JOB_INFRA_TEARDOWN);
	run_timer_start_ms(run, RUN_TIMER_STEP, TEARDOWN_PATIENCE_MS);
	run_say(run, 1, 105, NULL, "Tear down: %s", run->reason);
	run->off = false; /* said anew, whatever was said before: a job ends with a confirmed OFF */
	if (!off_settled(run))
		run_do(run, RUN_DO_POWER_OFF);
	run->withdrawn = !run->ever_deployed;
	if (run->ever_deployed)
		run_do(run, RUN_DO_WITHDRAW);
	go_on(run);
}

static void end_va(struct run *run, enum run_status status, const char *fmt, va_list ap)
{
	gw_assert(!run->reason && vasprintf(&run->reason, fmt, ap) >= 0);
	run->result.reason = run->reason;
	run->result.status = status;
	begin_teardown(run);
}

void run_end(struct run *run, enum run_status status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	end_va(run, status, fmt, ap);
	va_end(ap);
}

void run_fail(struct run *run, const char *fmt, ...)
{
	va_list ap;
	char *what = NULL;

	va_start(ap, fmt);
	gw_assert(vasprintf(&what, fmt, ap) >= 0);
	va_end(ap);
	if (run->phase == RUN_SETUP)
		run_say(run, 3, 102, NULL, "Infra setup failed: %s", what);
	else
		run_say(run, 3, 0, NULL, "The job ends: %s", what);
	run_end(run, run->powered ? RUN_INCOMPLETE : RUN_SETUP_FAIL, "%s", what);
	free(what);
}

/* The client sees its connection end without a session_end: INCOMPLETE. */
void run_cancel(struct run *run, const char *why)
{
	run_say(run, 2, 0, NULL, "The job was cancelled: %s", why);
	if (has_client(run))
		run_do(run, RUN_DO_CLOSE_CLIENT);
	run->client = RUN_GONE;
	run_end(run, RUN_INCOMPLETE, "cancelled: %s", why);
}

void run_end_off(struct run *run)
{
	run->off = true;
	run_timer_stop(run, RUN_TIMER_OFF_AGAIN);
	go_on(run);
}

/* Nobody should wait longer than for one try: the verdict does not depend on it. */
void run_end_off_failed(struct run *run, const char *why)
{
	if (off_settled(run))
		return;
	run->off_failed = true;
	run_say(run, 3, 0, NULL, "The port could not be switched OFF: %s; trying again", why);
	run_timer_start_ms(run, RUN_TIMER_OFF_AGAIN, OFF_AGAIN_MS);
	go_on(run);
}

void run_end_say_off(struct run *run)
{
	run_do(run, RUN_DO_POWER_OFF);
	run_timer_start_ms(run, RUN_TIMER_OFF_AGAIN, TEARDOWN_PATIENCE_MS); /* an answer that never comes ends no trying */
}

void run_end_withdrawn(struct run *run)
{
	run->withdrawn = true;
	go_on(run);
}

/* It was asked for before the end was decided. */
void run_end_lease_taken(struct run *run)
{
	if (run->lease != RUN_ASKED)
		return;
	run->lease = RUN_HELD;
	run->off = false;
	run_end_say_off(run);
}

void run_end_lease_gone(struct run *run)
{
	run->lease = RUN_GONE;
	run_timer_stop(run, RUN_TIMER_OFF_AGAIN);
	go_on(run);
}

void run_end_client_gone(struct run *run)
{
	run->client = RUN_GONE;
	if (run->phase == RUN_CLOSING)
		finish(run);
}

static void close_client(struct run *run)
{
	run_do(run, RUN_DO_CLOSE_CLIENT);
	run_end_client_gone(run);
}

void run_end_hurry(struct run *run)
{
	run->hurry = true;
	if (run->phase == RUN_CLOSING)
		close_client(run);
}

static void give_up_waiting(struct run *run)
{
	run->withdrawn = true;
	run->off_failed = true;
	run->lease_given_up = true;
	if (!off_settled(run))
		run_end_say_off(run);
	go_on(run);
}

void run_end_expired(struct run *run)
{
	if (run->phase == RUN_CLOSING)
		close_client(run);
	else if (run->phase == RUN_TEARDOWN)
		give_up_waiting(run);
}
