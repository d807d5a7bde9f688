#include "executord/effects.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/field_changes.h"
#include "executord/name_effects.h"
#include "executord/runner_effects.h"
#include "libmars/fields.h"

struct effects {
	struct executord *ex;
	const struct mars_db *before, *after;
	struct name_effects names;
	cJSON *list; /* of the change at hand */
};

__attribute__((format(printf, 2, 3))) static void say(struct effects *e, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cJSON_AddItemToArray(e->list, cJSON_CreateString(text));
}

/* ---- what a DUT's life makes of it: dut_settle, without doing it ---- */

struct life {
	enum dut_state state;
	uint32_t actions;
};

static void live(struct life *life, enum dut_event event)
{
	struct dut_step step;

	if (!dut_step(life->state, event, &step))
		return;
	life->state = step.state;
	life->actions |= step.actions;
}

static bool is_placed(const struct mars_dut *dut)
{
	return dut && dut->pdu && dut->pdu_port_id;
}

static bool is_at_reserved(const struct mars_db *db, const struct mars_dut *dut)
{
	return is_placed(dut) && database_reserves(db, dut->pdu, dut->pdu_port_id);
}

static struct dut_situation situation_of(const struct effects *e, const struct mars_db *db, const struct mars_dut *mars)
{
	const struct settings *settings = &e->ex->settings;

	return (struct dut_situation){
		.removed = !mars,
		.has_port = is_placed(mars) && !is_at_reserved(db, mars),
		.is_retired = mars && mars->is_retired,
		.ready_for_service = mars && mars->ready_for_service,
		.boot_count = settings->boot_count,
		.qualifying = settings->qualifying,
		.quick_checks = settings->quick_checks,
	};
}

static void live_through(const struct effects *e, const struct mars_dut *old, const struct mars_dut *new, struct life *life)
{
	struct dut_situation before = situation_of(e, e->before, old), now = situation_of(e, e->after, new);
	bool moved = is_placed(old) && is_placed(new) &&
		     (!gw_same_text(old->pdu, new->pdu) || !gw_same_text(old->pdu_port_id, new->pdu_port_id));
	enum dut_event events[DUT_EDIT_EVENTS];
	size_t n = dut_after_edit(&before, &now, moved, events);

	for (size_t i = 0; i < n; i++)
		live(life, events[i]);
}

static void say_life(struct effects *e, const struct dut *dut, const struct mars_dut *old, const struct mars_dut *new)
{
	struct life life = {.state = dut ? dut->state : DUT_WAIT_FOR_CONFIG};
	enum dut_state from = life.state;

	live_through(e, old, new, &life);
	if ((life.actions & DO_CANCEL_JOB) && dut && dut->job)
		say(e, "its job is cancelled, and its port is switched OFF");
	if (!new)
		say(e, "it is forgotten, with its training");
	else if (!old || life.state != from)
		say(e, "its state: %s%s%s", old ? dut_state_name(from) : "", old ? " -> " : "", dut_state_name(life.state));
	if ((life.actions & DO_START_TRAINING) || ((life.actions & DO_RESET_TRAINING) && life.state == DUT_TRAINING))
		say(e, "it is trained from the beginning: registration%s", e->ex->settings.boot_count > 0 ? " and boot loops" : "");
	if (life.actions & DO_START_QUICK_CHECK)
		say(e, "it is booted once, to be checked");
}

/* ---- ports ---- */

static void say_ports(struct effects *e, const struct mars_dut *old, const struct mars_dut *new)
{
	bool moved = is_placed(old) != is_placed(new) ||
		     (is_placed(old) && (!gw_same_text(old->pdu, new->pdu) || !gw_same_text(old->pdu_port_id, new->pdu_port_id)));

	if (moved && is_placed(old))
		say(e, "port %s of %s is freed", old->pdu_port_id, old->pdu);
	if (is_at_reserved(e->after, new))
		say(e, "port %s of %s is reserved: it is never switched, so the machine waits until it is not, or has another",
		    new->pdu_port_id, new->pdu);
	else if (moved && is_placed(new))
		say(e, "port %s of %s is assigned; its minimum off time: %g s", new->pdu_port_id, new->pdu, new->pdu_off_delay);
	if (!moved && is_placed(new) && old->pdu_off_delay != new->pdu_off_delay)
		say(e, "minimum off time of port %s of %s: %g s -> %g s", new->pdu_port_id, new->pdu, old->pdu_off_delay,
		    new->pdu_off_delay);
}

static void say_dut(struct effects *e, const struct mars_change *change)
{
	const struct mars_dut *old = mars_db_find_dut(e->before, change->name), *new = mars_db_find_dut(e->after, change->name);

	say_life(e, registry_dut(e->ex, change->name), old, new);
	say_ports(e, old, new);
	if (old && new && !gw_same_text(old->mac_address, new->mac_address))
		say(e, "boots of %s are its own from now on, those of %s are not", new->mac_address, old->mac_address);
	name_effects_of_dut(e->list, &e->names, change->name, old, new);
	runner_effects_of_dut(e->list, e->before, e->after, old, new);
}

static void say_reservations(struct effects *e, const struct mars_pdu *a, const struct mars_pdu *b, const char *what)
{
	for (size_t i = 0; i < b->reserved_port_ids.n; i++)
		if (!a || !mars_pdu_port_reserved(a, b->reserved_port_ids.v[i]))
			say(e, "port %s is %s", b->reserved_port_ids.v[i], what);
}

static void say_reserved_machines(struct effects *e, const struct mars_pdu *old, const struct mars_pdu *new)
{
	for (size_t i = 0; i < new->reserved_port_ids.n; i++) {
		const char *port = new->reserved_port_ids.v[i];
		const struct mars_dut *dut = mars_db_find_dut_by_port(e->after, new->name, port);

		if (dut && !(old && mars_pdu_port_reserved(old, port)))
			say(e, "port %s is that of %s, which waits until it is not reserved", port, dut->id);
	}
}

static void say_pdu(struct effects *e, const struct mars_change *change)
{
	const struct mars_pdu *old = mars_db_find_pdu(e->before, change->name), *new = mars_db_find_pdu(e->after, change->name);

	if (!old)
		say(e, "its driver %s is started", new->driver);
	else if (!new)
		say(e, "its driver is stopped; its ports stay as they are");
	else if (change->fields & (1U << MARS_PDU_DRIVER | 1U << MARS_PDU_CONFIG))
		say(e, "it is set up anew, and it alone");
	if (new)
		say_reservations(e, old, new, "reserved");
	if (new)
		say_reserved_machines(e, old, new);
	if (old && new)
		say_reservations(e, new, old, "not reserved any more");
}

static void say_gitlab(struct effects *e, const struct mars_change *change)
{
	runner_effects_of_instance(e->list, e->before, e->after, change->name);
}

/* ---- one change ---- */

static const void *find_pdu(const struct mars_db *db, const char *name)
{
	return mars_db_find_pdu(db, name);
}

static const void *find_dut(const struct mars_db *db, const char *name)
{
	return mars_db_find_dut(db, name);
}

static const void *find_gitlab(const struct mars_db *db, const char *name)
{
	return mars_db_find_gitlab(db, name);
}

static const struct {
	const char *what;
	const struct mars_object *object;
	const void *(*find)(const struct mars_db *db, const char *name);
	void (*say)(struct effects *e, const struct mars_change *change);
} sorts[] = {
	[MARS_PDU] = {"PDU", &mars_pdu_object, find_pdu, say_pdu},
	[MARS_DUT] = {"DUT", &mars_dut_object, find_dut, say_dut},
	[MARS_GITLAB] = {"GitLab instance", &mars_gitlab_object, find_gitlab, say_gitlab},
};

static cJSON *change_json(struct effects *e, const struct mars_change *change)
{
	static const char *const kinds[] = {[MARS_ADDED] = "added", [MARS_REMOVED] = "removed", [MARS_CHANGED] = "changed"};
	const struct mars_object *object = sorts[change->what].object;
	const void *old = sorts[change->what].find(e->before, change->name), *new = sorts[change->what].find(e->after, change->name);
	cJSON *json = cJSON_CreateObject(), *fields;

	cJSON_AddStringToObject(json, "what", sorts[change->what].what);
	cJSON_AddStringToObject(json, "kind", kinds[change->kind]);
	cJSON_AddStringToObject(json, "name", change->name);
	fields = cJSON_AddArrayToObject(json, "fields");
	if (old && new)
		field_changes_add(fields, object, change->fields, old, new);
	e->list = cJSON_AddArrayToObject(json, "effects");
	sorts[change->what].say(e, change);
	return json;
}

cJSON *effects_json(struct executord *ex, const struct mars_db *after, const struct mars_changes *changes)
{
	struct effects e = {.ex = ex, .before = ex->database.db, .after = after};
	cJSON *list = cJSON_CreateArray();

	name_effects_start(&e.names, ex, after, changes);
	for (size_t i = 0; i < changes->n; i++)
		cJSON_AddItemToArray(list, change_json(&e, &changes->v[i]));
	name_effects_finish(&e.names);
	return list;
}
