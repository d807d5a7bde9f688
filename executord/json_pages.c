#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "executord/alarms.h"
#include "executord/executord.h"
#include "executord/json.h"
#include "executord/names.h"
#include "executord/rest_pdu.h"

/* ---- PDUs ---- */

static void add_time(cJSON *json, const char *name, double seconds)
{
	char text[40];

	if (seconds <= 0) {
		cJSON_AddNullToObject(json, name);
		return;
	}
	names_date_text(seconds, text);
	cJSON_AddStringToObject(json, name, text);
}

static cJSON *port_object(struct executord *ex, const struct pdu *pdu, const struct port *port)
{
	cJSON *json = cJSON_CreateObject();

	if (port->label)
		cJSON_AddStringToObject(json, "label", port->label);
	else
		cJSON_AddNullToObject(json, "label");
	cJSON_AddNumberToObject(json, "min_off_time", (double)port->min_off_ms / 1000);
	cJSON_AddStringToObject(json, "state", port->state);
	add_time(json, "last_shutdown", port->last_shutdown);
	add_time(json, "last_polled", port->last_polled);
	cJSON_AddBoolToObject(json, "reserved", port_is_reserved(ex, pdu, port->id));
	return json;
}

char *json_port(struct executord *ex, struct pdu *pdu, const struct port *port)
{
	cJSON *json = port_object(ex, pdu, port);
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	return text;
}

const struct printed *json_pdu_printed(struct executord *ex, struct pdu *pdu)
{
	cJSON *json, *ports;

	if (pdu->printed.text)
		return &pdu->printed;
	json = cJSON_CreateObject();
	ports = cJSON_AddObjectToObject(json, "ports");
	for (size_t i = 0; i < pdu->n_ports; i++)
		cJSON_AddItemToObject(ports, pdu->ports[i].id, port_object(ex, pdu, &pdu->ports[i]));
	cJSON_AddStringToObject(json, "state", pdu->state);
	if (pdu->error)
		cJSON_AddStringToObject(json, "error", pdu->error);
	else
		cJSON_AddNullToObject(json, "error");
	printed_set(&pdu->printed, pdu->name, json);
	return &pdu->printed;
}

const char *json_pdu(struct executord *ex, struct pdu *pdu)
{
	return printed_json(json_pdu_printed(ex, pdu));
}

struct http_shared *json_pdu_answer(struct executord *ex, struct pdu *pdu)
{
	json_pdu_printed(ex, pdu);
	return printed_shared(&pdu->printed);
}

/* ---- lists, of pieces that are printed already ---- */

struct pieces {
	struct iovec *v; /* owned; what they point to is borrowed */
	size_t n;
	uint64_t hash;
};

static void pieces_start(struct pieces *pieces, size_t max)
{
	*pieces = (struct pieces){.v = gw_calloc(max, sizeof(*pieces->v))};
}

static void add_text(struct pieces *pieces, const char *text, size_t len, uint64_t hash)
{
	pieces->v[pieces->n++] = (struct iovec){.iov_base = (void *)(uintptr_t)text, .iov_len = len};
	pieces->hash = http_hash(pieces->hash, &hash, sizeof(hash));
}

static void add_literal(struct pieces *pieces, const char *text)
{
	add_text(pieces, text, strlen(text), http_hash(0, text, strlen(text)));
}

/* Without the comma, if it is the first. */
static void add_printed(struct pieces *pieces, const struct printed *printed, bool first)
{
	add_text(pieces, printed->text + first, printed->len - first, printed->hash);
}

static void add_duts(struct pieces *pieces, struct executord *ex)
{
	for (size_t i = 0; i < ex->registry.n_duts; i++)
		add_printed(pieces, json_dut_printed(ex->registry.duts[i]), i == 0);
}

static void add_pdus(struct pieces *pieces, struct executord *ex)
{
	for (size_t i = 0; i < ex->registry.n_pdus; i++)
		add_printed(pieces, json_pdu_printed(ex, ex->registry.pdus[i]), i == 0);
}

static struct http_shared *page_of(struct pieces *pieces, bool weak)
{
	struct http_shared *page = http_shared_gather("application/json", pieces->v, pieces->n, pieces->hash, weak);

	free(pieces->v);
	return page;
}

static struct http_shared *list_page(struct executord *ex, struct http_shared **page, const char *begin, size_t n,
				     void (*add)(struct pieces *pieces, struct executord *ex))
{
	struct pieces pieces;

	if (*page)
		return *page;
	pieces_start(&pieces, n + 2);
	add_literal(&pieces, begin);
	add(&pieces, ex);
	add_literal(&pieces, "}}\n");
	*page = page_of(&pieces, false);
	return *page;
}

struct http_shared *json_duts_page(struct executord *ex)
{
	return list_page(ex, &ex->registry.duts_page, "{\"duts\":{", ex->registry.n_duts, add_duts);
}

struct http_shared *json_machines_page(struct executord *ex)
{
	return list_page(ex, &ex->registry.machines_page, "{\"machines\":{", ex->registry.n_duts, add_duts);
}

struct http_shared *json_pdus_page(struct executord *ex)
{
	return list_page(ex, &ex->registry.pdus_page, "{\"pdus\":{", ex->registry.n_pdus, add_pdus);
}

/* ---- /full-state ---- */

static char *discovery_text(struct executord *ex)
{
	cJSON *json = discovery_json(ex, false);
	char *text = cJSON_PrintUnformatted(json);

	gw_assert(text); /* out of memory */
	cJSON_Delete(json);
	return text;
}

static uint64_t hash_text(uint64_t before, const char *text)
{
	return http_hash(before, text, strlen(text));
}

/* What events_jobs shows, but for the DUTs' names, of which the lists tell. */
static uint64_t hash_jobs(const struct executord *ex)
{
	uint64_t hash = 0;

	for (const struct job *job = ex->jobs.first; job; job = job->next) {
		unsigned state[] = {job->phase, job->running, job->dut != NULL};

		hash = http_hash(hash_text(hash, job->id), state, sizeof(state));
	}
	return hash;
}

/* Of what comes behind the lists, without what only time changes. */
static uint64_t tail_hash(struct executord *ex)
{
	uint64_t numbers[] = {hash_jobs(ex), alarms_hash(ex), ex->events.last};
	char *discovery = discovery_text(ex);
	uint64_t hash = hash_text(hash_text(0, discovery), mars_db_error(ex->database.db));

	free(discovery);
	return http_hash(hash, numbers, sizeof(numbers));
}

static cJSON *database_json(struct executord *ex)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "error", mars_db_error(ex->database.db));
	return json;
}

/* `"KEY":JSON,...}` and the end of the lists before it. */
static char *tail_text(struct executord *ex, time_t now)
{
	cJSON *json = cJSON_CreateObject();
	char date[40], *text, *tail;

	names_date_text((double)now, date);
	cJSON_AddItemToObject(json, "discover", discovery_json(ex, true));
	cJSON_AddItemToObject(json, "jobs", events_jobs(ex));
	cJSON_AddItemToObject(json, "alarms", alarms_json(ex));
	cJSON_AddItemToObject(json, "pinned_ports", alarms_pinned_json(ex));
	cJSON_AddNumberToObject(json, "event_id", (double)ex->events.last);
	cJSON_AddStringToObject(json, "now", date);
	if (*mars_db_error(ex->database.db))
		cJSON_AddItemToObject(json, "database", database_json(ex));
	text = cJSON_PrintUnformatted(json);
	gw_assert(text); /* out of memory */
	tail = gw_sprintf("},%s\n", text + 1);
	free(text);
	cJSON_Delete(json);
	return tail;
}

static struct http_shared *full_state(struct executord *ex, time_t now, uint64_t hash)
{
	struct pieces pieces;
	struct http_shared *page;
	char *tail = tail_text(ex, now);

	pieces_start(&pieces, ex->registry.n_pdus + ex->registry.n_duts + 3);
	add_literal(&pieces, "{\"pdus\":{");
	add_pdus(&pieces, ex);
	add_literal(&pieces, "},\"duts\":{");
	add_duts(&pieces, ex);
	add_text(&pieces, tail, strlen(tail), hash);
	page = page_of(&pieces, true);
	free(tail);
	return page;
}

struct http_shared *json_full_state(struct executord *ex, const struct http_request *rq)
{
	struct full_state *full = &ex->registry.full_state;
	uint64_t hash = tail_hash(ex);
	time_t now = time(NULL);

	if (full->page && full->tail_hash == hash && (full->second == now || (rq && http_shared_is_known(rq, full->page))))
		return full->page;
	http_shared_release(full->page);
	*full = (struct full_state){full_state(ex, now, hash), hash, now};
	return full->page;
}
