/* DUTs: what is read, and what leads to an event. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "executord/executord.h"
#include "executord/json.h"
#include "executord/rest.h"

void rest_get_duts(void *owner, struct http_request *rq)
{
	http_answer_shared(rq, json_duts_page(owner));
}

void rest_get_machines(void *owner, struct http_request *rq)
{
	http_answer_shared(rq, json_machines_page(owner));
}

void rest_get_dut(void *owner, struct http_request *rq)
{
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(owner, http_arg(rq, "id"), &err);

	if (!dut)
		http_answer_error(rq, &err);
	else
		http_answer_shared(rq, json_dut_answer(dut));
}

/* Block by block, as the client reads it: a console may have said a lot. */
static void answer_log(struct executord *ex, struct http_request *rq, const char *job)
{
	char *path = env_state_path(&ex->env, "jobs/%s.log", job);
	struct gw_error err = {0};
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && fstat(fd, &st) == 0) {
		http_answer_file(rq, fd, (uint64_t)st.st_size, NULL, "text/plain; charset=utf-8");
	} else {
		gw_fail_errno(&err, errno == ENOENT ? GW_NOT_FOUND : GW_UNREACHABLE, errno, "%s: cannot be read", path);
		http_answer_error(rq, &err);
		if (fd >= 0)
			close(fd);
	}
	free(path);
}

/* GET /dut/ID/training/loop/N: the console of the N-th loop, from 0, if it failed. */
void rest_get_training_loop(void *owner, struct http_request *rq)
{
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(owner, http_arg(rq, "id"), &err);
	const char *n = http_arg(rq, "n");
	char *end;
	unsigned long loop = strtoul(n, &end, 10);

	if (!dut)
		http_answer_error(rq, &err);
	else if (*end || end == n || loop >= dut->training.n_loops || !dut->training.loops[loop].log_job)
		http_answer_status(rq, 404, "%s has no log of a failed training loop '%.32s'", dut->id, n);
	else
		answer_log(owner, rq, dut->training.loops[loop].log_job);
}

static void answer_check(struct http_request *rq, bool queued)
{
	const char *text = queued ? "true\n" : "false\n";

	http_answer(rq, 200, "application/json", text, strlen(text));
}

void rest_get_quick_check(void *owner, struct http_request *rq)
{
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(owner, http_arg(rq, "id"), &err);

	if (!dut)
		http_answer_error(rq, &err);
	else
		answer_check(rq, dut->quick_check_queued || dut->state == DUT_QUICK_CHECK);
}

static bool checks_are_on(struct executord *ex, struct gw_error *err)
{
	return ex->settings.boot_count >= 0 ||
	       gw_fail(err, GW_REFUSED, "SERGENT_HARTMAN_BOOT_COUNT is negative: nothing is checked or trained here");
}

void rest_post_quick_check(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(ex, http_arg(rq, "id"), &err);

	if (!dut || !rest_may_change(ex, rq, &err) || !rest_takes_nothing(rq, &err) || !checks_are_on(ex, &err) ||
	    (!dut_apply(dut, DUT_EV_QUICK_CHECK_REQUESTED, "REST", &err) && err.kind != GW_OK))
		http_answer_error(rq, &err);
	else
		answer_check(rq, true);
}

static void answer_done(void *data)
{
	http_answer_json(data, 200, cJSON_CreateObject());
}

/* Answered once it is on the disk: an executord that is killed says it again when it is back. */
void rest_cancel_job(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(ex, http_arg(rq, "id"), &err);

	if (!dut || !rest_may_change(ex, rq, &err) || !rest_takes_nothing(rq, &err) || !dut_apply(dut, DUT_EV_CANCEL, "REST", &err))
		http_answer_error(rq, &err);
	else
		state_store_when_saved(ex, answer_done, rq);
}

void rest_get_state(void *owner, struct http_request *rq)
{
	http_answer_shared(rq, json_full_state(owner, rq));
}
