/* How jobs end: their results are taken, and their ports are off before the machines are free. */
#include "executord/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/log.h"

#define REVOKE_RETRY_MS 2000

void job_raise_firmware_boot_time(struct job *job, double seconds)
{
	const struct mars_dut *mars = job->dut ? registry_mars(job->ex, job->dut) : NULL;
	struct mars_edit edit;

	if (!mars || seconds <= mars->firmware_boot_time)
		return;
	edit = database_set("duts", job->dut->id, "firmware_boot_time", MARS_V_NUMBER(seconds));
	database_write(job->ex, &edit, 1, "firmware_boot_time", NULL, NULL);
}

static void on_ignored(void *data, const void *answer, const struct gw_error *err)
{
}

static void take_result(struct dut *dut, const char *id, enum dut_job_kind kind, const struct job_outcome *outcome, const char *cause)
{
	enum dut_verdict verdict = strcmp(outcome->status, "PASS") == 0 ? DUT_PASSED : outcome->cut_short ? DUT_CUT_SHORT : DUT_FAILED;

	if (verdict != DUT_CUT_SHORT)
		training_take_result(dut, id, kind, outcome);
	if (outcome->quick_check && kind == DUT_JOB_USER)
		dut->quick_check_queued = true;
	dut_job_over(dut, kind, verdict, outcome->unfit, cause);
}

static void on_end_saved(void *data)
{
	struct dut *dut = data;

	dut->end_unsaved = false;
	jobs_serve(dut->ex);
}

/* Until it is on the disk that this job is over, an executord that is killed takes the machine for the job's: no other one may go. */
static void keep_end(struct dut *dut, const char *id)
{
	snprintf(dut->last_job, sizeof(dut->last_job), "%s", id);
	dut->end_unsaved = true;
	state_store_dut_changed(dut);
	state_store_when_saved(dut->ex, on_end_saved, dut);
}

static void say_if_settled(struct executord *ex)
{
	void (*settled)(void *data) = ex->jobs.settled;

	for (const struct job *job = ex->jobs.first; job; job = job->next)
		if (job->phase == JOB_SETTLING)
			return;
	ex->jobs.settled = NULL;
	if (settled)
		settled(ex->jobs.settled_data);
}

void jobs_settle(struct executord *ex, void (*settled)(void *data), void *data)
{
	ex->jobs.settled = settled;
	ex->jobs.settled_data = data;
	say_if_settled(ex);
}

/* Its port is off, or was never on: the machine is free, and the job is gone afterwards. */
void job_over(struct job *job)
{
	struct executord *ex = job->ex;
	struct dut *dut = job->dut;
	struct job_outcome outcome = job->outcome;
	enum dut_job_kind kind = job->kind;
	char id[64], cause[400];

	snprintf(id, sizeof(id), "%s", job->id);
	snprintf(cause, sizeof(cause), "job=%s status=%s%s%s", id, outcome.status, outcome.reason[0] ? " reason=" : "", outcome.reason);
	events_job(job, "ended");
	job_end_capability(job);
	job_bucket_end(job);
	jobd_pool_dismiss(ex, job->jobd);
	job_raise_firmware_boot_time(job, job->outcome.firmware_boot_time);
	job_destroy(job);
	dut->job = NULL;
	keep_end(dut, id);
	take_result(dut, id, kind, &outcome, cause);
	job_logs_prune_soon(ex);
	jobs_serve(ex);
	say_if_settled(ex);
}

void job_set_outcome(struct job *job, const char *status, const char *reason)
{
	job->outcome = (struct job_outcome){.firmware_boot_time = -1};
	snprintf(job->outcome.status, sizeof(job->outcome.status), "%s", status);
	snprintf(job->outcome.reason, sizeof(job->outcome.reason), "%s", reason);
}

static void on_revoked(void *data, const void *answer, const struct gw_error *err);

static void ask_revoke(void *data)
{
	struct job *job = data;
	struct msg_lease_revoke revoke = {.job = job->id};

	bus_ask(&job->ex->bus, "pdud", MSG_LEASE_REVOKE, &revoke, 0, on_revoked, job);
}

static void on_revoked(void *data, const void *answer, const struct gw_error *err)
{
	struct job *job = data;

	if (answer) {
		job_over(job);
		return;
	}
	job->unconfirmed = true;
	events_alarms(job->ex);
	if (bus_peer_up(&job->ex->bus, "pdud")) {
		log_error("job=%s: its port cannot be switched OFF, so the machine is not given out: %s; tried again", job->id, err->text);
		loop_timer_start(&job->ex->loop, &job->timer, REVOKE_RETRY_MS, ask_revoke, job);
	} /* else jobs_on_pdud_up tries again */
}

void jobs_revoke(struct executord *ex, struct job *job)
{
	struct msg_capability withdraw = {.capability = job->capability};

	job->phase = JOB_SETTLING;
	if (job->dut)
		state_store_dut_changed(job->dut); /* its end is decided */
	job_bucket_end(job);
	bus_forget(&ex->bus, job);
	loop_timer_stop(&job->timer);
	if (job->capability[0])
		bus_ask(&ex->bus, "bootsd", MSG_BOOT_WITHDRAW, &withdraw, 0, on_ignored, NULL);
	ask_revoke(job);
}

void jobs_on_pdud_up(struct executord *ex)
{
	job_capabilities_on_pdud_up(ex);
	for (struct job *job = ex->jobs.first; job; job = job->next)
		if (job->phase == JOB_SETTLING && !loop_timer_active(&job->timer)) {
			bus_forget(&ex->bus, job); /* one that pdud's end has just failed */
			ask_revoke(job);
		}
}

/* Without its jobd: the port's state is not known. */
void jobs_lost(struct executord *ex, struct job *job, const char *why)
{
	char cause[400];

	if (job->phase == JOB_SETTLING)
		return;
	snprintf(cause, sizeof(cause), "job=%s reason=%s", job->id, why);
	log_error("job=%s on %s is lost: %s", job->id, job->dut->id, why);
	job_set_outcome(job, "INCOMPLETE", why);
	job->outcome.cut_short = job->cancelled;
	job_answer(job, 503, why);
	jobd_pool_kill(ex, job->jobd, why); /* it does not answer, but may still drive its machine */
	dut_apply(job->dut, DUT_EV_JOB_LOST, cause, NULL);
	if (job->phase != JOB_SETTLING) /* a state that cannot have a job: the port matters all the same */
		jobs_revoke(ex, job);
}

/* It never went, so nothing was powered. */
void job_failed_early(struct job *job, const char *status, const char *why)
{
	if (!job->dut) {
		job_destroy(job);
		return;
	}
	log_warning("job=%s on %s did not start: %s", job->id, job->dut->id, why);
	job_set_outcome(job, status, why);
	job->outcome.cut_short = job->cancelled;
	job_over(job);
}
