/* What executord asks of a jobd, and the events it hears. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"

static void answer_or_error(struct bus_call *call, bool ok, const void *answer, const struct gw_error *err)
{
	if (ok)
		bus_answer(call, answer);
	else
		bus_answer_error(call, err);
}

static struct job_options options_of(const struct msg_job_prepare *prepared, double firmware_boot_time)
{
	return (struct job_options){
		.where = "job",
		.default_unfit_regex = prepared->unfit_regex,
		.firmware_boot_time = firmware_boot_time,
		.wall_now = time(NULL),
		.target_in_metadata = prepared->target_known,
	};
}

static bool load(struct job *job, const struct msg_job_prepare *prepared, const struct value *names, double firmware_boot_time,
		 struct gw_error *err)
{
	struct job_options options = options_of(prepared, firmware_boot_time);
	struct gw_errors errs = {0};
	bool ok = job_load(job, prepared->job_text, strlen(prepared->job_text), names, &options, &errs);

	if (!ok) {
		*job = (struct job){0};
		gw_errors_none(&errs, err);
	}
	gw_errors_finish(&errs);
	return ok;
}

/* What libjob accepts and jobd cannot do yet, or can tell to be wrong. */
static bool check(const struct job *job, struct gw_error *err)
{
	return artifacts_check(job, err) && boot_check(job, err);
}

static void answer_prepared(struct bus_call *call, const struct job *job)
{
	static char passed[] = "deadline: it has passed already";
	char *warnings[] = {passed};
	struct msg_job_prepared answer = {
		.target_id = job->target_id,
		.target_tags = {.v = job->target_tags, .n = job->n_target_tags},
		.warnings = {.v = warnings, .n = job->deadline_passed},
	};

	bus_answer(call, &answer);
}

/* With its target known, the job is only ever rendered for a machine that is known too: what is wrong without one proves nothing. */
static bool depends_on_machine(const struct msg_job_prepare *prepared)
{
	return prepared->target_known && (strstr(prepared->job_text, "{{") || strstr(prepared->job_text, "{%"));
}

static void on_prepare(void *owner, const void *body, struct bus_call *call)
{
	struct jobd *j = owner;
	struct gw_error err = {0};
	struct job job = {0};

	if (j->drive.run) {
		gw_fail(&err, GW_BUSY, "%s runs job %s", bus_name(&j->bus), j->go->job);
		bus_answer_error(call, &err);
		return;
	}
	bus_body_free(&bus_body_job_prepare, j->prepared);
	j->prepared = bus_body_dup(&bus_body_job_prepare, body);
	names_prepare(&j->names, &j->env, j->prepared);
	if ((load(&job, j->prepared, names_for_target(&j->names), 0, &err) && check(&job, &err)) || depends_on_machine(j->prepared))
		answer_prepared(call, &job);
	else
		bus_answer_error(call, &err);
	job_finish(&job);
}

/* A name that becomes a file's. */
static bool job_name_check(const char *job, struct gw_error *err)
{
	return (*job && *job != '.' && !strchr(job, '/')) || gw_fail(err, GW_BAD_INPUT, "'%s' cannot be the name of a job", job);
}

static bool render_for_dut(struct jobd *j, struct gw_error *err)
{
	const struct msg_dut *dut = &j->go->dut.v[0];
	char *shown;
	bool ok;

	names_make(&j->names, j->go);
	if (!load(&j->job, j->prepared, j->names.all, dut->firmware_boot_time > 0 ? dut->firmware_boot_time : 0, err))
		return false;
	shown = names_masked(&j->names, j->job.rendered);
	ok = check(&j->job, err) && drive_create(j, shown, err);
	free(shown);
	return ok;
}

static void forget_go(struct jobd *j)
{
	job_finish(&j->job);
	j->job = (struct job){0};
	bus_body_free(&bus_body_job_go, j->go);
	j->go = NULL;
	log_job_is(NULL);
}

static bool take_go(struct jobd *j, const struct msg_job_go *go, struct gw_error *err)
{
	if (!j->prepared)
		return gw_fail(err, GW_REFUSED, "no job was prepared");
	if (go->dut.n != 1)
		return gw_fail(err, GW_BAD_INPUT, "job.go: dut: %zu machines; accepted: 1", go->dut.n);
	if (!job_name_check(go->job, err) || !client_place_check(go->callback_host, go->callback_port, err))
		return false;
	j->go = bus_body_dup(&bus_body_job_go, go);
	log_job_is(go->job);
	if (render_for_dut(j, err))
		return true;
	names_mask_error(&j->names, err);
	forget_go(j);
	return false;
}

/* Said twice (executord was restarted between): it goes already. */
static void on_go(void *owner, const void *body, struct bus_call *call)
{
	struct jobd *j = owner;
	const struct msg_job_go *go = body;
	struct gw_error err = {0};
	bool starts = false;

	if (!j->drive.run)
		starts = take_go(j, go, &err);
	else if (strcmp(j->go->job, go->job) != 0)
		gw_fail(&err, GW_BUSY, "%s runs job %s", bus_name(&j->bus), j->go->job);
	answer_or_error(call, err.kind == GW_OK, NULL, &err);
	if (!starts)
		return;
	log_info("job=%s dut=%s %s%s%s", go->job, go->dut.v[0].id, go->kind, go->job_id ? " " : "", go->job_id ? go->job_id : "");
	drive_start(j);
}

static void on_cancel(void *owner, const void *body, struct bus_call *call)
{
	struct jobd *j = owner;
	const struct msg_job_cancel *cancel = body;
	struct gw_error err = {0};

	if (!j->drive.run || strcmp(j->go->job, cancel->job) != 0)
		gw_fail(&err, GW_NOT_FOUND, "%s does not run job %s", bus_name(&j->bus), cancel->job);
	answer_or_error(call, err.kind == GW_OK, NULL, &err);
	if (err.kind == GW_OK)
		drive_happened(j, RUN_CANCEL, cancel->reason);
}

static void on_boot_seen(void *owner, const void *body, struct bus_call *call)
{
	struct jobd *j = owner;

	if (j->drive.run)
		boot_on_seen(j, body);
}

static void on_boot_wanted(void *owner, const void *body, struct bus_call *call)
{
	struct jobd *j = owner;

	if (j->drive.run)
		boot_on_wanted(j, body);
}

static void on_lease_lost(void *owner, const void *body, struct bus_call *call)
{
	struct jobd *j = owner;

	if (j->drive.run)
		power_on_lease_lost(j, body);
}

const struct bus_handler jobd_handlers[] = {
	{MSG_JOB_PREPARE, on_prepare},
	{MSG_JOB_GO, on_go},
	{MSG_JOB_CANCEL, on_cancel},
	{MSG_BOOT_SEEN, on_boot_seen},
	{MSG_LEASE_LOST, on_lease_lost},
	{MSG_BOOT_WANTED, on_boot_wanted},
	{0},
};
