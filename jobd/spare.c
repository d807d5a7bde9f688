#include "jobd/spare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"

#define CONNECTION "connection"

/* ---- wanted ---- */

/* A job that runs is carried to its end: the executord that comes next adopts it. */
static void on_connection(void *data, int events)
{
	struct jobd *j = data;
	char byte;
	ssize_t n = recv(j->spare.fd, &byte, 1, MSG_DONTWAIT);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	loop_fd_finish(&j->spare.watch);
	if (j->drive.run)
		return;
	log_info("not wanted any more: the connection has ended");
	loop_stop(&j->loop);
}

bool spare_start(struct jobd *j, struct gw_error *err)
{
	j->spare.fd = activation_find(&j->fds, CONNECTION);
	return j->spare.fd < 0 || loop_fd_start(&j->loop, &j->spare.watch, j->spare.fd, UV_READABLE, on_connection, j, err);
}

void spare_finish(struct jobd *j)
{
	loop_fd_finish(&j->spare.watch);
	if (j->spare.fd > 0)
		close(j->spare.fd);
}

/* ---- hello ---- */

static void on_hello(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;

	if (answer || err->kind == GW_UNREACHABLE)
		return; /* it comes up again, and then hears it again */
	if (err->kind == GW_NOT_FOUND && j->drive.run) {
		log_warning("job=%s executord does not know it: %s", j->go->job, err->text);
		drive_happened(j, RUN_CANCEL, "the gateway does not know this job any more");
	} else {
		log_warning("executord does not take us: %s", err->text);
	}
}

static void say_hello(struct jobd *j)
{
	struct msg_job_hello hello = {.bus = (char *)(uintptr_t)bus_name(&j->bus), .pid = getpid(), .running = j->report.is_running};

	if (j->drive.run) {
		hello.job = j->go->job;
		hello.capability = j->go->capability;
	}
	bus_ask(&j->bus, "executord", MSG_JOB_HELLO, &hello, 0, on_hello, j);
}

/* ---- peers ---- */

static void executord_up(struct jobd *j)
{
	say_hello(j);
}

static void nothing(struct jobd *j)
{
}

static const struct {
	const char *name;
	void (*up)(struct jobd *j), (*gap)(struct jobd *j);
} peers[] = {
	{"executord", executord_up, nothing},
	{"pdud", power_pdud_up, power_pdud_up}, /* whether the lease was lost shows in its renewal */
	{"bootsd", boot_bootsd_up, boot_bootsd_gap},
	{"artifactd", nothing, nothing},
};

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	struct jobd *j = owner;

	if (what == BUS_PEER_DOWN)
		return;
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		if (strcmp(peers[i].name, peer) == 0) {
			if (what == BUS_PEER_UP)
				peers[i].up(j);
			else
				peers[i].gap(j);
		}
	}
	if (what == BUS_PEER_UP) /* behind the hello: who asks executord is known to it */
		asks_peer_up(&j->asks, peer);
}

bool peers_start(struct jobd *j)
{
	j->asks = (struct asks){.bus = &j->bus, .loop = &j->loop};
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		bus_watch(&j->bus, peers[i].name, on_peer, j);
	return true;
}

/* ---- what is asked ---- */

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

	names_make(&j->names, j->go, env_number(&j->env, OPT_DUT_DEFAULT_BOOT_SEQUENCE_POWER));
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
	if (render_for_dut(j, err))
		return true;
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

static void on_lease_lost(void *owner, const void *body, struct bus_call *call)
{
	struct jobd *j = owner;

	if (j->drive.run)
		power_on_lease_lost(j, body);
}

const struct bus_handler jobd_handlers[] = {
	{MSG_JOB_PREPARE, on_prepare},   {MSG_JOB_GO, on_go},
	{MSG_JOB_CANCEL, on_cancel},     {MSG_BOOT_SEEN, on_boot_seen},
	{MSG_LEASE_LOST, on_lease_lost}, {0},
};
