/* From a description to a jobd that carries the job: waiting, prepared, going. */
#include "executord/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/log.h"
#include "libgateway/shared_bounds.h"

static char *own_text(struct executord *ex, enum dut_job_kind kind, struct gw_error *err)
{
	const char *path = kind == DUT_JOB_REGISTRATION ? ex->settings.registration_job : ex->settings.bootloop_job;

	return file_read(path, JOB_TEXT_MAX, NULL, err);
}

static void on_no_text(void *data)
{
	struct job *job = data;

	job_failed_early(job, "SETUP_FAIL", job->cancel_reason);
}

void jobs_start_own(struct executord *ex, struct dut *dut, enum dut_job_kind kind)
{
	struct job *job = job_add_new(ex, kind);
	struct gw_error err = {0};

	gw_assert(!dut->job);
	job->dut = dut;
	dut->job = job;
	job->text = own_text(ex, kind, &err);
	if (job->text) {
		jobs_serve(ex);
		return;
	}
	snprintf(job->cancel_reason, sizeof(job->cancel_reason), "%.255s", err.text);
	job->phase = JOB_GIVEN; /* waits for nothing */
	loop_timer_start(&ex->loop, &job->timer, 0, on_no_text, job);
}

#define TRIES 3

void job_try_next_jobd(struct job *job, const char *why)
{
	if (++job->tries < TRIES && !job->cancelled) {
		log_warning("job=%s waits for another jobd: %s", job->id, why);
		job->phase = JOB_WAITING;
		jobs_serve(job->ex);
		return;
	}
	job_answer(job, 503, why);
	job_failed_early(job, "SETUP_FAIL", why);
}

/* A spare that does not answer is no use to the next job either. */
static void prepare_failed(struct job *job, const struct gw_error *err)
{
	struct executord *ex = job->ex;
	struct jobd *jobd = job->jobd;

	job->jobd = NULL;
	if (err->kind == GW_UNREACHABLE) {
		jobd_pool_dismiss(ex, jobd);
		jobd_pool_kill(ex, jobd, err->text);
		job_try_next_jobd(job, err->text);
		return;
	}
	jobd_pool_give_back(ex, jobd);
	job_answer(job, gw_http_status(err->kind), err->text);
	job_failed_early(job, "SETUP_FAIL", err->text);
	jobs_serve(ex);
}

static void prepared(struct job *job, const struct msg_job_prepared *answer)
{
	struct executord *ex = job->ex;

	for (size_t i = 0; i < answer->warnings.n; i++)
		log_warning("job=%s: %s", job->id, answer->warnings.v[i]);
	if (job->kind != DUT_JOB_USER || job->dut) { /* chosen for a jobd that died since */
		jobs_go(ex, job);
	} else if (!job_choose_dut(job, answer)) {
		jobd_pool_give_back(ex, job->jobd);
		job_destroy(job);
		jobs_serve(ex);
	}
}

static void on_prepared(void *data, const void *answer, const struct gw_error *err)
{
	struct job *job = data;
	struct executord *ex = job->ex;

	if (!job->cancelled && answer) {
		prepared(job, answer);
	} else if (!job->cancelled) {
		prepare_failed(job, err);
	} else {
		jobd_pool_give_back(ex, job->jobd);
		job->jobd = NULL;
		job_answer(job, 503, job->cancel_reason);
		job_failed_early(job, "INCOMPLETE", job->cancel_reason);
		jobs_serve(ex);
	}
}

static void prepare(struct job *job)
{
	struct msg_job_prepare ask = {.job_text = job->text,
				      .unfit_regex = (char *)job->ex->settings.unfit_regex,
				      .registry_rules = {job->ex->registries.rules.v, job->ex->registries.rules.n},
				      .imagestore_mounts = {job->ex->imagestore.config.v, job->ex->imagestore.config.n},
				      .bucket_port = job->ex->buckets.port,
				      .target_known = job->kind != DUT_JOB_USER || job->request.has_target};

	job->phase = JOB_PREPARING;
	loop_timer_stop(&job->timer);
	snprintf(job->jobd_name, sizeof(job->jobd_name), "%s", job->jobd->name);
	bus_ask(&job->ex->bus, job->jobd->name, MSG_JOB_PREPARE, &ask, 0, on_prepared, job);
}

static bool find_phase(struct job **job, enum job_phase phase)
{
	while (*job && (*job)->phase != phase)
		*job = (*job)->next;
	return *job != NULL;
}

void jobs_serve(struct executord *ex)
{
	struct job *job;

	if (!ex->jobs.begun)
		return;
	for (job = ex->jobs.first; find_phase(&job, JOB_READY); job = job->next)
		job_try_to_go(job);
	for (job = ex->jobs.first; find_phase(&job, JOB_WAITING); job = job->next) {
		struct jobd *jobd = jobd_pool_take(ex, job);

		if (!jobd)
			break; /* where none can be started either, the job has been answered and is gone */
		job->jobd = jobd;
		prepare(job);
	}
	jobd_pool_fill(ex);
}

static void on_gone(void *data, const void *answer, const struct gw_error *err)
{
	struct job *job = data;

	if (job->phase != JOB_GOING)
		return; /* it runs or ended already */
	if (answer) {
		job->phase = JOB_GIVEN;
		state_store_dut_changed(job->dut);
		job_answer(job, 200, "success");
		if (job->cancelled)
			job_send_cancel(job);
	} else if (err->kind == GW_UNREACHABLE) {
		jobs_lost(job->ex, job, err->text);
	} else {
		job_answer(job, gw_http_status(err->kind), err->text);
		jobd_pool_give_back(job->ex, job->jobd);
		job->jobd = NULL;
		job_failed_early(job, "SETUP_FAIL", err->text);
	}
}

static bool make_capability(struct job *job, const struct mars_dut *mars, struct gw_error *err)
{
	struct capability cap = {0};

	snprintf(cap.job, sizeof(cap.job), "%s", job->id);
	snprintf(cap.dut, sizeof(cap.dut), "%s", mars->id);
	snprintf(cap.mac, sizeof(cap.mac), "%s", mars->mac_address);
	snprintf(cap.ip, sizeof(cap.ip), "%s", mars->ip_address ? mars->ip_address : "");
	snprintf(cap.pdu, sizeof(cap.pdu), "%s", job->pdu);
	snprintf(cap.port, sizeof(cap.port), "%s", job->port);
	return capability_make(job->ex->settings.key, &cap, job->capability, err);
}

static struct bus_texts texts_of(const struct mars_strings *strings)
{
	return (struct bus_texts){strings->v, strings->n};
}

static struct msg_dut describe(const struct executord *ex, const struct dut *dut, const struct mars_dut *mars)
{
	return (struct msg_dut){.id = dut->id,
				.base_name = mars->base_name,
				.full_name = dut->full_name,
				.tags = texts_of(&mars->tags),
				.manual_tags = texts_of(&mars->manual_tags),
				.mac_address = mars->mac_address,
				.ip_address = mars->ip_address,
				.local_tty_device = mars->local_tty_device,
				.firmware_boot_time = mars->firmware_boot_time,
				.boot_sequence_power = mars->boot_sequence_power < 0 ? ex->settings.boot_power : mars->boot_sequence_power,
				.ready_for_service = dut->ready_writes ? dut->ready_wanted : mars->ready_for_service,
				.comment = mars->comment};
}

static void ask_go(struct job *job, const struct mars_dut *mars)
{
	struct msg_dut dut = describe(job->ex, job->dut, mars);
	struct bus_texts tags = registry_tags(job->ex, mars);
	struct msg_job_bucket bucket = {0};
	struct msg_name_value *variables = gw_calloc(job->request.n_environ + 1, sizeof(*variables));
	struct msg_job_go go = {.job = job->id,
				.job_id = job->request.job_id,
				.kind = (char *)job_kind_name(job->kind),
				.dut = {&dut, 1},
				.machine_tags = tags,
				.pdu = job->pdu,
				.port = job->port,
				.capability = job->capability,
				.callback_host = job->request.callback_host,
				.callback_port = job->request.callback_port,
				.environ = {variables, job->request.n_environ}};

	if (job->bucket) {
		job_bucket_describe(job, &bucket);
		go.bucket.v = &bucket;
		go.bucket.n = 1;
	}
	for (size_t i = 0; i < job->request.n_environ; i++)
		variables[i] = (struct msg_name_value){.name = job->request.environ[i].name, .value = job->request.environ[i].value};
	job->phase = JOB_GOING;
	events_job(job, "started");
	job->went = true;
	free(job->text);
	job->text = NULL;
	bus_ask(&job->ex->bus, job->jobd_name, MSG_JOB_GO, &go, 0, on_gone, job);
	gw_free_secret(bucket.access_url);
	free(variables);
	free(tags.v);
}

static void on_cannot_go(void *data)
{
	struct job *job = data;

	job_answer(job, 503, job->cancel_reason);
	jobd_pool_give_back(job->ex, job->jobd); /* it waits for the next one */
	job->jobd = NULL;
	job_failed_early(job, "SETUP_FAIL", job->cancel_reason);
}

/* The job before at that port: of a machine that was there until an edit. */
static bool port_is_used(const struct job *job)
{
	for (const struct job *other = job->ex->jobs.first; other; other = other->next)
		if (other != job && other->went && strcmp(other->pdu, job->pdu) == 0 && strcmp(other->port, job->port) == 0)
			return true;
	return false;
}

void job_try_to_go(struct job *job)
{
	const struct mars_dut *mars = registry_mars(job->ex, job->dut);

	if (mars && !loop_timer_active(&job->timer) && !job->dut->end_unsaved && !port_is_used(job))
		ask_go(job, mars);
}

static bool get_ready(struct job *job, struct gw_error *err)
{
	const struct mars_dut *mars = registry_mars(job->ex, job->dut);
	const char *pdu, *port;

	if (!mars || !dut_port(job->dut, &pdu, &port))
		return gw_fail(err, GW_REFUSED, "the machine has no power port any more");
	snprintf(job->pdu, sizeof(job->pdu), "%s", pdu);
	snprintf(job->port, sizeof(job->port), "%s", port);
	return make_capability(job, mars, err);
}

void jobs_go(struct executord *ex, struct job *job)
{
	struct gw_error err = {0};

	job->phase = JOB_READY;
	if (get_ready(job, &err)) {
		if (job_bucket_is_made(job))
			job_try_to_go(job);
		else
			job_bucket_make(job);
		return;
	}
	snprintf(job->cancel_reason, sizeof(job->cancel_reason), "%.255s", err.text);
	loop_timer_start(&ex->loop, &job->timer, 0, on_cannot_go, job); /* not inside the step that led here */
}
