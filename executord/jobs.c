#include "executord/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executord/executord.h"
#include "libgateway/log.h"

#define JOB_TEXT_MAX    (4U << 20)
#define REVOKE_RETRY_MS 2000
#define HELLO_MS        15000 /* a jobd that outlived us says hello within 100 ms of our return */

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

static struct job *add(struct executord *ex, enum dut_job_kind kind)
{
	struct job *job = gw_calloc(1, sizeof(*job)), **at = &ex->jobs.first;

	job->ex = ex;
	job->kind = kind;
	while (*at)
		at = &(*at)->next;
	*at = job;
	return job;
}

static struct job *add_new(struct executord *ex, enum dut_job_kind kind)
{
	struct job *job = add(ex, kind);

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
	ex->jobs.started_at = (long long)time(NULL);
}

void jobs_finish(struct executord *ex)
{
	while (ex->jobs.first) {
		if (ex->jobs.first->dut)
			ex->jobs.first->dut->job = NULL;
		job_destroy(ex->jobs.first);
	}
}

/* ---- the end ---- */

static void raise_firmware_boot_time(struct job *job)
{
	const struct mars_dut *mars = registry_mars(job->ex, job->dut);
	struct mars_edit edit;

	if (!mars || job->outcome.firmware_boot_time <= mars->firmware_boot_time)
		return;
	edit = database_set("duts", job->dut->id, "firmware_boot_time", MARS_V_NUMBER(job->outcome.firmware_boot_time));
	database_write(job->ex, &edit, 1, "firmware_boot_time", NULL, NULL);
}

static void on_ignored(void *data, const void *answer, const struct gw_error *err)
{
}

static void release_artifacts(struct executord *ex, const char *id)
{
	struct msg_artifact_release release = {.job = (char *)id};

	bus_ask(&ex->bus, "artifactd", MSG_ARTIFACT_RELEASE, &release, 0, on_ignored, NULL);
}

/* Its port is off, or was never on: the machine is free, and the job is gone afterwards. */
static void over(struct job *job)
{
	struct executord *ex = job->ex;
	struct dut *dut = job->dut;
	struct job_outcome outcome = job->outcome;
	enum dut_job_kind kind = job->kind;
	char id[64], cause[400];

	snprintf(id, sizeof(id), "%s", job->id);
	snprintf(cause, sizeof(cause), "job=%s status=%s%s%s", id, outcome.status, outcome.reason[0] ? " reason=" : "", outcome.reason);
	release_artifacts(ex, id);
	jobd_pool_drop(ex, job->jobd);
	raise_firmware_boot_time(job);
	job_destroy(job);
	dut->job = NULL;
	training_take_result(dut, id, kind, &outcome);
	if (outcome.quick_check && kind == DUT_JOB_USER)
		dut->quick_check_queued = true;
	dut_job_over(dut, kind, strcmp(outcome.status, "PASS") == 0, outcome.unfit, cause);
	state_store_changed(ex);
	jobd_pool_fill(ex);
}

static void set_outcome(struct job *job, const char *status, const char *reason)
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
		over(job);
	} else if (bus_peer_up(&job->ex->bus, "pdud")) {
		log_error("job=%s: its port cannot be switched OFF, so the machine is not given out: %s; tried again", job->id, err->text);
		loop_timer_start(&job->ex->loop, &job->timer, REVOKE_RETRY_MS, ask_revoke, job);
	} /* else jobs_on_pdud_up tries again */
}

void jobs_revoke(struct executord *ex, struct job *job)
{
	struct msg_capability withdraw = {.capability = job->capability};

	job->phase = JOB_SETTLING;
	bus_forget(&ex->bus, job);
	loop_timer_stop(&job->timer);
	if (job->capability[0])
		bus_ask(&ex->bus, "bootsd", MSG_BOOT_WITHDRAW, &withdraw, 0, on_ignored, NULL);
	ask_revoke(job);
}

void jobs_on_pdud_up(struct executord *ex)
{
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
	set_outcome(job, "INCOMPLETE", why);
	job_answer(job, 500, why);
	dut_apply(job->dut, DUT_EV_JOB_LOST, cause, NULL);
	if (job->phase != JOB_SETTLING) /* a state that cannot have a job: the port matters all the same */
		jobs_revoke(ex, job);
}

/* It never went, so nothing was powered. */
static void failed_early(struct job *job, const char *status, const char *why)
{
	if (!job->dut) {
		job_destroy(job);
		return;
	}
	log_warning("job=%s on %s did not start: %s", job->id, job->dut->id, why);
	set_outcome(job, status, why);
	over(job);
}

/* ---- the beginning ---- */

static char *own_text(struct executord *ex, enum dut_job_kind kind, struct gw_error *err)
{
	const char *path = kind == DUT_JOB_REGISTRATION ? ex->settings.registration_job : ex->settings.bootloop_job;

	return file_read(path, JOB_TEXT_MAX, NULL, err);
}

static void on_no_text(void *data)
{
	struct job *job = data;

	failed_early(job, "SETUP_FAIL", job->cancel_reason);
}

void jobs_start_own(struct executord *ex, struct dut *dut, enum dut_job_kind kind)
{
	struct job *job = add_new(ex, kind);
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

static void on_prepared(void *data, const void *answer, const struct gw_error *err)
{
	struct job *job = data;
	struct executord *ex = job->ex;

	if (answer && !job->cancelled) {
		for (size_t i = 0; i < ((const struct msg_job_prepared *)answer)->warnings.n; i++)
			log_warning("job=%s: %s", job->id, ((const struct msg_job_prepared *)answer)->warnings.v[i]);
		if (job->kind != DUT_JOB_USER)
			jobs_go(ex, job);
		else if (job_choose_dut(job, answer))
			return;
		else {
			jobd_pool_give_back(ex, job->jobd);
			job_destroy(job);
			jobs_serve(ex);
		}
		return;
	}
	jobd_pool_give_back(ex, job->jobd);
	job->jobd = NULL;
	if (job->kind == DUT_JOB_USER)
		job_answer(job, answer ? 500 : gw_http_status(err->kind), answer ? job->cancel_reason : err->text);
	failed_early(job, answer ? "INCOMPLETE" : "SETUP_FAIL", answer ? job->cancel_reason : err->text);
	jobs_serve(ex);
}

static void prepare(struct job *job)
{
	struct msg_job_prepare ask = {.job_text = job->text,
				      .unfit_regex = (char *)job->ex->settings.unfit_regex,
				      .target_known = job->kind != DUT_JOB_USER || job->request.has_target};

	job->phase = JOB_PREPARING;
	loop_timer_stop(&job->timer);
	snprintf(job->jobd_name, sizeof(job->jobd_name), "%s", job->jobd->name);
	bus_ask(&job->ex->bus, job->jobd->name, MSG_JOB_PREPARE, &ask, 0, on_prepared, job);
	free(job->text);
	job->text = NULL;
}

void jobs_serve(struct executord *ex)
{
	for (struct job *job = ex->jobs.first; job; job = job->next) {
		if (job->phase != JOB_WAITING)
			continue;
		job->jobd = jobd_pool_take(ex, job);
		if (!job->jobd)
			break;
		prepare(job);
	}
	jobd_pool_fill(ex);
}

static void send_cancel(struct job *job);

static void on_gone(void *data, const void *answer, const struct gw_error *err)
{
	struct job *job = data;

	if (job->phase != JOB_GOING)
		return; /* it runs or ended already */
	if (answer) {
		job->phase = JOB_GIVEN;
		state_store_changed(job->ex);
		job_answer(job, 200, "success");
		if (job->cancelled)
			send_cancel(job);
	} else if (err->kind == GW_UNREACHABLE) {
		jobs_lost(job->ex, job, err->text);
	} else {
		job_answer(job, gw_http_status(err->kind), err->text);
		failed_early(job, "SETUP_FAIL", err->text);
	}
}

static bool make_capability(struct job *job, const struct mars_dut *mars, const char *pdu, const char *port, struct gw_error *err)
{
	struct capability cap = {0};

	snprintf(cap.job, sizeof(cap.job), "%s", job->id);
	snprintf(cap.dut, sizeof(cap.dut), "%s", mars->id);
	snprintf(cap.mac, sizeof(cap.mac), "%s", mars->mac_address);
	snprintf(cap.ip, sizeof(cap.ip), "%s", mars->ip_address ? mars->ip_address : "");
	snprintf(cap.pdu, sizeof(cap.pdu), "%s", pdu);
	snprintf(cap.port, sizeof(cap.port), "%s", port);
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

/* What the DUT answers to; the caller frees v. */
static struct bus_texts machine_tags(const struct executord *ex, const struct mars_dut *mars)
{
	struct bus_texts tags = {gw_calloc(mars->tags.n + mars->manual_tags.n + 1, sizeof(char *)), 0};

	for (size_t i = 0; i < mars->tags.n; i++)
		tags.v[tags.n++] = mars->tags.v[i];
	for (size_t i = 0; i < mars->manual_tags.n; i++)
		tags.v[tags.n++] = mars->manual_tags.v[i];
	tags.v[tags.n++] = (char *)ex->settings.farm_tag;
	return tags;
}

static void ask_go(struct job *job, const struct mars_dut *mars, const char *pdu, const char *port)
{
	struct msg_dut dut = describe(job->ex, job->dut, mars);
	struct bus_texts tags = machine_tags(job->ex, mars);
	struct msg_name_value *variables = gw_calloc(job->request.n_environ + 1, sizeof(*variables));
	struct msg_job_go go = {.job = job->id,
				.job_id = job->request.job_id,
				.kind = (char *)kind_names[job->kind],
				.dut = {&dut, 1},
				.machine_tags = tags,
				.pdu = (char *)pdu,
				.port = (char *)port,
				.capability = job->capability,
				.callback_host = job->request.callback_host,
				.callback_port = job->request.callback_port,
				.environ = {variables, job->request.n_environ}};

	for (size_t i = 0; i < job->request.n_environ; i++)
		variables[i] = (struct msg_name_value){.name = job->request.environ[i].name, .value = job->request.environ[i].value};
	job->phase = JOB_GOING;
	bus_ask(&job->ex->bus, job->jobd_name, MSG_JOB_GO, &go, 0, on_gone, job);
	free(variables);
	free(tags.v);
}

static void on_cannot_go(void *data)
{
	struct job *job = data;

	job_answer(job, 500, job->cancel_reason);
	failed_early(job, "SETUP_FAIL", job->cancel_reason);
}

void jobs_go(struct executord *ex, struct job *job)
{
	const struct mars_dut *mars = registry_mars(ex, job->dut);
	const char *pdu, *port;
	struct gw_error err = {0};

	if (!mars || !dut_port(job->dut, &pdu, &port))
		gw_fail(&err, GW_REFUSED, "the machine has no power port any more");
	else if (make_capability(job, mars, pdu, port, &err)) {
		ask_go(job, mars, pdu, port);
		return;
	}
	snprintf(job->cancel_reason, sizeof(job->cancel_reason), "%.255s", err.text);
	loop_timer_start(&ex->loop, &job->timer, 0, on_cannot_go, job); /* not inside the step that led here */
}

/* ---- the way ---- */

void jobs_on_running(struct executord *ex, struct job *job)
{
	char cause[80];

	if (job->running || job->phase == JOB_SETTLING)
		return;
	snprintf(cause, sizeof(cause), "job=%s", job->id);
	job->running = true;
	dut_apply(job->dut, DUT_EV_JOB_STARTED, cause, NULL);
	state_store_changed(ex);
}

void jobs_on_ended(struct executord *ex, struct job *job, const struct msg_job_ended *ended)
{
	if (job->phase == JOB_SETTLING || !job->dut)
		return;
	set_outcome(job, ended->status, ended->reason ? ended->reason : "");
	job->outcome.unfit = ended->unfit;
	job->outcome.quick_check = ended->quick_check;
	job->outcome.firmware_booted = ended->firmware_booted;
	job->outcome.console_received = ended->console_received;
	job->outcome.has_log = ended->has_log;
	job->outcome.firmware_boot_time = ended->firmware_boot_time;
	job->outcome.seconds = ended->seconds;
	job_answer(job, 200, "success"); /* its end overtook the answer to job.go */
	if (ended->off)
		over(job);
	else
		jobs_revoke(ex, job);
}

static void on_cancelled(void *data, const void *answer, const struct gw_error *err)
{
	struct job *job = data;

	if (!answer && err->kind == GW_UNREACHABLE && job->jobd && job->jobd->up)
		jobs_lost(job->ex, job, "its process does not answer");
	else if (!answer)
		log_warning("job=%s: %s", job->id, err->text);
}

static void send_cancel(struct job *job)
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
	if (job->phase == JOB_WAITING)
		failed_early(job, "INCOMPLETE", reason);
	else if (job->phase == JOB_GIVEN)
		send_cancel(job);
}

void jobs_on_jobd_up(struct executord *ex, struct job *job)
{
	if (!job)
		jobs_serve(ex);
	else if (job->cancelled && job->phase == JOB_GIVEN)
		send_cancel(job);
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
	job_answer(job, 503, why);
	failed_early(job, "SETUP_FAIL", why);
}

/* ---- over restarts ---- */

static void on_no_hello(void *data)
{
	struct job *job = data;

	jobs_lost(job->ex, job,
		  job->jobd ? "its process did not say hello after executord's restart" : "its process died while executord was away");
}

static struct job *carry_on(struct executord *ex, struct dut *dut, const char *id, enum dut_job_kind kind, const char *capability)
{
	struct job *job = add(ex, kind);

	snprintf(job->id, sizeof(job->id), "%s", id);
	snprintf(job->capability, sizeof(job->capability), "%s", capability);
	job->phase = JOB_GIVEN;
	job->dut = dut;
	dut->job = job;
	return job;
}

void jobs_restore(struct executord *ex, struct dut *dut, const char *id, const char *jobd_name, const char *capability, bool running)
{
	enum dut_job_kind kind = DUT_JOB_USER;
	char *lock = env_runtime_path(&ex->env, "%s.lock", jobd_name);
	pid_t pid = file_lock_holder(lock);
	struct job *job;
	struct gw_error err = {0};

	job_kind_of_id(id, &kind);
	job = carry_on(ex, dut, id, kind, capability);
	job->running = running;
	snprintf(job->jobd_name, sizeof(job->jobd_name), "%s", jobd_name);
	if (pid > 0)
		job->jobd = jobd_pool_add(ex, jobd_name, pid, false, &err);
	if (job->jobd)
		job->jobd->job = job;
	loop_timer_start(&ex->loop, &job->timer, job->jobd ? HELLO_MS : 0, on_no_hello, job);
	free(lock);
}

struct job *jobs_adopt(struct executord *ex, const char *id, const char *capability, struct gw_error *err)
{
	struct capability cap;
	enum dut_job_kind kind;
	struct dut *dut;

	if (!capability || !capability_check(ex->settings.key, capability, &cap, err))
		return NULL;
	dut = registry_dut(ex, cap.dut);
	if (strcmp(cap.job, id) != 0 || !job_kind_of_id(id, &kind) || !dut || dut->job) {
		gw_fail(err, GW_NOT_FOUND, "job '%.128s' is not known here", id);
		return NULL;
	}
	return carry_on(ex, dut, id, kind, capability);
}

void jobs_submit(struct executord *ex, struct job_request *request, char *text, struct http_request *rq)
{
	struct job *job = add_new(ex, DUT_JOB_USER);

	job->request = *request;
	*request = (struct job_request){0};
	job->text = text;
	job->answer = rq;
	jobs_serve(ex);
}
