#include "executorctl/watch_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/show.h"
#include "executorctl/table.h"

struct teller {
	line_fn *fn; /* NULL: nobody is told */
	void *owner;
};

static const cJSON *get(const cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static const char *text_of(const cJSON *object, const char *name)
{
	const char *text = cJSON_GetStringValue(get(object, name));

	return text ? text : "";
}

__attribute__((format(printf, 2, 3))) static void tell(const struct teller *t, const char *fmt, ...)
{
	char *line, *shown;
	va_list ap;

	if (!t->fn)
		return;
	va_start(ap, fmt);
	if (vasprintf(&line, fmt, ap) < 0)
		line = gw_strdup("");
	va_end(ap);
	shown = printable(line);
	t->fn(t->owner, shown);
	free(shown);
	free(line);
}

/* ---- values ---- */

static char *value_text(const cJSON *item)
{
	struct buffer text = {0};

	if (item)
		show_value(&text, item);
	if (!text.len)
		buffer_add(&text, "-", 1);
	return buffer_take(&text);
}

static void tell_difference(const struct teller *t, const char *name, const char *field, const cJSON *before, const cJSON *after)
{
	char *a, *b;

	if (cJSON_Compare(before, after, true))
		return;
	a = value_text(before);
	b = value_text(after);
	if (strcmp(a, b) != 0) /* else null and none at all */
		tell(t, "%s %s: %s -> %s", name, field, a, b);
	free(a);
	free(b);
}

/* ---- machines ---- */

static const char *name_of(const cJSON *dut)
{
	const char *name = text_of(dut, "full_name");

	return *name ? name : text_of(dut, "id");
}

static void tell_training(const struct teller *t, const cJSON *before, const cJSON *after, const char *name)
{
	int was = cJSON_GetArraySize(get(before, "loops")), is = cJSON_GetArraySize(get(after, "loops"));
	const cJSON *count = get(after, "boot_loop_counts");

	for (int i = was; i < is; i++)
		tell(t, "%s training: loop %d of %.0f: %s", name, i + 1, cJSON_IsNumber(count) ? count->valuedouble : 0,
		     text_of(cJSON_GetArrayItem(get(after, "loops"), i), "status"));
}

static void tell_dut(const struct teller *t, const cJSON *before, const cJSON *after)
{
	const char *name = name_of(after);
	const cJSON *item;

	if (!before) {
		tell(t, "%s is new: %s", name, text_of(after, "state"));
		return;
	}
	cJSON_ArrayForEach(item, after)
	{
		if (strcmp(item->string, "training") == 0)
			tell_training(t, get(before, "training"), item, name);
		else if (strcmp(item->string, "gitlab") != 0 && strcmp(item->string, "logs_endpoint") != 0)
			tell_difference(t, name, item->string, get(before, item->string), item);
	}
}

/* `item` is copied. */
static void put(cJSON *object, const char *key, const cJSON *item)
{
	cJSON *copy = cJSON_Duplicate(item, true);

	if (get(object, key))
		cJSON_ReplaceItemInObjectCaseSensitive(object, key, copy);
	else
		cJSON_AddItemToObject(object, key, copy);
}

static void on_dut(cJSON *state, const cJSON *data, const struct teller *t)
{
	cJSON *duts = cJSON_GetObjectItemCaseSensitive(state, "duts");
	const char *id = text_of(data, "id");

	if (!*id)
		return;
	tell_dut(t, get(duts, id), data);
	put(duts, id, data);
}

static void tell_dut_gone(const struct teller *t, const cJSON *dut)
{
	tell(t, "%s is gone", name_of(dut));
}

static void on_dut_gone(cJSON *state, const cJSON *data, const struct teller *t)
{
	cJSON *duts = cJSON_GetObjectItemCaseSensitive(state, "duts");
	cJSON *dut = cJSON_DetachItemFromObjectCaseSensitive(duts, text_of(data, "id"));

	if (dut)
		tell_dut_gone(t, dut);
	cJSON_Delete(dut);
}

static void on_step(cJSON *state, const cJSON *data, const struct teller *t)
{
	cJSON *dut = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(state, "duts"), text_of(data, "dut"));

	tell(t, "%s %s -> %s %s", text_of(data, "full_name"), text_of(data, "from"), text_of(data, "to"), text_of(data, "cause"));
	if (dut && cJSON_IsString(get(data, "to")))
		put(dut, "state", get(data, "to"));
}

/* ---- jobs ---- */

static void tell_job(const struct teller *t, const cJSON *job)
{
	const char *name = text_of(job, "job_id");
	const cJSON *seconds = get(job, "seconds");

	if (strcmp(text_of(job, "state"), "ended") != 0)
		tell(t, "%s job %s%s%s%s: %s", text_of(job, "full_name"), text_of(job, "id"), *name ? " (" : "", name, *name ? ")" : "",
		     text_of(job, "state"));
	else
		tell(t, "%s job %s%s%s%s: %s after %.1f s%s%s", text_of(job, "full_name"), text_of(job, "id"), *name ? " (" : "", name,
		     *name ? ")" : "", text_of(job, "status"), cJSON_IsNumber(seconds) ? seconds->valuedouble : 0,
		     *text_of(job, "reason") ? ": " : "", text_of(job, "reason"));
}

static void on_job(cJSON *state, const cJSON *data, const struct teller *t)
{
	cJSON *jobs = cJSON_GetObjectItemCaseSensitive(state, "jobs");
	const char *id = text_of(data, "id");

	if (!*id)
		return;
	tell_job(t, data);
	if (strcmp(text_of(data, "state"), "ended") == 0)
		cJSON_DeleteItemFromObjectCaseSensitive(jobs, id);
	else
		put(jobs, id, data);
}

/* ---- PDUs ---- */

static void tell_ports(const struct teller *t, const char *pdu, const cJSON *before, const cJSON *after)
{
	static const char *const fields[] = {"state", "reserved", "label", "min_off_time"};
	const cJSON *port;

	cJSON_ArrayForEach(port, after)
	{
		const cJSON *was = get(before, port->string);
		char *name = gw_sprintf("port %s/%s", pdu, port->string);

		for (size_t i = 0; was && i < sizeof(fields) / sizeof(fields[0]); i++)
			tell_difference(t, name, fields[i], get(was, fields[i]), get(port, fields[i]));
		free(name);
	}
}

static void tell_pdu(const struct teller *t, const char *name, const cJSON *before, const cJSON *after)
{
	const char *error = text_of(after, "error");

	if (!before)
		tell(t, "PDU %s is new: %s", name, text_of(after, "state"));
	else if (strcmp(text_of(before, "state"), text_of(after, "state")) != 0)
		tell(t, "PDU %s %s -> %s%s%s", name, text_of(before, "state"), text_of(after, "state"), *error ? ": " : "", error);
	tell_ports(t, name, get(before, "ports"), get(after, "ports"));
}

static void on_pdu(cJSON *state, const cJSON *data, const struct teller *t)
{
	cJSON *pdus = cJSON_GetObjectItemCaseSensitive(state, "pdus");
	const char *name = text_of(data, "name");
	const cJSON *pdu = get(data, "pdu");

	if (!*name || !cJSON_IsObject(pdu))
		return;
	tell_pdu(t, name, get(pdus, name), pdu);
	put(pdus, name, pdu);
}

static void on_pdu_gone(cJSON *state, const cJSON *data, const struct teller *t)
{
	cJSON_DeleteItemFromObjectCaseSensitive(cJSON_GetObjectItemCaseSensitive(state, "pdus"), text_of(data, "name"));
	tell(t, "PDU %s is gone", text_of(data, "name"));
}

/* ---- the rest ---- */

static void tell_discovery(const struct teller *t, const cJSON *before, const cJSON *after)
{
	const cJSON *shown = after && after->child ? after : before;

	if ((before && before->child) == (after && after->child))
		return;
	tell(t, "discovery at %s/%s %s", text_of(shown, "pdu"), text_of(shown, "port_id"), shown == after ? "goes on" : "is over");
}

static void on_discovery(cJSON *state, const cJSON *data, const struct teller *t)
{
	tell_discovery(t, get(state, "discover"), data);
	put(state, "discover", data);
}

static void tell_database(const struct teller *t, const cJSON *before, const cJSON *after)
{
	const char *was = text_of(before, "error"), *is = text_of(after, "error");

	if (strcmp(was, is) == 0)
		return;
	if (*is)
		tell(t, "the database is not in use as it is on disk: %s", is);
	else
		tell(t, "the database is in use as it is on disk");
}

static void on_database(cJSON *state, const cJSON *data, const struct teller *t)
{
	tell_database(t, get(state, "database"), data);
	put(state, "database", data);
}

/* Of the same port in another list; NULL: none. */
static const cJSON *same_port(const cJSON *list, const cJSON *port)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, list) if (strcmp(text_of(item, "pdu"), text_of(port, "pdu")) == 0 &&
					   strcmp(text_of(item, "port_id"), text_of(port, "port_id")) == 0) return item;
	return NULL;
}

static void tell_alarms(const struct teller *t, const cJSON *before, const cJSON *after)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, after) if (!same_port(before, item)) tell(t, "ALARM: %s", text_of(item, "text"));
	cJSON_ArrayForEach(item, before) if (!same_port(after, item))
		tell(t, "the alarm of port %s/%s is over", text_of(item, "pdu"), text_of(item, "port_id"));
}

static void tell_pinned(const struct teller *t, const cJSON *before, const cJSON *after)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, after) if (!same_port(before, item))
		tell(t, "port %s/%s is pinned: ON until it is switched OFF", text_of(item, "pdu"), text_of(item, "port_id"));
}

static void on_alarms(cJSON *state, const cJSON *data, const struct teller *t)
{
	if (!cJSON_IsArray(get(data, "alarms")) || !cJSON_IsArray(get(data, "pinned_ports")))
		return;
	tell_alarms(t, get(state, "alarms"), get(data, "alarms"));
	tell_pinned(t, get(state, "pinned_ports"), get(data, "pinned_ports"));
	put(state, "alarms", get(data, "alarms"));
	put(state, "pinned_ports", get(data, "pinned_ports"));
}

static const struct {
	const char *name;
	void (*fn)(cJSON *state, const cJSON *data, const struct teller *t);
} handlers[] = {
	{"dut", on_dut},           {"dut_gone", on_dut_gone},   {"step", on_step},         {"job", on_job},       {"pdu", on_pdu},
	{"pdu_gone", on_pdu_gone}, {"discovery", on_discovery}, {"database", on_database}, {"alarms", on_alarms},
};

void farm_view_event(struct farm_view *view, const char *name, uint64_t id, const cJSON *data, line_fn *fn, void *owner)
{
	const struct teller t = {fn, owner};

	if (!view->state || id <= view->id)
		return;
	view->id = id;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (strcmp(handlers[i].name, name) == 0)
			handlers[i].fn(view->state, data, &t);
}

/* A server without one of them has none. */
static void complete(cJSON *state)
{
	static const char *const objects[] = {"duts", "pdus", "jobs", "discover", "database"};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++)
		if (!cJSON_IsObject(get(state, objects[i]))) {
			cJSON_DeleteItemFromObjectCaseSensitive(state, objects[i]);
			cJSON_AddObjectToObject(state, objects[i]);
		}
}

static void tell_all(const cJSON *before, const cJSON *after, const struct teller *t)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, get(after, "duts")) tell_dut(t, get(get(before, "duts"), item->string), item);
	cJSON_ArrayForEach(item, get(before, "duts")) if (!get(get(after, "duts"), item->string)) tell_dut_gone(t, item);
	cJSON_ArrayForEach(item, get(after, "pdus")) tell_pdu(t, item->string, get(get(before, "pdus"), item->string), item);
	tell_discovery(t, get(before, "discover"), get(after, "discover"));
	tell_database(t, get(before, "database"), get(after, "database"));
	tell_alarms(t, get(before, "alarms"), get(after, "alarms"));
	tell_pinned(t, get(before, "pinned_ports"), get(after, "pinned_ports"));
}

void farm_view_take(struct farm_view *view, cJSON *state, line_fn *fn, void *owner)
{
	const struct teller t = {fn, owner};
	const cJSON *id = get(state, "event_id");

	complete(state);
	if (view->state)
		tell_all(view->state, state, &t);
	view->id = cJSON_IsNumber(id) && id->valuedouble > 0 ? (uint64_t)id->valuedouble : 0;
	cJSON_Delete(view->state);
	view->state = state;
}

void farm_view_finish(struct farm_view *view)
{
	cJSON_Delete(view->state);
	*view = (struct farm_view){0};
}
