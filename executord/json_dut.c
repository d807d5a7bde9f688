#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/json.h"

static void add_text(cJSON *json, const char *name, const char *text)
{
	if (text)
		cJSON_AddStringToObject(json, name, text);
	else
		cJSON_AddNullToObject(json, name);
}

static void add_texts(cJSON *json, const char *name, const struct mars_strings *strings)
{
	cJSON *list = cJSON_AddArrayToObject(json, name);

	for (size_t i = 0; i < strings->n; i++)
		cJSON_AddItemToArray(list, cJSON_CreateString(strings->v[i]));
}

static cJSON *statuses(const struct training *training)
{
	cJSON *json = cJSON_CreateObject(), *count;

	for (size_t i = 0; i < training->n_loops; i++) {
		count = cJSON_GetObjectItemCaseSensitive(json, training->loops[i].status);
		if (count)
			cJSON_SetNumberValue(count, count->valuedouble + 1);
		else
			cJSON_AddNumberToObject(json, training->loops[i].status, 1);
	}
	return json;
}

static void add_check(cJSON *json, const char *name, bool known, bool passed)
{
	cJSON_AddItemToObject(json, name, known ? cJSON_CreateBool(passed) : cJSON_CreateNull());
}

static cJSON *loops(const struct training *training)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < training->n_loops; i++) {
		const struct training_loop *loop = &training->loops[i];
		cJSON *json = cJSON_CreateObject();

		cJSON_AddStringToObject(json, "status", loop->status);
		cJSON_AddNumberToObject(json, "seconds_elapsed", loop->seconds);
		add_check(json, "energy_consumed_check", false, false); /* no PDU driver meters */
		add_check(json, "firmware_booted_check", loop->watched, loop->firmware_booted);
		add_check(json, "console_data_received_check", loop->watched, loop->console_received);
		cJSON_AddBoolToObject(json, "has_log", loop->log_job != NULL);
		cJSON_AddItemToArray(list, json);
	}
	return list;
}

static const char *training_state(const struct dut *dut)
{
	if (dut->state == DUT_QUICK_CHECK)
		return "QUICK_CHECK";
	if (dut->state != DUT_TRAINING)
		return "IDLE";
	return dut->training.registration_failed ? "REGISTRATION_FAILED" : "ENROLLING";
}

static cJSON *training_json(const struct dut *dut)
{
	cJSON *json = cJSON_CreateObject();
	const struct training *training = &dut->training;

	cJSON_AddStringToObject(json, "state", training_state(dut));
	if (dut->state != DUT_TRAINING && dut->state != DUT_QUICK_CHECK)
		return json;
	cJSON_AddBoolToObject(json, "is_registered", training->is_registered || dut->state == DUT_QUICK_CHECK);
	cJSON_AddNumberToObject(json, "boot_loop_counts", dut->ex->settings.boot_count);
	cJSON_AddNumberToObject(json, "qualifying_rate", dut->ex->settings.qualifying);
	cJSON_AddNumberToObject(json, "current_loop_count", (double)training->n_loops);
	cJSON_AddItemToObject(json, "statuses", statuses(training));
	cJSON_AddItemToObject(json, "loops", loops(training));
	return json;
}

static cJSON *pdu_json(const struct mars_dut *mars)
{
	cJSON *json = cJSON_CreateObject();

	add_text(json, "name", mars->pdu);
	add_text(json, "port_id", mars->pdu_port_id);
	return json;
}

/* Each instance that the database has: a DUT without an entry for it is exposed there. Never a token. */
static cJSON *gitlab_json(const struct dut *dut, const struct mars_dut *mars)
{
	const struct mars_db *db = dut->ex->database.db;
	cJSON *json = cJSON_CreateObject();

	for (size_t i = 0; i < mars_db_gitlab_count(db); i++) {
		const char *name = mars_db_gitlab(db, i)->name;
		const struct mars_dut_gitlab *own = mars_dut_gitlab_find(mars, name);
		cJSON *entry = cJSON_AddObjectToObject(json, name);

		cJSON_AddBoolToObject(entry, "exposed", own ? own->exposed : true);
		cJSON_AddNumberToObject(entry, "runner_id", own ? (double)own->runner_id : -1);
	}
	return json;
}

static cJSON *logs_json(const struct dut *dut)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "host", dut->ex->settings.console_host);
	if (dut->log_port)
		cJSON_AddNumberToObject(json, "port", dut->log_port);
	else
		cJSON_AddNullToObject(json, "port");
	return json;
}

static void add_facts(cJSON *json, const struct dut *dut, const struct mars_dut *mars)
{
	cJSON_AddBoolToObject(json, "ready_for_service", dut->ready_writes ? dut->ready_wanted : mars->ready_for_service);
	cJSON_AddBoolToObject(json, "has_pdu_assigned", mars->pdu && mars->pdu_port_id);
	add_text(json, "local_tty_device", mars->local_tty_device);
	add_texts(json, "tags", &mars->tags);
	add_texts(json, "manual_tags", &mars->manual_tags);
	add_text(json, "base_name", mars->base_name);
	add_text(json, "full_name", dut->full_name);
	add_text(json, "mac_address", mars->mac_address);
	add_text(json, "ip_address", mars->ip_address);
	cJSON_AddBoolToObject(json, "is_retired", mars->is_retired);
	cJSON_AddItemToObject(json, "training", training_json(dut));
	cJSON_AddItemToObject(json, "pdu", pdu_json(mars));
	cJSON_AddNumberToObject(json, "pdu_off_delay", mars->pdu_off_delay);
	if (mars->firmware_boot_time >= 0)
		cJSON_AddNumberToObject(json, "firmware_boot_time", mars->firmware_boot_time);
	else
		cJSON_AddNullToObject(json, "firmware_boot_time");
	add_text(json, "comment", mars->comment);
	cJSON_AddItemToObject(json, "gitlab", gitlab_json(dut, mars));
}

/* Its entry is gone while its job is being ended: the object's shape stays. */
static const struct mars_dut removed = {.firmware_boot_time = -1};

const struct printed *json_dut_printed(struct dut *dut)
{
	const struct mars_dut *mars = registry_mars(dut->ex, dut);
	cJSON *json;

	if (dut->printed.text)
		return &dut->printed;
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, "id", dut->id);
	cJSON_AddStringToObject(json, "state", dut_state_name(dut->state));
	add_facts(json, dut, mars ? mars : &removed);
	cJSON_AddItemToObject(json, "logs_endpoint", logs_json(dut));
	printed_set(&dut->printed, dut->id, json);
	return &dut->printed;
}

const char *json_dut(struct dut *dut)
{
	return printed_json(json_dut_printed(dut));
}

struct http_shared *json_dut_answer(struct dut *dut)
{
	json_dut_printed(dut);
	return printed_shared(&dut->printed);
}
