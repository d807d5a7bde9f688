#include "executord/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executord/executord.h"
#include "libgateway/log.h"

#define HELLO_MS   15000 /* a jobd that outlived us says hello within 100 ms of our return */
#define HEARING_MS 5000

static const char *const kind_names[] = {
	[DUT_JOB_USER] = "user",
	[DUT_JOB_REGISTRATION] = "registration",
	[DUT_JOB_LOOP] = "boot_loop",
	[DUT_JOB_QUICK_CHECK] = "quick_check",
};

const char *job_kind_name(enum dut_job_kind kind)
{
	return kind_names[kind];
}

bool job_kind_of_id(const char *id, enum dut_job_kind *kind)
{
	for (size_t i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
		size_t len = strlen(kind_names[i]);

		if (strncmp(id, kind_names[i], len) == 0 && id[len] == '-') {
			*kind = (enum dut_job_kind)i;
			return true;
		}
	}
	return false;
}

/* ---- the list ---- */

struct job *job_add(struct executord *ex, enum dut_job_kind kind)
{
	struct job *job = gw_calloc(1, sizeof(*job)), **at = &ex->jobs.first;

	job->ex = ex;
	job->phase = JOB_WAITING;
	job->kind = kind;
	while (*at)
		at = &(*at)->next;
	*at = job;
	return job;
}

struct job *job_add_new(struct executord *ex, enum dut_job_kind kind)
{
	struct job *job = job_add(ex, kind);

	snprintf(job->id, sizeof(job->id), "%s-%llx-%u", kind_names[kind], ex->jobs.started_at, ++ex->jobs.counter);
	return job;
}

void job_destroy(struct job *job)
{
	struct job **at = &job->ex->jobs.first;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	bus_forget(&job->ex->bus, job);
	loop_timer_finish(&job->timer);
	job_request_finish(&job->request);
	job_bucket_destroy(job->bucket);
	free(job->text);
	free(job);
}

struct job *jobs_find(struct executord *ex, const char *id)
{
	struct job *job = ex->jobs.first;

	while (job && strcmp(job->id, id) != 0)
		job = job->next;
	return job;
}

struct bus_texts jobs_ids(struct executord *ex)
{
	struct bus_texts ids = {0};

	for (struct job *job = ex->jobs.first; job; job = job->next) {
		ids.v = gw_realloc(ids.v, (ids.n + 1) * sizeof(*ids.v));
		ids.v[ids.n++] = job->id;
	}
	return ids;
}

void jobs_start(struct executord *ex)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	ex->jobs.started_at = (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void jobs_finish(struct executord *ex)
{
	loop_timer_finish(&ex->jobs.hearing);
	job_capabilities_finish(ex);
	while (ex->jobs.first) {
		if (ex->jobs.first->dut)
			ex->jobs.first->dut->job = NULL;
		job_destroy(ex->jobs.first);
	}
}

/* ---- the way ---- */

void jobs_on_running(struct executord *ex, struct job *job)
{
	char cause[80];

	if (job->running || job->phase == JOB_SETTLING)
		return;
	snprintf(cause, sizeof(cause), "job=%s", job->id);
	job->running = true;
	events_job(job, "running");
	dut_apply(job->dut, DUT_EV_JOB_STARTED, cause, NULL);
	state_store_dut_changed(job->dut);
}

void jobs_on_ended(struct executord *ex, struct job *job, const struct msg_job_ended *ended)
{
	if (job->phase == JOB_SETTLING || !job->dut)
		return;
	job_set_outcome(job, ended->status, ended->reason ? ended->reason : "");
	job->outcome.unfit = ended->unfit;
	job->outcome.quick_check = ended->quick_check;
	job->outcome.firmware_booted = ended->firmware_booted;
	job->outcome.console_received = ended->console_received;
	job->outcome.has_log = ended->has_log;
	job->outcome.watched = strcmp(ended->status, "SETUP_FAIL") != 0;
	job->outcome.cut_short = (ended->stopped || job->cancelled) && strcmp(ended->status, "PASS") != 0;
	job->outcome.firmware_boot_time = ended->firmware_boot_time;
	job->outcome.seconds = ended->seconds;
	job_answer(job, 200, "success"); /* its end overtook the answer to job.go */
	if (ended->off)
		job_over(job);
	else
		jobs_revoke(ex, job);
}

static void on_cancelled(void *data, const void *answer, const struct gw_error *err)
{
	struct job *job = data;

	if (!answer && err->kind == GW_UNREACHABLE)
		job->cancel_sent = false; /* said again, should its jobd come up again */
	if (!answer && err->kind == GW_UNREACHABLE && job->jobd && job->jobd->up)
		jobs_lost(job->ex, job, "its jobd does not answer");
	else if (!answer)
		log_warning("job=%s: %s", job->id, err->text);
}

void job_send_cancel(struct job *job)
{
	struct msg_job_cancel cancel = {.job = job->id, .reason = job->cancel_reason};

	if (job->cancel_sent || !job->jobd || !job->jobd->up)
		return; /* at its hello, then */
	job->cancel_sent = true;
	bus_ask(&job->ex->bus, job->jobd->name, MSG_JOB_CANCEL, &cancel, 0, on_cancelled, job);
}

void jobs_cancel(struct executord *ex, struct job *job, const char *reason)
{
	job->cancelled = true;
	snprintf(job->cancel_reason, sizeof(job->cancel_reason), "%s", reason);
	if (job->dut)
		state_store_dut_changed(job->dut); /* the next executord says it again */
	if (job->phase == JOB_FILLING || job->phase == JOB_READY) {
		jobd_pool_give_back(ex, job->jobd);
		job->jobd = NULL;
		job_answer(job, 503, reason);
	}
	if (job->phase == JOB_WAITING || job->phase == JOB_FILLING || job->phase == JOB_READY)
		job_failed_early(job, "INCOMPLETE", reason);
	else if (job->phase == JOB_GIVEN)
		job_send_cancel(job);
}

void jobs_on_jobd_up(struct executord *ex, struct job *job)
{
	if (!job)
		jobs_serve(ex);
	else if (job->cancelled && job->phase == JOB_GIVEN)
		job_send_cancel(job);
}

void jobs_on_jobd_gone(struct executord *ex, struct job *job, const char *why)
{
	job->jobd = NULL;
	if (job->phase == JOB_SETTLING)
		return;
	bus_forget(&ex->bus, job);
	if (job->phase == JOB_GOING || job->phase == JOB_GIVEN) {
		jobs_lost(ex, job, why);
		return;
	}
	job_try_next_jobd(job, why);
}

/* ---- over restarts ---- */

static void begin(struct executord *ex)
{
	size_t n = ex->registry.n_duts;
	struct dut **v = gw_calloc(n + 1, sizeof(*v)); /* they may be forgotten */

	loop_timer_stop(&ex->jobs.hearing);
	ex->jobs.begun = true;
	buckets_configure(ex);
	for (size_t i = 0; i < n; i++)
		v[i] = ex->registry.duts[i];
	for (size_t i = 0; i < n; i++)
		dut_resume(v[i]);
	free(v);
	jobs_serve(ex);
	job_logs_prune_soon(ex);
}

static void on_unheard(void *data)
{
	jobd_pool_kill_unheard(data);
	begin(data);
}

void jobs_on_jobd_heard(struct executord *ex)
{
	if (!ex->jobs.begun && !jobd_pool_has_unheard(ex))
		begin(ex);
}

void jobs_begin(struct executord *ex)
{
	jobd_pool_find_living(ex);
	if (!jobd_pool_has_unheard(ex))
		begin(ex);
	else
		loop_timer_start(&ex->loop, &ex->jobs.hearing, HEARING_MS, on_unheard, ex);
}

static void on_no_hello(void *data)
{
	struct job *job = data;

	jobs_lost(job->ex, job,
		  job->jobd ? "its jobd did not say hello after executord's restart" : "its jobd died while executord was away");
}

static void take_port_of(struct executord *ex, struct job *job)
{
	struct capability cap;

	if (!capability_check(ex->settings.key, job->capability, &cap, NULL))
		return;
	snprintf(job->pdu, sizeof(job->pdu), "%s", cap.pdu);
	snprintf(job->port, sizeof(job->port), "%s", cap.port);
}

static struct job *carry_on(struct executord *ex, struct dut *dut, const char *id, enum dut_job_kind kind, const char *capability)
{
	struct job *job = job_add(ex, kind);

	snprintf(job->id, sizeof(job->id), "%s", id);
	snprintf(job->capability, sizeof(job->capability), "%s", capability);
	take_port_of(ex, job);
	job->phase = JOB_GIVEN;
	job->went = true;
	job->has_bucket = kind == DUT_JOB_USER; /* perhaps */
	job->dut = dut;
	dut->job = job;
	return job;
}

static void find_jobd(struct executord *ex, struct job *job)
{
	char *lock = env_runtime_path(&ex->env, "%s.lock", job->jobd_name);
	pid_t pid = file_lock_holder(lock);
	struct gw_error err = {0};

	if (pid > 0)
		job->jobd = jobd_pool_add(ex, job->jobd_name, pid, false, &err);
	if (job->jobd)
		job->jobd->job = job;
	free(lock);
}

void jobs_restore(struct executord *ex, struct dut *dut, const struct kept_job *kept)
{
	enum dut_job_kind kind = DUT_JOB_USER;
	struct job *job;

	job_kind_of_id(kept->id, &kind);
	job = carry_on(ex, dut, kept->id, kind, kept->capability);
	job->running = kept->running;
	job->cancelled = kept->cancel_reason != NULL;
	snprintf(job->cancel_reason, sizeof(job->cancel_reason), "%s", kept->cancel_reason ? kept->cancel_reason : "");
	snprintf(job->jobd_name, sizeof(job->jobd_name), "%s", kept->jobd);
	find_jobd(ex, job);
	if (kept->ended) {
		job->outcome = kept->outcome;
		jobs_revoke(ex, job);
	} else {
		loop_timer_start(&ex->loop, &job->timer, job->jobd ? HELLO_MS : 0, on_no_hello, job);
	}
}

/* Whether a job that is not known could be this machine's. executord was killed before its start was saved: the machine was IDLE then. */
static bool could_have(const struct dut *dut, enum dut_job_kind kind)
{
	struct dut_step step;

	if (dut->job)
		return false;
	if (kind == DUT_JOB_USER)
		return dut->state == DUT_QUEUED || dut_step(dut->state, DUT_EV_JOB_ACCEPTED, &step);
	return (dut->state == DUT_TRAINING || dut->state == DUT_QUICK_CHECK) && !loop_timer_active(&dut->retrial);
}

struct job *jobs_adopt(struct executord *ex, const char *id, const char *capability, struct gw_error *err)
{
	struct capability cap;
	enum dut_job_kind kind;
	struct dut *dut;
	struct job *job;
	char cause[80];

	if (!capability || !capability_check(ex->settings.key, capability, &cap, err))
		return NULL;
	dut = registry_dut(ex, cap.dut);
	if (strcmp(cap.job, id) != 0 || !job_kind_of_id(id, &kind) || !dut || strcmp(dut->last_job, id) == 0 || !could_have(dut, kind)) {
		gw_fail(err, GW_NOT_FOUND, "job '%.128s' is not known here", id);
		return NULL;
	}
	job = carry_on(ex, dut, id, kind, capability);
	snprintf(cause, sizeof(cause), "job=%s", job->id);
	if (kind == DUT_JOB_USER && dut->state != DUT_QUEUED)
		dut_apply(dut, DUT_EV_JOB_ACCEPTED, cause, NULL);
	return job;
}

void job_begin(struct job *job)
{
	if (job->request.desc_url) {
		job_fetch(job);
	} else {
		job->phase = JOB_WAITING;
		jobs_serve(job->ex);
	}
}

void jobs_submit(struct executord *ex, struct job_request *request, char *text, struct job_bucket *bucket, struct http_request *rq)
{
	struct job *job = job_add_new(ex, DUT_JOB_USER);

	job->request = *request;
	*request = (struct job_request){0};
	job->text = text;
	job->bucket = bucket;
	job->answer = rq;
	if (job->request.n_groups)
		job_check_groups(job);
	else
		job_begin(job);
}
