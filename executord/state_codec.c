/* A DUT as it is kept over a restart, to and from JSON. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/dut.h"
#include "executord/jobs.h"
#include "executord/state_store.h"

#define LOOPS_MAX 10000

void dut_facts_finish(struct dut_facts *facts)
{
	free(facts->pdu);
	free(facts->port);
	*facts = (struct dut_facts){0};
}

static const struct {
	const char *name;
	size_t offset;
} outcome_flags[] = {
	{"unfit", offsetof(struct job_outcome, unfit)},
	{"quick_check", offsetof(struct job_outcome, quick_check)},
	{"watched", offsetof(struct job_outcome, watched)},
	{"firmware_booted", offsetof(struct job_outcome, firmware_booted)},
	{"console_received", offsetof(struct job_outcome, console_received)},
	{"has_log", offsetof(struct job_outcome, has_log)},
	{"cut_short", offsetof(struct job_outcome, cut_short)},
};
#define OUTCOME_FLAGS (sizeof(outcome_flags) / sizeof(outcome_flags[0]))

static void add_text(cJSON *json, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(json, name, text);
}

static cJSON *encode_loop(const struct training_loop *loop)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "status", loop->status);
	cJSON_AddNumberToObject(json, "seconds", loop->seconds);
	cJSON_AddBoolToObject(json, "watched", loop->watched);
	cJSON_AddBoolToObject(json, "firmware_booted", loop->firmware_booted);
	cJSON_AddBoolToObject(json, "console_received", loop->console_received);
	add_text(json, "log_job", loop->log_job);
	return json;
}

static cJSON *encode_training(const struct training *training)
{
	cJSON *json = cJSON_CreateObject(), *loops = cJSON_CreateArray();

	cJSON_AddBoolToObject(json, "is_registered", training->is_registered);
	cJSON_AddBoolToObject(json, "registration_failed", training->registration_failed);
	for (size_t i = 0; i < training->n_loops; i++)
		cJSON_AddItemToArray(loops, encode_loop(&training->loops[i]));
	cJSON_AddItemToObject(json, "loops", loops);
	return json;
}

static cJSON *encode_facts(const struct dut_facts *facts)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddBoolToObject(json, "is_retired", facts->is_retired);
	cJSON_AddBoolToObject(json, "ready", facts->ready);
	add_text(json, "pdu", facts->pdu);
	add_text(json, "port", facts->port);
	return json;
}

static cJSON *encode_outcome(const struct job_outcome *outcome)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "status", outcome->status);
	cJSON_AddStringToObject(json, "reason", outcome->reason);
	for (size_t i = 0; i < OUTCOME_FLAGS; i++)
		cJSON_AddBoolToObject(json, outcome_flags[i].name, *(const bool *)((const char *)outcome + outcome_flags[i].offset));
	cJSON_AddNumberToObject(json, "firmware_boot_time", outcome->firmware_boot_time);
	cJSON_AddNumberToObject(json, "seconds", outcome->seconds);
	return json;
}

static cJSON *encode_job(const struct job *job)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "id", job->id);
	cJSON_AddStringToObject(json, "jobd", job->jobd_name);
	cJSON_AddStringToObject(json, "capability", job->capability);
	cJSON_AddBoolToObject(json, "running", job->running);
	if (job->cancelled)
		cJSON_AddStringToObject(json, "cancel_reason", job->cancel_reason);
	if (job->phase == JOB_SETTLING)
		cJSON_AddItemToObject(json, "outcome", encode_outcome(&job->outcome));
	return json;
}

cJSON *state_store_encode(const struct dut *dut)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "state", dut_state_name(dut->state));
	cJSON_AddBoolToObject(json, "quick_check_queued", dut->quick_check_queued);
	cJSON_AddItemToObject(json, "training", encode_training(&dut->training));
	cJSON_AddItemToObject(json, "known", encode_facts(&dut->known));
	if (dut->last_job[0])
		cJSON_AddStringToObject(json, "last_job", dut->last_job);
	if (dut->ready_writes) /* it may never get there */
		cJSON_AddBoolToObject(json, "ready_wanted", dut->ready_wanted);
	if (dut->job && dut->job->capability[0]) /* one that has not gone yet starts anew */
		cJSON_AddItemToObject(json, "job", encode_job(dut->job));
	return json;
}

/* ---- decoding ---- */

static bool bad(struct gw_error *err, const char *name, const char *accepted)
{
	return gw_fail(err, GW_BAD_INPUT, "%s: it is missing or not usable; accepted: %s", name, accepted);
}

static bool get_bool(const cJSON *json, const char *name, bool *out, struct gw_error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	*out = cJSON_IsTrue(item);
	return cJSON_IsBool(item) || bad(err, name, "true or false");
}

/* `max`: bytes. Absent is fine where it is not needed. */
static bool get_text(const cJSON *json, const char *name, size_t max, bool needed, const char **out, struct gw_error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	*out = cJSON_GetStringValue(item);
	if (!item && !needed)
		return true;
	return (*out && **out && strlen(*out) <= max) || bad(err, name, "a text");
}

static bool get_number(const cJSON *json, const char *name, double min, double *out, struct gw_error *err)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	*out = cJSON_IsNumber(item) ? item->valuedouble : 0;
	return (cJSON_IsNumber(item) && *out >= min) || bad(err, name, "a number");
}

static bool decode_loop(const cJSON *json, struct training_loop *loop, struct gw_error *err)
{
	const char *status, *log_job;

	if (!get_text(json, "status", sizeof(loop->status) - 1, true, &status, err) ||
	    !get_text(json, "log_job", 63, false, &log_job, err) || !get_bool(json, "watched", &loop->watched, err) ||
	    !get_bool(json, "firmware_booted", &loop->firmware_booted, err) ||
	    !get_bool(json, "console_received", &loop->console_received, err))
		return false;
	if (!get_number(json, "seconds", 0, &loop->seconds, err))
		return false;
	if (log_job && strchr(log_job, '/'))
		return bad(err, "log_job", "a job's id");
	snprintf(loop->status, sizeof(loop->status), "%s", status);
	loop->log_job = gw_strdup(log_job);
	return true;
}

static bool decode_training(const cJSON *json, struct training *training, struct gw_error *err)
{
	const cJSON *loops = cJSON_GetObjectItemCaseSensitive(json, "loops"), *loop;

	if (!get_bool(json, "is_registered", &training->is_registered, err) ||
	    !get_bool(json, "registration_failed", &training->registration_failed, err))
		return false;
	if (!cJSON_IsArray(loops) || cJSON_GetArraySize(loops) > LOOPS_MAX)
		return bad(err, "loops", "a list");
	training->loops = gw_calloc((size_t)cJSON_GetArraySize(loops) + 1, sizeof(*training->loops));
	cJSON_ArrayForEach(loop, loops)
	{
		if (!decode_loop(loop, &training->loops[training->n_loops], err))
			return false;
		training->n_loops++;
	}
	return true;
}

static bool decode_facts(const cJSON *json, struct dut_facts *facts, struct gw_error *err)
{
	const char *pdu, *port;

	if (!get_bool(json, "is_retired", &facts->is_retired, err) || !get_bool(json, "ready", &facts->ready, err) ||
	    !get_text(json, "pdu", 128, false, &pdu, err) || !get_text(json, "port", 128, false, &port, err))
		return false;
	facts->pdu = gw_strdup(pdu);
	facts->port = gw_strdup(port);
	return true;
}

static bool decode_outcome(const cJSON *json, struct job_outcome *outcome, struct gw_error *err)
{
	const char *status, *reason;

	if (!get_text(json, "status", sizeof(outcome->status) - 1, true, &status, err))
		return false;
	reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "reason"));
	for (size_t i = 0; i < OUTCOME_FLAGS; i++)
		if (!get_bool(json, outcome_flags[i].name, (bool *)((char *)outcome + outcome_flags[i].offset), err))
			return false;
	snprintf(outcome->status, sizeof(outcome->status), "%s", status);
	snprintf(outcome->reason, sizeof(outcome->reason), "%s", reason ? reason : "");
	return get_number(json, "firmware_boot_time", -1, &outcome->firmware_boot_time, err) &&
	       get_number(json, "seconds", 0, &outcome->seconds, err);
}

static bool decode_job(const cJSON *json, struct kept_job *job, struct gw_error *err)
{
	const cJSON *outcome = cJSON_GetObjectItemCaseSensitive(json, "outcome");

	if (!json)
		return true;
	job->ended = outcome != NULL;
	return get_text(json, "id", 63, true, &job->id, err) && get_text(json, "jobd", 64, true, &job->jobd, err) &&
	       get_text(json, "capability", CAPABILITY_TEXT_MAX, true, &job->capability, err) &&
	       get_bool(json, "running", &job->running, err) && get_text(json, "cancel_reason", 255, false, &job->cancel_reason, err) &&
	       (!outcome || decode_outcome(outcome, &job->outcome, err));
}

bool state_store_decode(struct dut *dut, const cJSON *json, struct kept_job *job, struct gw_error *err)
{
	struct training training = {0};
	struct dut_facts facts = {0};
	enum dut_state state;
	const cJSON *wanted;
	const char *name, *last = NULL;

	*job = (struct kept_job){0};
	if (!get_text(json, "state", 32, true, &name, err))
		return false;
	if (!dut_state_from_name(name, &state))
		return bad(err, "state", "a state of a DUT");
	if (!get_bool(json, "quick_check_queued", &dut->quick_check_queued, err) ||
	    !decode_training(cJSON_GetObjectItemCaseSensitive(json, "training"), &training, err) ||
	    !decode_facts(cJSON_GetObjectItemCaseSensitive(json, "known"), &facts, err) ||
	    !get_text(json, "last_job", sizeof(dut->last_job) - 1, false, &last, err) ||
	    !decode_job(cJSON_GetObjectItemCaseSensitive(json, "job"), job, err)) {
		training_finish(&training);
		dut_facts_finish(&facts);
		return false;
	}
	dut->state = state;
	snprintf(dut->last_job, sizeof(dut->last_job), "%s", last ? last : "");
	wanted = cJSON_GetObjectItemCaseSensitive(json, "ready_wanted");
	job->has_ready_wanted = cJSON_IsBool(wanted);
	job->ready_wanted = cJSON_IsTrue(wanted);
	training_finish(&dut->training);
	dut->training = training;
	dut_facts_finish(&dut->known);
	dut->known = facts;
	return true;
}
