#include "executord/training.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/log.h"

static void remove_log(struct executord *ex, const char *job)
{
	char *path = env_state_path(&ex->env, "jobs/%s.log", job);
	struct gw_error err = {0};

	if (!file_remove(path, &err))
		log_failure("an old log", &err);
	free(path);
}

void training_reset(struct dut *dut)
{
	for (size_t i = 0; i < dut->training.n_loops; i++)
		if (dut->training.loops[i].log_job)
			remove_log(dut->ex, dut->training.loops[i].log_job);
	training_finish(&dut->training);
}

void training_start(struct dut *dut)
{
	dut->training.registration_failed = false;
	jobs_start_own(dut->ex, dut, dut->training.is_registered ? DUT_JOB_LOOP : DUT_JOB_REGISTRATION);
}

void training_start_quick_check(struct dut *dut)
{
	dut->quick_check_queued = false;
	jobs_start_own(dut->ex, dut, DUT_JOB_QUICK_CHECK);
}

static void on_retrial(void *data)
{
	struct dut *dut = data;

	dut_apply(dut, DUT_EV_RETRY, "the retrial delay is over", NULL);
}

void training_wait_retrial(struct dut *dut)
{
	dut->training.registration_failed = true;
	state_store_dut_changed(dut);
	loop_timer_start(&dut->ex->loop, &dut->retrial, (uint64_t)(dut->ex->settings.retrial_delay * 1000), on_retrial, dut);
}

void training_stop_retrial(struct dut *dut)
{
	dut->training.registration_failed = false;
	loop_timer_stop(&dut->retrial);
}

static void add_loop(struct dut *dut, const char *job, const struct job_outcome *outcome)
{
	struct training *t = &dut->training;
	bool passed = strcmp(outcome->status, "PASS") == 0;
	struct training_loop loop = {.seconds = outcome->seconds,
				     .watched = outcome->watched,
				     .firmware_booted = outcome->firmware_booted,
				     .console_received = outcome->console_received,
				     .log_job = !passed && outcome->has_log ? gw_strdup(job) : NULL};

	snprintf(loop.status, sizeof(loop.status), "%s", outcome->status);
	t->loops = gw_realloc(t->loops, (t->n_loops + 1) * sizeof(*t->loops));
	t->loops[t->n_loops++] = loop;
}

void training_take_result(struct dut *dut, const char *job, enum dut_job_kind kind, const struct job_outcome *outcome)
{
	bool passed = strcmp(outcome->status, "PASS") == 0;

	if (kind == DUT_JOB_REGISTRATION && passed)
		dut->training.is_registered = true;
	if (kind == DUT_JOB_LOOP)
		add_loop(dut, job, outcome);
	registry_dut_changed(dut->ex, dut);
	state_store_dut_changed(dut);
	if (passed && outcome->has_log) /* of a good boot nobody asks */
		remove_log(dut->ex, job);
}
