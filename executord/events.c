#include "executord/events.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "executord/alarms.h"
#include "executord/executord.h"
#include "executord/json.h"
#include "executord/rest.h"
#include "libgateway/buffer.h"
#include "libgateway/log.h"

enum {
	FLUSH_MS = 20,        /* what changes within this time is told once */
	HEARTBEAT_MS = 15000, /* a comment: a client may tell a silent farm from a lost one */
};

struct watcher {
	struct executord *ex;
	struct watcher *next; /* in events.watchers */
	struct http_stream *stream;
	bool gap;
};

/* ---- to the watchers ---- */

static void tell_gap(struct watcher *w)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "id: %llu\nevent: gap\ndata: {}\n\n", (unsigned long long)w->ex->events.last);

	http_stream_send(w->stream, text, (size_t)n);
}

static void on_drained(void *data)
{
	struct watcher *w = data;

	if (!w->gap)
		return;
	w->gap = false;
	tell_gap(w);
}

static void send_to(struct watcher *w, const struct buffer *event)
{
	if (w->gap)
		return;
	if (http_stream_unread(w->stream) + event->len > EVENTS_UNREAD_MAX) {
		log_debug("a watcher of events does not read; it loses some");
		w->gap = true;
		if (http_stream_unread(w->stream) == 0)
			on_drained(w); /* one event that is too long by itself */
		return;
	}
	http_stream_send(w->stream, event->data, event->len);
}

static void tell(struct executord *ex, const char *name, const char *json)
{
	struct buffer event = {0};

	buffer_printf(&event, "id: %llu\nevent: %s\ndata: ", (unsigned long long)++ex->events.last, name);
	buffer_add(&event, json, strlen(json));
	buffer_add(&event, "\n\n", 2);
	for (struct watcher *w = ex->events.watchers; w; w = w->next)
		send_to(w, &event);
	buffer_finish(&event);
}

static void tell_json(struct executord *ex, const char *name, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	tell(ex, name, text);
	free(text);
	cJSON_Delete(json);
}

static void on_heartbeat(void *data)
{
	struct executord *ex = data;

	for (struct watcher *w = ex->events.watchers; w; w = w->next)
		if (http_stream_unread(w->stream) == 0)
			http_stream_send(w->stream, ":\n\n", 3);
	loop_timer_start(&ex->loop, &ex->events.heartbeat, HEARTBEAT_MS, on_heartbeat, ex);
}

/* ---- what has changed in a moment ---- */

static void tell_pdu(struct executord *ex, struct pdu *pdu)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "name", pdu->name);
	cJSON_AddRawToObject(json, "pdu", json_pdu(ex, pdu));
	tell_json(ex, "pdu", json);
}

static void tell_database(struct executord *ex)
{
	cJSON *json = cJSON_CreateObject();

	if (*mars_db_error(ex->database.db))
		cJSON_AddStringToObject(json, "error", mars_db_error(ex->database.db));
	else
		cJSON_AddNullToObject(json, "error");
	tell_json(ex, "database", json);
}

static void tell_alarms(struct executord *ex)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddItemToObject(json, "alarms", alarms_json(ex));
	cJSON_AddItemToObject(json, "pinned_ports", alarms_pinned_json(ex));
	tell_json(ex, "alarms", json);
}

/* They follow from much, so they are compared. What came and went again is told, too: a watcher may have asked in between. */
static void look_at_alarms(struct executord *ex)
{
	uint64_t hash = alarms_hash(ex);

	if (ex->events.alarms_due || hash != ex->events.alarms_hash)
		tell_alarms(ex);
	ex->events.alarms_due = false;
	ex->events.alarms_hash = hash;
}

static void flush(void *data)
{
	struct executord *ex = data;
	struct events *e = &ex->events;

	for (size_t i = 0; e->duts_due && i < ex->registry.n_duts; i++) {
		struct dut *dut = ex->registry.duts[i];

		if (dut->event_due)
			tell(ex, "dut", json_dut(dut));
		dut->event_due = false;
	}
	for (size_t i = 0; e->pdus_due && i < ex->registry.n_pdus; i++) {
		struct pdu *pdu = ex->registry.pdus[i];

		if (pdu->event_due)
			tell_pdu(ex, pdu);
		pdu->event_due = false;
	}
	if (e->database_due)
		tell_database(ex);
	if (e->discovery_due)
		tell_json(ex, "discovery", discovery_json(ex, true));
	look_at_alarms(ex);
	e->duts_due = e->pdus_due = e->database_due = e->discovery_due = false;
}

static void due(struct executord *ex, bool *what)
{
	if (!ex->events.watchers)
		return;
	*what = true;
	if (!loop_timer_active(&ex->events.flush))
		loop_timer_start(&ex->loop, &ex->events.flush, FLUSH_MS, flush, ex);
}

void events_dut(struct executord *ex, struct dut *dut)
{
	dut->event_due = ex->events.watchers != NULL;
	due(ex, &ex->events.duts_due);
}

void events_pdu(struct executord *ex, struct pdu *pdu)
{
	pdu->event_due = ex->events.watchers != NULL;
	due(ex, &ex->events.pdus_due);
	if (pdu->n_noted)
		due(ex, &ex->events.alarms_due);
}

void events_alarms(struct executord *ex)
{
	due(ex, &ex->events.alarms_due);
}

void events_database(struct executord *ex)
{
	due(ex, &ex->events.database_due);
}

void events_discovery(struct executord *ex)
{
	due(ex, &ex->events.discovery_due);
}

/* ---- what has happened ---- */

static void tell_gone(struct executord *ex, const char *event, const char *key, const char *name)
{
	cJSON *json;

	if (!ex->events.watchers)
		return;
	json = cJSON_CreateObject();
	cJSON_AddStringToObject(json, key, name);
	tell_json(ex, event, json);
}

void events_dut_gone(struct executord *ex, const char *id)
{
	tell_gone(ex, "dut_gone", "id", id);
}

void events_pdu_gone(struct executord *ex, const char *name)
{
	tell_gone(ex, "pdu_gone", "name", name);
}

static void add_dut(cJSON *json, const struct dut *dut)
{
	cJSON_AddStringToObject(json, "dut", dut->id);
	cJSON_AddStringToObject(json, "full_name", dut->full_name ? dut->full_name : dut->id);
}

void events_step(struct dut *dut, enum dut_state from, enum dut_event event, const char *cause)
{
	cJSON *json;

	if (!dut->ex->events.watchers)
		return;
	json = cJSON_CreateObject();
	add_dut(json, dut);
	cJSON_AddStringToObject(json, "from", dut_state_name(from));
	cJSON_AddStringToObject(json, "to", dut_state_name(dut->state));
	cJSON_AddStringToObject(json, "event", dut_event_name(event));
	cJSON_AddStringToObject(json, "cause", cause);
	tell_json(dut->ex, "step", json);
}

static cJSON *job_object(const struct job *job, const char *state)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "id", job->id);
	cJSON_AddStringToObject(json, "kind", job_kind_name(job->kind));
	if (job->request.job_id)
		cJSON_AddStringToObject(json, "job_id", job->request.job_id);
	add_dut(json, job->dut);
	cJSON_AddStringToObject(json, "state", state);
	return json;
}

void events_job(const struct job *job, const char *state)
{
	cJSON *json;

	if (!job->ex->events.watchers || !job->dut)
		return;
	json = job_object(job, state);
	if (strcmp(state, "ended") == 0) {
		cJSON_AddStringToObject(json, "status", job->outcome.status);
		cJSON_AddStringToObject(json, "reason", job->outcome.reason);
		cJSON_AddNumberToObject(json, "seconds", job->outcome.seconds);
	}
	tell_json(job->ex, "job", json);
}

cJSON *events_jobs(struct executord *ex)
{
	cJSON *json = cJSON_CreateObject();

	for (const struct job *job = ex->jobs.first; job; job = job->next)
		if (job->dut)
			cJSON_AddItemToObject(json, job->id,
					      job_object(job, job->phase == JOB_SETTLING ? "settling"
							      : job->running             ? "running"
											 : "started"));
	return json;
}

/* ---- GET /api/v1/events ---- */

static void on_closed(void *data)
{
	struct watcher *w = data, **at = &w->ex->events.watchers;

	while (*at != w)
		at = &(*at)->next;
	*at = w->next;
	w->ex->events.n_watchers--;
	if (!w->ex->events.watchers)
		loop_timer_stop(&w->ex->events.heartbeat);
	free(w);
}

static void say_hello(struct watcher *w)
{
	cJSON *json = cJSON_CreateObject();
	struct buffer event = {0};
	char *text;

	cJSON_AddStringToObject(json, "farm", w->ex->settings.farm);
	cJSON_AddStringToObject(json, "version", GW_VERSION);
	text = cJSON_PrintUnformatted(json);
	buffer_printf(&event, "id: %llu\nevent: hello\ndata: %s\n\n", (unsigned long long)w->ex->events.last, text);
	http_stream_send(w->stream, event.data, event.len);
	buffer_finish(&event);
	free(text);
	cJSON_Delete(json);
}

static void add_watcher(struct executord *ex, struct http_request *rq)
{
	struct watcher *w = gw_calloc(1, sizeof(*w));

	w->ex = ex;
	w->stream = http_answer_stream(rq, "text/event-stream", on_closed, w);
	if (!w->stream) { /* it has gone already */
		free(w);
		return;
	}
	http_stream_on_drained(w->stream, on_drained);
	if (!ex->events.watchers) /* nobody has looked since */
		ex->events.alarms_hash = alarms_hash(ex);
	w->next = ex->events.watchers;
	ex->events.watchers = w;
	ex->events.n_watchers++;
	say_hello(w);
	if (!loop_timer_active(&ex->events.heartbeat))
		loop_timer_start(&ex->loop, &ex->events.heartbeat, HEARTBEAT_MS, on_heartbeat, ex);
}

/* Not for the DUTs' network: a machine that holds all watchers' places would blind the admins, and it has no use for this. */
void rest_get_events(void *owner, struct http_request *rq)
{
	struct executord *ex = owner;

	if (http_is_of_another_site(rq)) /* it would hold a watcher's place */
		http_answer_status(rq, 400, "a page of another site (%.128s) may not watch the farm",
				   http_header(rq, "Origin") ? http_header(rq, "Origin") : "by Sec-Fetch-Site");
	else if (rest_is_of_duts(ex, rq))
		http_answer_status(rq, 400, "a machine of the farm may not watch it");
	else if (ex->events.n_watchers >= EVENTS_WATCHERS_MAX)
		http_answer_status(rq, 503, "%d clients watch the events already, which is the most; try later", EVENTS_WATCHERS_MAX);
	else
		add_watcher(ex, rq);
}

void events_finish(struct executord *ex)
{
	gw_assert(!ex->events.watchers);
	loop_timer_finish(&ex->events.flush);
	loop_timer_finish(&ex->events.heartbeat);
}
