#include "executord/dut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/log.h"

#define READY_RETRY_MS 5000

struct dut *dut_create(struct executord *ex, const char *id)
{
	struct dut *dut = gw_calloc(1, sizeof(*dut));

	dut->ex = ex;
	dut->id = gw_strdup(id);
	dut->state = DUT_WAIT_FOR_CONFIG;
	return dut;
}

void dut_destroy(struct dut *dut)
{
	if (!dut)
		return;
	state_store_forget(dut->ex, dut);
	loop_timer_finish(&dut->retrial);
	loop_timer_finish(&dut->ready_retry);
	training_finish(&dut->training);
	dut_facts_finish(&dut->known);
	printed_drop(&dut->printed);
	free(dut->full_name);
	free(dut->id);
	free(dut);
}

/* ---- facts ---- */

/* A discovery that has just found it still holds the port. A reserved one is never switched, so it is as good as none. */
bool dut_port(const struct dut *dut, const char **pdu, const char **port)
{
	const struct mars_dut *mars = registry_mars(dut->ex, dut);

	if (!mars || !mars->pdu || !mars->pdu_port_id || discovery_holds(dut->ex, mars->pdu, mars->pdu_port_id) ||
	    database_reserves(dut->ex->database.db, mars->pdu, mars->pdu_port_id))
		return false;
	*pdu = mars->pdu;
	*port = mars->pdu_port_id;
	return true;
}

static struct dut_facts facts_now(const struct dut *dut)
{
	const struct mars_dut *mars = registry_mars(dut->ex, dut);
	struct dut_facts facts = {.removed = !mars};
	const char *pdu, *port;

	if (mars) {
		facts.is_retired = mars->is_retired;
		facts.ready = dut->ready_writes ? dut->ready_wanted : mars->ready_for_service;
	}
	if (dut_port(dut, &pdu, &port)) {
		facts.pdu = gw_strdup(pdu);
		facts.port = gw_strdup(port);
	}
	return facts;
}

void dut_situation_now(struct dut *dut, struct dut_situation *now)
{
	struct dut_facts facts = facts_now(dut);
	const struct settings *settings = &dut->ex->settings;

	*now = (struct dut_situation){
		.removed = facts.removed,
		.has_port = facts.port != NULL,
		.is_retired = facts.is_retired,
		.ready_for_service = facts.ready,
		.quick_check_queued = dut->quick_check_queued,
		.boot_count = settings->boot_count,
		.qualifying = settings->qualifying,
		.quick_checks = settings->quick_checks,
		.loops_done = (int)dut->training.n_loops,
		.loops_passed = (int)training_passed(&dut->training),
	};
	dut_facts_finish(&facts);
}

static bool same_facts(const struct dut_facts *a, const struct dut_facts *b)
{
	return a->removed == b->removed && a->is_retired == b->is_retired && a->ready == b->ready && gw_same_text(a->pdu, b->pdu) &&
	       gw_same_text(a->port, b->port);
}

/* ---- actions ---- */

static void start_job(struct dut *dut)
{
	if (dut->job->phase == JOB_PREPARING) /* else it is adopted, and goes already */
		jobs_go(dut->ex, dut->job);
}

static void cancel_job(struct dut *dut)
{
	if (dut->job)
		jobs_cancel(dut->ex, dut->job, "the machine was taken out of service, or the job was cancelled");
	else if (dut->ex->store.started) /* the retrial delay: nothing is to be waited for. Else dut_resume comes */
		dut_job_over(dut, DUT_JOB_REGISTRATION, DUT_CUT_SHORT, false, "no job runs");
}

static void revoke_lease(struct dut *dut)
{
	if (dut->job)
		jobs_revoke(dut->ex, dut->job);
}

static void queue_quick_check(struct dut *dut)
{
	dut->quick_check_queued = true;
}

struct ready_write {
	struct executord *ex;
	char *id;
};

static void on_ready_retry(void *data)
{
	struct dut *dut = data;

	dut->ready_writes--;
	dut_write_ready(dut, dut->ready_wanted);
}

/* What is wanted counts all the same: a full disk must not put a machine that failed its check into service. */
static void write_again(struct dut *dut, const struct gw_error *err)
{
	log_error("%s: ready_for_service is not written, and tried again in %d s: %s", dut->id, READY_RETRY_MS / 1000, err->text);
	loop_timer_start(&dut->ex->loop, &dut->ready_retry, READY_RETRY_MS, on_ready_retry, dut);
}

static void ready_written(void *data, const struct gw_error *err)
{
	struct ready_write *w = data;
	struct dut *dut = registry_dut(w->ex, w->id);

	if (dut && err->kind != GW_OK && err->kind != GW_NOT_FOUND && dut->ready_writes == 1 && registry_mars(w->ex, dut))
		write_again(dut, err);
	else if (dut && dut->ready_writes)
		dut->ready_writes--;
	if (dut) {
		dut_settle(dut, "written back");
		state_store_dut_changed(dut);
	}
	free(w->id);
	free(w);
}

void dut_write_ready(struct dut *dut, bool ready)
{
	struct mars_edit edit = database_set("duts", dut->id, "ready_for_service", MARS_V_BOOL(ready));
	struct ready_write *w;

	if (!registry_mars(dut->ex, dut))
		return;
	if (loop_timer_active(&dut->ready_retry))
		dut->ready_writes--; /* this one is instead of it */
	w = gw_calloc(1, sizeof(*w));
	w->ex = dut->ex;
	w->id = gw_strdup(dut->id);
	loop_timer_stop(&dut->ready_retry);
	dut->ready_writes++;
	dut->ready_wanted = dut->known.ready = ready;
	state_store_dut_changed(dut);
	database_write(dut->ex, &edit, 1, "ready_for_service", ready_written, w);
}

static void set_ready(struct dut *dut)
{
	dut_write_ready(dut, true);
}

static void clear_ready(struct dut *dut)
{
	dut_write_ready(dut, false);
}

static void forget(struct dut *dut)
{
	training_reset(dut);
	registry_forget(dut->ex, dut);
}

/* In this order. (UN)EXPOSE_RUNNERS: nobody registers runners yet. */
static const struct {
	uint32_t bit;
	void (*fn)(struct dut *dut);
} actions[] = {
	{DO_RESET_TRAINING, training_reset},
	{DO_STOP_RETRIAL, training_stop_retrial},
	{DO_SET_READY, set_ready},
	{DO_CLEAR_READY, clear_ready},
	{DO_QUEUE_QUICK_CHECK, queue_quick_check},
	{DO_REVOKE_LEASE, revoke_lease},
	{DO_CANCEL_JOB, cancel_job},
	{DO_START_JOB, start_job},
	{DO_START_TRAINING, training_start},
	{DO_START_QUICK_CHECK, training_start_quick_check},
	{DO_WAIT_RETRIAL, training_wait_retrial},
	{DO_FORGET, forget},
};

static const char *shown(const struct dut *dut)
{
	return dut->full_name ? dut->full_name : dut->id;
}

bool dut_apply(struct dut *dut, enum dut_event event, const char *cause, struct gw_error *err)
{
	enum dut_state from = dut->state;
	struct dut_step step;

	if (!dut_step(from, event, &step)) {
		log_debug("dut=%s %s event=%s %s: %s", shown(dut), dut_state_name(from), dut_event_name(event), cause,
			  step.refused ? step.refused : "means nothing here");
		return step.refused ? gw_fail(err, GW_REFUSED, "%s: %s", shown(dut), step.refused) : false;
	}
	dut->state = step.state;
	log_info("dut=%s %s -> %s event=%s %s", shown(dut), dut_state_name(from), dut_state_name(step.state), dut_event_name(event), cause);
	events_step(dut, from, event, cause);
	registry_dut_changed(dut->ex, dut);
	state_store_dut_changed(dut);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (step.actions & actions[i].bit)
			actions[i].fn(dut);
	return true;
}

/* ---- what facts lead to ---- */

void dut_activate(struct dut *dut, const char *cause)
{
	struct dut_situation now;

	dut_facts_finish(&dut->known);
	dut->known = facts_now(dut);
	dut_situation_now(dut, &now);
	dut_apply(dut, dut_activation(&now), cause, NULL);
}

void dut_settle(struct dut *dut, const char *cause)
{
	struct dut_facts before = dut->known;
	struct dut_situation then, now;
	enum dut_event events[DUT_EDIT_EVENTS];
	size_t n;

	dut->known = facts_now(dut);
	registry_dut_changed(dut->ex, dut);
	dut_situation_now(dut, &now);
	then = now;
	then.removed = before.removed;
	then.has_port = before.port != NULL;
	then.is_retired = before.is_retired;
	then.ready_for_service = before.ready;
	n = dut_after_edit(&then, &now, !gw_same_text(before.pdu, dut->known.pdu) || !gw_same_text(before.port, dut->known.port), events);
	for (size_t i = 0; i < n; i++)
		dut_apply(dut, events[i], cause, NULL);
	if (n || !same_facts(&before, &dut->known))
		state_store_dut_changed(dut); /* what it knows, too */
	dut_facts_finish(&before);
}

void dut_job_over(struct dut *dut, enum dut_job_kind kind, enum dut_verdict verdict, bool unfit, const char *cause)
{
	struct dut_situation now;
	enum dut_event event;

	dut_situation_now(dut, &now);
	event = dut_after_job(&now, kind, verdict, unfit);
	if (event == DUT_EV_JOB_ENDED_CHECK || kind == DUT_JOB_QUICK_CHECK)
		dut->quick_check_queued = false;
	dut_apply(dut, event, cause, NULL);
}

static enum dut_job_kind kind_of_state(enum dut_state state)
{
	return state == DUT_QUICK_CHECK ? DUT_JOB_QUICK_CHECK : state == DUT_TRAINING ? DUT_JOB_REGISTRATION : DUT_JOB_USER;
}

static bool has_a_job_by_its_state(const struct dut *dut)
{
	return dut->state == DUT_TRAINING || dut->state == DUT_QUICK_CHECK || dut->state == DUT_QUEUED || dut->state == DUT_RUNNING;
}

/* A job that never went has died with executord: that says nothing of the machine, and what was edited meanwhile counts. */
void dut_resume(struct dut *dut)
{
	struct dut_situation now;

	if (dut->job || !has_a_job_by_its_state(dut)) /* jobs awaits its jobd */
		return;
	dut_situation_now(dut, &now);
	if (dut->state == DUT_TRAINING && dut->training.registration_failed && !now.removed && now.has_port && !now.is_retired &&
	    !now.ready_for_service)
		training_wait_retrial(dut);
	else
		dut_job_over(dut, kind_of_state(dut->state), DUT_CUT_SHORT, false, "its job is not known any more");
}
