/* What the jobds say. */
#include <stdio.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/log.h"

static bool hello_of_job(struct executord *ex, const struct msg_job_hello *hello, struct gw_error *err)
{
	struct job *job = jobs_find(ex, hello->job);
	struct jobd *jobd;

	if (job && job->phase == JOB_SETTLING)
		return gw_fail(err, GW_NOT_FOUND, "job '%.128s' was given up", hello->job);
	if (job && job->jobd_name[0] && strcmp(job->jobd_name, hello->bus) != 0)
		return gw_fail(err, GW_NOT_FOUND, "job '%.128s' is that of %s", hello->job, job->jobd_name);
	jobd = jobd_pool_add(ex, hello->bus, (pid_t)hello->pid, false, err);
	if (!jobd || (!job && !(job = jobs_adopt(ex, hello->job, hello->capability, err))))
		return false;
	log_info("job=%s on %s is carried on by %s", job->id, job->dut ? job->dut->id : "?", jobd->name);
	snprintf(job->jobd_name, sizeof(job->jobd_name), "%s", jobd->name);
	jobd->job = job;
	job->jobd = jobd;
	loop_timer_stop(&job->timer);
	if (hello->running)
		jobs_on_running(ex, job);
	if (job->dut)
		state_store_dut_changed(job->dut);
	jobs_on_jobd_up(ex, jobd->up ? job : NULL);
	return true;
}

void jobs_on_hello_message(void *owner, const void *body, struct bus_call *call)
{
	struct executord *ex = owner;
	const struct msg_job_hello *hello = body;
	struct gw_error err = {0};
	bool ok = hello->job ? hello_of_job(ex, hello, &err) : jobd_pool_add(ex, hello->bus, (pid_t)hello->pid, true, &err) != NULL;

	jobd_pool_hear(ex, hello->bus);
	if (ok) {
		bus_answer(call, NULL);
	} else {
		log_warning("%s is sent away: %s", hello->bus, err.text);
		bus_answer_error(call, &err);
	}
	jobs_on_jobd_heard(ex);
}

static struct job *known(struct executord *ex, const char *id, struct gw_error *err)
{
	struct job *job = jobs_find(ex, id);

	if (!job || !job->dut || job->phase == JOB_SETTLING) {
		gw_fail(err, GW_NOT_FOUND, "job '%.128s' is not known here", id);
		return NULL;
	}
	return job;
}

void jobs_on_running_message(void *owner, const void *body, struct bus_call *call)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct job *job = known(ex, ((const struct msg_job_id *)body)->job, &err);

	if (!job) {
		bus_answer_error(call, &err);
		return;
	}
	bus_answer(call, NULL);
	jobs_on_running(ex, job);
}

void jobs_on_learnt_message(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_job_learnt *learnt = body;
	struct job *job = jobs_find(owner, learnt->job);

	if (job)
		job_raise_firmware_boot_time(job, learnt->firmware_boot_time);
}

static void on_ended_kept(void *data)
{
	bus_answer(data, NULL);
}

/* Answered once it is on the disk: an executord that is killed before hears it again. Of a job that is not known any more the result was
 * taken before: the answer to it got lost. */
void jobs_on_ended_message(void *owner, const void *body, struct bus_call *call)
{
	struct executord *ex = owner;
	const struct msg_job_ended *ended = body;
	struct job *job = jobs_find(ex, ended->job);

	if (job)
		jobs_on_ended(ex, job, ended);
	state_store_when_saved(ex, on_ended_kept, call);
}
