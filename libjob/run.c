/* The table of a run: what each event means in each phase. */
#include "libjob/run.h"

#include <stdlib.h>

#include "libjob/run_internal.h"

const char *const run_status_names[RUN_STATUSES] = {"PASS", "WARN", "COMPLETE", "FAIL", "INCOMPLETE", "UNKNOWN", "SETUP_FAIL"};

const char *const run_phase_names[RUN_PHASES] = {
	[RUN_NEW] = "NEW",       [RUN_SETUP] = "SETUP",       [RUN_OFF] = "OFF",         [RUN_RESET] = "RESET", [RUN_ON] = "ON",
	[RUN_BOOTED] = "BOOTED", [RUN_TEARDOWN] = "TEARDOWN", [RUN_CLOSING] = "CLOSING", [RUN_STUCK] = "STUCK", [RUN_DONE] = "DONE",
};

const char *const run_event_names[RUN_EVENTS] = {
	[RUN_START] = "START",
	[RUN_TICK] = "TICK",
	[RUN_CLIENT_CONNECTED] = "CLIENT_CONNECTED",
	[RUN_CLIENT_GONE] = "CLIENT_GONE",
	[RUN_LEASE_TAKEN] = "LEASE_TAKEN",
	[RUN_LEASE_FAILED] = "LEASE_FAILED",
	[RUN_LEASE_LOST] = "LEASE_LOST",
	[RUN_ARTIFACTS_AWAITED] = "ARTIFACTS_AWAITED",
	[RUN_ARTIFACTS_READY] = "ARTIFACTS_READY",
	[RUN_ARTIFACTS_FAILED] = "ARTIFACTS_FAILED",
	[RUN_POWER_IS_OFF] = "POWER_IS_OFF",
	[RUN_POWER_IS_ON] = "POWER_IS_ON",
	[RUN_POWER_FAILED] = "POWER_FAILED",
	[RUN_DEPLOYED] = "DEPLOYED",
	[RUN_DEPLOY_FAILED] = "DEPLOY_FAILED",
	[RUN_CONSOLE_READY] = "CONSOLE_READY",
	[RUN_CONSOLE_LOST] = "CONSOLE_LOST",
	[RUN_CONSOLE_BYTES] = "CONSOLE_BYTES",
	[RUN_DUT_REQUEST] = "DUT_REQUEST",
	[RUN_POWER_SEQUENCE] = "POWER_SEQUENCE",
	[RUN_CANCEL] = "CANCEL",
	[RUN_WITHDRAWN] = "WITHDRAWN",
	[RUN_INFRA_FAILED] = "INFRA_FAILED",
};

/* ---- what ends it ---- */

static void client_gone(struct run *run, const struct run_event *event)
{
	bool connected = run->client == RUN_HELD;

	if (run->client != RUN_HELD && run->client != RUN_ASKED)
		return;
	run->client = RUN_GONE;
	if (connected)
		run_end(run, RUN_INCOMPLETE, "the client is gone: %s", run_text_of(event));
	else
		run_fail(run, "the client could not be reached: %s", run_text_of(event));
}

static void lease_lost(struct run *run, const struct run_event *event)
{
	if (run->lease != RUN_HELD)
		return;
	run->lease = RUN_GONE;
	run_fail(run, "the machine's power port was lost: %s", run_text_of(event));
}

static void power_failed(struct run *run, const struct run_event *event)
{
	if (run->lease == RUN_HELD)
		run_fail(run, "the machine's power could not be switched: %s", run_text_of(event));
}

static void deploy_failed(struct run *run, const struct run_event *event)
{
	run_fail(run, "the machine's boot could not be set up: %s", run_text_of(event));
}

static void infra_failed(struct run *run, const struct run_event *event)
{
	run_fail(run, "%s", run_text_of(event));
}

static void console_lost(struct run *run, const struct run_event *event)
{
	run_say(run, 2, 0, NULL, "The console was lost: %s; trying again", run_text_of(event));
}

static void cancel(struct run *run, const struct run_event *event)
{
	if (run->phase == RUN_NEW)
		run->started = run->now;
	run_cancel(run, run_text_of(event));
}

/* ---- from here to run_boot.c and run_end.c ---- */

static void boot_off(struct run *run, const struct run_event *event)
{
	run_boot_off(run);
}

static void deployed(struct run *run, const struct run_event *event)
{
	run_boot_deployed(run);
}

static void boot_on(struct run *run, const struct run_event *event)
{
	run_boot_on(run);
}

static void drew_power(struct run *run, const struct run_event *event)
{
	run_boot_power_sequence(run);
}

static void late_client(struct run *run, const struct run_event *event)
{
	if (run->client == RUN_ASKED)
		run->client = RUN_HELD;
}

static void end_client_gone(struct run *run, const struct run_event *event)
{
	run_end_client_gone(run);
}

static void end_lease(struct run *run, const struct run_event *event)
{
	run_end_lease_taken(run);
}

static void end_lease_gone(struct run *run, const struct run_event *event)
{
	run_end_lease_gone(run);
}

static void end_off(struct run *run, const struct run_event *event)
{
	run_end_off(run);
}

static void end_off_failed(struct run *run, const struct run_event *event)
{
	run_end_off_failed(run, run_text_of(event));
}

static void end_withdrawn(struct run *run, const struct run_event *event)
{
	run_end_withdrawn(run);
}

static void hurry(struct run *run, const struct run_event *event)
{
	run_end_hurry(run);
}

/* ---- time ---- */

static void step_expired(struct run *run)
{
	static const struct run_event no_console = {.kind = RUN_CONSOLE_READY, .text = "nothing was heard of it in time"};

	if (run->phase == RUN_RESET)
		run_boot_console(run, &no_console);
	else if (run->phase == RUN_OFF)
		run_fail(run, "the machine could not be switched off and its boot set up in time");
	else if (run->phase == RUN_ON)
		run_fail(run, "the machine's power could not be switched on in time");
	else
		run_end_expired(run);
}

static void expired(struct run *run, size_t timer)
{
	run_timer_stop(run, timer);
	if (timer == RUN_TIMER_STEP) {
		step_expired(run);
	} else if (timer == RUN_TIMER_OFF_AGAIN) {
		run_end_say_off(run);
	} else if (timer == JOB_INFRA_SETUP) {
		run_setup_expired(run);
	} else if (timer == JOB_INFRA_TEARDOWN) {
		run_timer_hit(run, timer);
		run_end_expired(run);
	} else if (timer == JOB_OVERALL) {
		run_timer_hit(run, timer);
		run_fail(run, "the timeout overall of %g s was hit", (double)run->timers[timer].ms / 1000);
	} else {
		run_boot_expired(run, timer);
	}
}

/* The earliest first; of two at once, overall before the others. Each starts anew later than now, if at all, so this ends. */
static void tick(struct run *run, const struct run_event *event)
{
	for (;;) {
		size_t first = 0;

		for (size_t i = 1; i < run->n_timers; i++)
			if (run->timers[i].at < run->timers[first].at)
				first = i;
		if (run->timers[first].at > run->now)
			return;
		expired(run, first);
	}
}

/* ---- the table ---- */

typedef void event_fn(struct run *run, const struct run_event *event);

static void ignore(struct run *run, const struct run_event *event)
{
}

/* clang-format off */
#define _ ignore
static event_fn *const table[RUN_EVENTS][RUN_PHASES] = {
	/*                           NEW     SETUP                   OFF            RESET             ON                TEARDOWN and after below */
	[RUN_START]            = {run_setup_start,  _,                      _,             _,                _,                _,                _,               _,               _,              _},
	[RUN_TICK]             = {_,      tick,                   tick,          tick,             tick,             tick,             tick,            tick,            tick,           _},
	[RUN_CLIENT_CONNECTED] = {_,      run_setup_client,           _,             _,                _,                _,                late_client,     late_client,     _,              _},
	[RUN_CLIENT_GONE]      = {_,      client_gone,            client_gone,   client_gone,      client_gone,      client_gone,      end_client_gone, end_client_gone, _,              _},
	[RUN_LEASE_TAKEN]      = {_,      run_setup_lease,            _,             _,                _,                _,                end_lease,       end_lease,       end_lease,      _},
	[RUN_LEASE_FAILED]     = {_,      run_setup_lease_failed,     _,             _,                _,                _,                end_lease_gone,  end_lease_gone,  end_lease_gone, _},
	[RUN_LEASE_LOST]       = {_,      lease_lost,             lease_lost,    lease_lost,       lease_lost,       lease_lost,       end_lease_gone,  end_lease_gone,  end_lease_gone, _},
	[RUN_ARTIFACTS_AWAITED] = {_,      run_setup_awaits,       _,             _,                _,                _,                _,               _,               _,              _},
	[RUN_ARTIFACTS_READY]  = {_,      run_setup_artifacts,        _,             _,                _,                _,                _,               _,               _,              _},
	[RUN_ARTIFACTS_FAILED] = {_,      run_setup_artifacts_failed, _,             _,                _,                _,                _,               _,               _,              _},
	[RUN_POWER_IS_OFF]     = {_,      run_setup_off,              boot_off,      _,                _,                _,                end_off,         end_off,         end_off,        _},
	[RUN_POWER_IS_ON]      = {_,      _,                      _,             _,                boot_on,          _,                _,               _,               _,              _},
	[RUN_POWER_FAILED]     = {_,      power_failed,           power_failed,  _,                power_failed,     _,                end_off_failed,  end_off_failed,  end_off_failed, _},
	[RUN_DEPLOYED]         = {_,      _,                      deployed,      _,                _,                _,                _,               _,               _,              _},
	[RUN_DEPLOY_FAILED]    = {_,      _,                      deploy_failed, _,                _,                _,                _,               _,               _,              _},
	[RUN_CONSOLE_READY]    = {_,      _,                      _,             run_boot_console, _,                _,                _,               _,               _,              _},
	[RUN_CONSOLE_LOST]     = {_,      console_lost,           console_lost,  console_lost,     console_lost,     console_lost,     _,               _,               _,              _},
	[RUN_CONSOLE_BYTES]    = {_,      _,                      _,             _,                run_boot_bytes,   run_boot_bytes,   _,               _,               _,              _},
	[RUN_DUT_REQUEST]      = {_,      _,                      _,             _,                run_boot_request, run_boot_request, _,               _,               _,              _},
	[RUN_POWER_SEQUENCE]   = {_,      _,                      _,             _,                drew_power,       drew_power,       _,               _,               _,              _},
	[RUN_CANCEL]           = {cancel, cancel,                 cancel,        cancel,           cancel,           cancel,           hurry,           hurry,           _,              _},
	[RUN_WITHDRAWN]        = {_,      _,                      _,             _,                _,                _,                end_withdrawn,   _,               _,              _},
	[RUN_INFRA_FAILED]     = {_,      infra_failed,           infra_failed,  infra_failed,     infra_failed,     infra_failed,     _,               _,               _,              _},
};
#undef _
/* clang-format on */

bool run_create(struct run **out, const struct job *job, const struct run_options *options, struct gw_error *err)
{
	struct run *run = gw_calloc(1, sizeof(*run));

	run->job = job;
	run->on_at = RUN_NEVER;
	run->client = options->has_client ? RUN_ASKED : RUN_NOT_ASKED;
	run->known_firmware_boot_time = options->firmware_boot_time;
	run->shown_job = gw_strdup(options->shown_job);
	run->result.status = RUN_UNKNOWN;
	if (!patterns_create(&run->patterns, job, err)) {
		run_destroy(run);
		return false;
	}
	run_timers_init(run);
	*out = run;
	return true;
}

void run_destroy(struct run *run)
{
	if (!run)
		return;
	patterns_destroy(run->patterns);
	run_forget_queue(run);
	free(run->timers);
	free(run->shown_job);
	free(run->reason);
	free(run);
}

void run_event(struct run *run, const struct run_event *event, int64_t now_ms)
{
	run_forget_taken(run);
	if (now_ms > run->now) /* monotonic as it is: one that stands still at worst */
		run->now = now_ms;
	table[event->kind][run->phase](run, event);
}

enum run_phase run_phase(const struct run *run)
{
	return run->phase;
}

const struct run_result *run_result(const struct run *run)
{
	return &run->result;
}
