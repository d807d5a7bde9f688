#include "jobd/report.h"

#include "jobd/jobd.h"
#include "libgateway/log.h"
#include "libgateway/utf8.h"

#define LEAVE_PATIENCE_MS 5000 /* for the lease's end, and in a stop for executord */

static void on_running_told(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;

	j->report.running = NULL;
	if (!answer && err->kind == GW_UNREACHABLE)
		report_running(j);
	else if (!answer)
		log_warning("job=%s executord does not take that it runs: %s", j->go->job, err->text);
}

void report_running(struct jobd *j)
{
	struct msg_job_id body = {.job = j->go->job};

	j->report.is_running = true;
	j->report.running = ask_start(&j->asks, "executord", MSG_JOB_RUNNING, &body, on_running_told, j);
}

static void report_ended(struct jobd *j);

static void on_leave(void *data)
{
	struct jobd *j = data;

	loop_stop(&j->loop);
}

static void on_ended_told(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;

	j->report.ended = NULL;
	if (!answer && err->kind == GW_UNREACHABLE) { /* it is there but did not answer in time */
		report_ended(j);
		return;
	}
	if (!answer)
		log_warning("job=%s executord does not take its result: %s", j->go->job, err->text);
	j->report.is_told = true;
	loop_timer_start(&j->loop, &j->report.leave, LEAVE_PATIENCE_MS, on_leave, j);
	report_may_leave(j);
}

static void report_ended(struct jobd *j)
{
	const struct run_result *r = run_result(j->drive.run);
	char reason[513];
	struct msg_job_ended body = {
		.job = j->go->job,
		.status = (char *)(uintptr_t)run_status_names[r->status], /* copied, never written */
		.reason = reason,
		.unfit = r->unfit,
		.quick_check = r->want_quick_check,
		.firmware_booted = r->firmware_booted,
		.console_received = r->console_seen,
		.firmware_boot_time = r->learnt_firmware_boot_time ? r->learnt_firmware_boot_time : -1,
		.seconds = (double)((int64_t)(uv_hrtime() / 1000000) - j->drive.started_ms) / 1000,
		.off = r->off_confirmed,
		.has_log = job_log_has_bytes(j),
		.stopped = j->report.stopping,
	};

	snprintf(reason, sizeof(reason), "%s", r->reason);
	utf8_clean(reason); /* it may have been cut in a character */
	ask_cancel(&j->report.running);
	j->report.ended = ask_start(&j->asks, "executord", MSG_JOB_ENDED, &body, on_ended_told, j);
	if (j->report.stopping)
		loop_timer_start(&j->loop, &j->report.leave, LEAVE_PATIENCE_MS, on_leave, j);
}

static void tell_end(struct jobd *j)
{
	j->report.is_due = false;
	loop_timer_stop(&j->report.leave);
	report_ended(j);
}

static void on_release_late(void *data)
{
	tell_end(data);
}

/* Whoever hears of the end gives the machine to the next job at once, which is to find its port free: so the lease's end is awaited. Not
 * for long: where pdud is away the port is OFF already, and the lease ends by itself. */
void report_when_free(struct jobd *j)
{
	j->report.is_due = true;
	if (j->power.release)
		loop_timer_start(&j->loop, &j->report.leave, LEAVE_PATIENCE_MS, on_release_late, j);
	else
		tell_end(j);
}

void report_released(struct jobd *j)
{
	if (j->report.is_due)
		tell_end(j);
	else
		report_may_leave(j);
}

/* The lease's end and the client's are awaited, but not for long. */
void report_may_leave(struct jobd *j)
{
	if (j->report.is_told && !j->power.release && !client_is_there(j))
		loop_stop(&j->loop);
}

void report_on_stop(void *jobd)
{
	struct jobd *j = jobd;

	j->report.stopping = true;
	if (!j->drive.run)
		loop_stop(&j->loop);
	else if (drive_is_over(j))
		loop_timer_start(&j->loop, &j->report.leave, LEAVE_PATIENCE_MS, on_leave, j);
	else
		drive_happened(j, RUN_CANCEL, "the gateway stops");
}

void report_finish(struct jobd *j)
{
	loop_timer_finish(&j->report.leave);
}
