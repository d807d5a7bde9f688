/* A run's timers: when each expires, and its retries. */
#include <stdio.h>

#include "libjob/run_internal.h"

int64_t run_later(int64_t at, int64_t ms)
{
	return ms >= RUN_NEVER - at ? RUN_NEVER : at + ms;
}

void run_timers_init(struct run *run)
{
	const struct job *job = run->job;

	run->n_timers = RUN_TIMER_WATCHDOGS + job->n_watchdogs;
	run->timers = gw_calloc(run->n_timers, sizeof(*run->timers));
	for (size_t i = 0; i < run->n_timers; i++) {
		struct run_timer *timer = &run->timers[i];
		const struct job_timeout *timeout = i < JOB_TIMEOUTS           ? &job->timeouts[i]
						    : i >= RUN_TIMER_WATCHDOGS ? &job->watchdogs[i - RUN_TIMER_WATCHDOGS].timeout
									       : NULL;
		timer->at = RUN_NEVER;
		timer->ms = timeout ? timeout->ms : -1;
		timer->retries = timeout ? timeout->retries : 0;
		timer->name = i < JOB_TIMEOUTS           ? job_timeout_names[i]
			      : i >= RUN_TIMER_WATCHDOGS ? job->watchdogs[i - RUN_TIMER_WATCHDOGS].name
							 : "";
	}
}

void run_timer_start_ms(struct run *run, size_t timer, int64_t ms)
{
	run->timers[timer].at = ms < 0 ? RUN_NEVER : run_later(run->now, ms);
}

void run_timer_start(struct run *run, size_t timer)
{
	int64_t ms = run->timers[timer].ms;

	run_timer_start_ms(run, timer, ms == 0 ? 1 : ms); /* one of nothing at all still lets time pass before its retry */
}

void run_timer_stop(struct run *run, size_t timer)
{
	run->timers[timer].at = RUN_NEVER;
}

bool run_timer_active(const struct run *run, size_t timer)
{
	return run->timers[timer].at != RUN_NEVER;
}

void run_timers_stop_boot(struct run *run)
{
	for (size_t i = JOB_BOOT_CYCLE; i < run->n_timers; i++)
		run_timer_stop(run, i);
}

void run_timers_stop_all(struct run *run)
{
	for (size_t i = 0; i < run->n_timers; i++)
		run_timer_stop(run, i);
}

static cJSON *hit_metadata(const struct run_timer *timer, const char *name, bool retrying)
{
	cJSON *metadata = cJSON_CreateObject(), *timeout = cJSON_AddObjectToObject(metadata, "timeout");

	cJSON_AddStringToObject(timeout, "name", name);
	cJSON_AddNumberToObject(timeout, "seconds", (double)timer->ms / 1000);
	cJSON_AddNumberToObject(timeout, "retries", timer->retries);
	cJSON_AddNumberToObject(timeout, "retried", timer->retried);
	cJSON_AddBoolToObject(timeout, "is_retrying", retrying);
	return metadata;
}

bool run_timer_hit(struct run *run, size_t index)
{
	struct run_timer *timer = &run->timers[index];
	bool retrying = timer->retried < timer->retries;
	char name[160];

	snprintf(name, sizeof(name), "%s%.120s", index >= RUN_TIMER_WATCHDOGS ? "watchdogs." : "", timer->name);
	if (retrying)
		timer->retried++;
	run_say(run, retrying ? 2 : 3, 400, hit_metadata(timer, name, retrying), "Hit the timeout %s of %g s: %s (%d of %d retries used)",
		name, (double)timer->ms / 1000, retrying ? "retry" : "abort", timer->retried, timer->retries);
	return retrying;
}

int64_t run_deadline(const struct run *run)
{
	int64_t first = RUN_NEVER;

	for (size_t i = 0; i < run->n_timers; i++)
		if (run->timers[i].at < first)
			first = run->timers[i].at;
	return first;
}
