/* The setup of a run: lease, OFF, artifacts and client are awaited, all at once. */
#include "libjob/run_internal.h"

static void set_up(struct run *run)
{
	if (run->lease != RUN_HELD || !run->off || !run->artifacts_ready || run->client == RUN_ASKED)
		return;
	run_timer_stop(run, JOB_INFRA_SETUP);
	run_say(run, 1, 101, NULL, "Infra setup complete");
	run_begin_boot(run);
}

static void ask_setup(struct run *run)
{
	if (run->lease != RUN_HELD) {
		run->lease = RUN_ASKED;
		run_do(run, RUN_DO_TAKE_LEASE);
	}
	if (!run->off)
		run_do(run, RUN_DO_POWER_OFF);
	if (!run->artifacts_ready)
		run_do(run, RUN_DO_FETCH);
	run_timer_start(run, JOB_INFRA_SETUP);
}

void run_setup_start(struct run *run, const struct run_event *event)
{
	run->started = run->now;
	run->phase = RUN_SETUP;
	run_timer_start(run, JOB_OVERALL);
	if (run->client == RUN_ASKED)
		run_do(run, RUN_DO_CONNECT_CLIENT);
	if (run->shown_job)
		run_say(run, 1, 0, NULL, "The job, as rendered for this machine:\n%s", run->shown_job);
	if (run->job->deadline_passed)
		run_say(run, 2, 0, NULL, "The job's deadline, %s, has passed already", run->job->deadline);
	run_say(run, 1, 100, NULL, "Set up the infrastructure: switch the machine off, fetch what it boots");
	ask_setup(run);
}

void run_setup_client(struct run *run, const struct run_event *event)
{
	if (run->client != RUN_ASKED)
		return;
	run->client = RUN_HELD;
	set_up(run);
}

void run_setup_lease(struct run *run, const struct run_event *event)
{
	run->lease = RUN_HELD;
	set_up(run);
}

void run_setup_lease_failed(struct run *run, const struct run_event *event)
{
	if (run->lease != RUN_ASKED)
		return;
	run->lease = RUN_GONE;
	run_fail(run, "the machine's power port could not be had: %s", run_text_of(event));
}

void run_setup_artifacts(struct run *run, const struct run_event *event)
{
	run->artifacts_ready = true;
	set_up(run);
}

void run_setup_awaits(struct run *run, const struct run_event *event)
{
	run_say(run, 1, 0, NULL, "%s", run_text_of(event));
}

void run_setup_artifacts_failed(struct run *run, const struct run_event *event)
{
	if (!run->artifacts_ready)
		run_fail(run, "%s", run_text_of(event));
}

void run_setup_off(struct run *run, const struct run_event *event)
{
	run->off = true;
	set_up(run);
}

void run_setup_expired(struct run *run)
{
	if (run_timer_hit(run, JOB_INFRA_SETUP))
		ask_setup(run);
	else
		run_fail(run, "the timeout infra_setup of %g s was hit", (double)run->timers[JOB_INFRA_SETUP].ms / 1000);
}
