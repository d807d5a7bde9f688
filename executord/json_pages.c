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

static void list_add(struct iovec *v, uint64_t *hash, const struct printed *printed, bool first)
{
	*v = (struct iovec){.iov_base = printed->text + first, .iov_len = printed->len - first}; /* the first without its comma */
	*hash = http_hash(*hash, &printed->hash, sizeof(printed->hash));
}

static const struct list *duts_list(struct executord *ex)
{
	struct registry *r = &ex->registry;
	struct iovec *v;

	if (r->duts_list.bytes)
		return &r->duts_list;
	v = gw_calloc(r->n_duts + 1, sizeof(*v));
	r->duts_list.hash = 0;
	for (size_t i = 0; i < r->n_duts; i++)
		list_add(&v[i], &r->duts_list.hash, json_dut_printed(r->duts[i]), i == 0);
	r->duts_list.bytes = http_bytes_gather(v, r->n_duts);
	free(v);
	return &r->duts_list;
}

static const struct list *pdus_list(struct executord *ex)
{
	struct registry *r = &ex->registry;
	struct iovec *v;

	if (r->pdus_list.bytes)
		return &r->pdus_list;
	v = gw_calloc(r->n_pdus + 1, sizeof(*v));
	r->pdus_list.hash = 1; /* an empty list of PDUs is not one of DUTs */
	for (size_t i = 0; i < r->n_pdus; i++)
		list_add(&v[i], &r->pdus_list.hash, json_pdu_printed(ex, r->pdus[i]), i == 0);
	r->pdus_list.bytes = http_bytes_gather(v, r->n_pdus);
	free(v);
	return &r->pdus_list;
}

static struct http_shared *list_page(struct http_shared **page, const char *begin, const struct list *list)
{
	struct http_bytes *parts[3];

	if (*page)
		return *page;
	parts[0] = http_bytes_of(begin);
	parts[1] = list->bytes;
	parts[2] = http_bytes_of("}}\n");
	*page = http_shared_of("application/json", parts, 3, http_hash(list->hash, begin, strlen(begin)), false);
	http_bytes_release(parts[0]);
	http_bytes_release(parts[2]);
	return *page;
}

struct http_shared *json_duts_page(struct executord *ex)
{
	return list_page(&ex->registry.duts_page, "{\"duts\":{", duts_list(ex));
}

struct http_shared *json_machines_page(struct executord *ex)
{
	return list_page(&ex->registry.machines_page, "{\"machines\":{", duts_list(ex));
}

struct http_shared *json_pdus_page(struct executord *ex)
{
	return list_page(&ex->registry.pdus_page, "{\"pdus\":{", pdus_list(ex));
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
	uint64_t numbers[] = {hash_jobs(ex), alarms_hash(ex), daemons_hash(ex), ex->events.last};
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
	cJSON_AddItemToObject(json, "daemons", daemons_json(ex));
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
	const struct list *pdus = pdus_list(ex), *duts = duts_list(ex);
	const uint64_t hashes[] = {pdus->hash, duts->hash, hash};
	char *tail = tail_text(ex, now);
	struct http_bytes *parts[] = {http_bytes_of("{\"pdus\":{"), pdus->bytes, http_bytes_of("},\"duts\":{"), duts->bytes,
				      http_bytes_of(tail)};
	struct http_shared *page = http_shared_of("application/json", parts, 5, http_hash(0, hashes, sizeof(hashes)), true);

	http_bytes_release(parts[0]);
	http_bytes_release(parts[2]);
	http_bytes_release(parts[4]);
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
