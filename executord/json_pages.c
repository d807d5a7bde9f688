#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "executord/executord.h"
#include "executord/json.h"
#include "executord/names.h"
#include "executord/rest_pdu.h"
#include "libgateway/buffer.h"

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

const char *json_pdu(struct executord *ex, struct pdu *pdu)
{
	cJSON *json, *ports;

	if (pdu->json)
		return pdu->json;
	json = cJSON_CreateObject();
	ports = cJSON_AddObjectToObject(json, "ports");
	for (size_t i = 0; i < pdu->n_ports; i++)
		cJSON_AddItemToObject(ports, pdu->ports[i].id, port_object(ex, pdu, &pdu->ports[i]));
	cJSON_AddStringToObject(json, "state", pdu->state);
	if (pdu->error)
		cJSON_AddStringToObject(json, "error", pdu->error);
	else
		cJSON_AddNullToObject(json, "error");
	pdu->json = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return pdu->json;
}

/* ---- lists, of pieces that are printed already ---- */

static void add_key(struct buffer *out, const char *key)
{
	cJSON *text = cJSON_CreateString(key);
	char *quoted = cJSON_PrintUnformatted(text);

	buffer_printf(out, "%s:", quoted);
	free(quoted);
	cJSON_Delete(text);
}

static void add_piece(struct buffer *out, bool first, const char *key, const char *json)
{
	if (!first)
		buffer_add(out, ",", 1);
	add_key(out, key);
	buffer_add(out, json, strlen(json));
}

static void add_duts(struct buffer *out, struct executord *ex, const char *key)
{
	buffer_printf(out, "\"%s\":{", key);
	for (size_t i = 0; i < ex->registry.n_duts; i++)
		add_piece(out, i == 0, ex->registry.duts[i]->id, json_dut(ex->registry.duts[i]));
	buffer_add(out, "}", 1);
}

static void add_pdus(struct buffer *out, struct executord *ex)
{
	buffer_printf(out, "\"pdus\":{");
	for (size_t i = 0; i < ex->registry.n_pdus; i++)
		add_piece(out, i == 0, ex->registry.pdus[i]->name, json_pdu(ex, ex->registry.pdus[i]));
	buffer_add(out, "}", 1);
}

static struct http_shared *page_of(struct buffer *out)
{
	struct http_shared *page;

	buffer_add(out, "}\n", 2);
	page = http_shared_create("application/json", out->data, out->len);
	buffer_finish(out);
	return page;
}

static struct http_shared *duts_page(struct executord *ex, struct http_shared **page, const char *key)
{
	struct buffer out = {0};

	if (*page)
		return *page;
	buffer_add(&out, "{", 1);
	add_duts(&out, ex, key);
	*page = page_of(&out);
	return *page;
}

struct http_shared *json_duts_page(struct executord *ex)
{
	return duts_page(ex, &ex->registry.duts_page, "duts");
}

struct http_shared *json_machines_page(struct executord *ex)
{
	return duts_page(ex, &ex->registry.machines_page, "machines");
}

struct http_shared *json_pdus_page(struct executord *ex)
{
	struct buffer out = {0};

	if (ex->registry.pdus_page)
		return ex->registry.pdus_page;
	buffer_add(&out, "{", 1);
	add_pdus(&out, ex);
	ex->registry.pdus_page = page_of(&out);
	return ex->registry.pdus_page;
}

static void add_discovery(struct buffer *out, struct executord *ex)
{
	cJSON *json = discovery_json(ex, true);
	char *text = cJSON_PrintUnformatted(json);

	add_piece(out, false, "discover", text);
	free(text);
	cJSON_Delete(json);
}

static void add_jobs(struct buffer *out, struct executord *ex)
{
	cJSON *json = events_jobs(ex);
	char *text = cJSON_PrintUnformatted(json);

	add_piece(out, false, "jobs", text);
	free(text);
	cJSON_Delete(json);
}

char *json_full_state(struct executord *ex)
{
	struct buffer out = {0};
	struct timeval now;
	char date[40];

	gettimeofday(&now, NULL);
	names_date_text((double)now.tv_sec + (double)now.tv_usec / 1e6, date);
	buffer_add(&out, "{", 1);
	add_pdus(&out, ex);
	buffer_add(&out, ",", 1);
	add_duts(&out, ex, "duts");
	add_discovery(&out, ex);
	add_jobs(&out, ex);
	buffer_printf(&out, ",\"event_id\":%llu,\"now\":\"%s\"", (unsigned long long)ex->events.last, date);
	if (*mars_db_error(ex->database.db)) {
		buffer_add(&out, ",\"database\":{", 13);
		add_key(&out, "error");
		add_key(&out, mars_db_error(ex->database.db));
		out.data[--out.len] = '\0'; /* a key's colon */
		buffer_add(&out, "}", 1);
	}
	buffer_add(&out, "}\n", 2);
	return buffer_take(&out);
}
