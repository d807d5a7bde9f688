/* DUTs: what is read, and what leads to an event. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/json.h"
#include "executord/rest.h"

#define LOG_MAX (64U << 20)

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

/* GET /dut/ID/training/loop/N: the console of the N-th loop, from 0, if it failed. */
void rest_get_training_loop(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;
	struct gw_error err = {0};
	struct dut *dut = registry_dut_named(ex, http_arg(rq, "id"), &err);
	const char *n = http_arg(rq, "n");
	char *end, *path, *text;
	unsigned long loop = strtoul(n, &end, 10);
	size_t len = 0;

	if (!dut) {
		http_answer_error(rq, &err);
		return;
	}
	if (*end || end == n || loop >= dut->training.n_loops || !dut->training.loops[loop].log_job) {
		http_answer_status(rq, 404, "%s has no log of a failed training loop '%.32s'", dut->id, n);
		return;
	}
	path = env_state_path(&ex->env, "jobs/%s.log", dut->training.loops[loop].log_job);
	text = file_read(path, LOG_MAX, &len, &err);
	if (text)
		http_answer(rq, 200, "text/plain; charset=utf-8", text, len);
	else
		http_answer_error(rq, &err);
	free(text);
	free(path);
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
