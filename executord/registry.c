#include "executord/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/config_push.h"
#include "executord/executord.h"
#include "executord/names.h"
#include "libgateway/log.h"
#include "libgateway/sorted.h"
#include "libmars/fields.h"

static int dut_order(const void *dut, const void *id)
{
	return strcmp(((const struct dut *)dut)->id, id);
}

static int pdu_order(const void *pdu, const void *name)
{
	return strcmp(((const struct pdu *)pdu)->name, name);
}

struct dut *registry_dut(struct executord *ex, const char *id)
{
	return sorted_find(ex->registry.duts, ex->registry.n_duts, dut_order, id);
}

struct dut *registry_dut_named(struct executord *ex, const char *name, struct gw_error *err)
{
	struct dut *dut = registry_dut(ex, name);
	const struct mars_dut *mars;

	for (size_t i = 0; !dut && i < ex->registry.n_duts; i++)
		if (ex->registry.duts[i]->full_name && strcmp(ex->registry.duts[i]->full_name, name) == 0)
			dut = ex->registry.duts[i];
	if (!dut && (mars = mars_db_find_dut_by_mac(ex->database.db, name))) /* an id that is a MAC, in another case */
		dut = registry_dut(ex, mars->id);
	if (!dut)
		gw_fail(err, GW_NOT_FOUND, "there is no machine '%.128s'", name);
	return dut;
}

struct dut *registry_dut_at(struct executord *ex, const char *pdu, const char *port)
{
	const struct mars_dut *mars = mars_db_find_dut_by_port(ex->database.db, pdu, port);

	return mars ? registry_dut(ex, mars->id) : NULL;
}

struct pdu *registry_pdu(struct executord *ex, const char *name, struct gw_error *err)
{
	struct pdu *pdu = sorted_find(ex->registry.pdus, ex->registry.n_pdus, pdu_order, name);

	if (!pdu)
		gw_fail(err, GW_NOT_FOUND, "there is no PDU '%.128s'", name);
	return pdu;
}

const struct mars_dut *registry_mars(struct executord *ex, const struct dut *dut)
{
	return mars_db_find_dut(ex->database.db, dut->id);
}

struct bus_texts registry_tags(const struct executord *ex, const struct mars_dut *mars)
{
	struct bus_texts tags = {gw_calloc(mars->tags.n + mars->manual_tags.n + 1, sizeof(char *)), 0};

	for (size_t i = 0; i < mars->tags.n; i++)
		tags.v[tags.n++] = mars->tags.v[i];
	for (size_t i = 0; i < mars->manual_tags.n; i++)
		tags.v[tags.n++] = mars->manual_tags.v[i];
	tags.v[tags.n++] = (char *)ex->settings.farm_tag;
	return tags;
}

/* ---- what REST has printed ---- */

static void drop_page(struct http_shared **page)
{
	http_shared_release(*page);
	*page = NULL;
}

static void drop_list(struct list *list)
{
	http_bytes_release(list->bytes);
	list->bytes = NULL;
}

void registry_dut_changed(struct executord *ex, struct dut *dut)
{
	printed_drop(&dut->printed);
	drop_page(&ex->registry.full_state.page);
	drop_page(&ex->registry.duts_page);
	drop_page(&ex->registry.machines_page);
	drop_list(&ex->registry.duts_list);
	events_dut(ex, dut);
}

void registry_pdu_changed(struct executord *ex, struct pdu *pdu)
{
	printed_drop(&pdu->printed);
	drop_page(&ex->registry.full_state.page);
	drop_page(&ex->registry.pdus_page);
	drop_list(&ex->registry.pdus_list);
	events_pdu(ex, pdu);
}

static void every_dut_changed(struct executord *ex)
{
	for (size_t i = 0; i < ex->registry.n_duts; i++)
		registry_dut_changed(ex, ex->registry.duts[i]);
}

/* ---- coming and going ---- */

static struct dut *add_dut(struct executord *ex, const char *id)
{
	struct registry *r = &ex->registry;
	size_t at = sorted_place(r->duts, r->n_duts, dut_order, id, NULL);
	struct dut *dut = dut_create(ex, id);

	r->duts = sorted_insert(r->duts, &r->n_duts, at, dut);
	registry_dut_changed(ex, dut);
	return dut;
}

static void sweep(void *data)
{
	struct executord *ex = data;

	while (ex->registry.n_gone)
		dut_destroy(ex->registry.gone[--ex->registry.n_gone]);
}

void registry_forget(struct executord *ex, struct dut *dut)
{
	struct registry *r = &ex->registry;
	size_t at = sorted_place(r->duts, r->n_duts, dut_order, dut->id, NULL);

	gw_assert(at < r->n_duts && r->duts[at] == dut && !dut->job);
	registry_dut_changed(ex, dut);
	state_store_dut_changed(dut);
	events_dut_gone(ex, dut->id);
	sorted_remove(r->duts, &r->n_duts, at);
	r->gone = gw_realloc(r->gone, (r->n_gone + 1) * sizeof(*r->gone));
	r->gone[r->n_gone++] = dut;
	loop_timer_start(&ex->loop, &r->sweep, 0, sweep, ex);
}

static bool pdu_is_wanted(struct executord *ex, const char *name)
{
	return mars_db_find_pdu(ex->database.db, name) ||
	       (ex->settings.vpdu && !mars_db_pdu_count(ex->database.db) && strcmp(name, VPDU_NAME) == 0);
}

static void want_pdu(struct executord *ex, const char *name, bool in_file)
{
	struct registry *r = &ex->registry;
	bool found;
	size_t at = sorted_place(r->pdus, r->n_pdus, pdu_order, name, &found);

	if (!found)
		r->pdus = sorted_insert(r->pdus, &r->n_pdus, at, pdu_create(name));
	r->pdus[at]->in_file = in_file;
	registry_pdu_changed(ex, r->pdus[at]);
}

/* The file's PDUs, and EXECUTOR_VPDU_ENDPOINT's where the file has none. */
static void sync_pdus(struct executord *ex)
{
	struct registry *r = &ex->registry;

	for (size_t i = r->n_pdus; i-- > 0;) {
		if (pdu_is_wanted(ex, r->pdus[i]->name))
			continue;
		events_pdu_gone(ex, r->pdus[i]->name);
		pdu_destroy(r->pdus[i]);
		sorted_remove(r->pdus, &r->n_pdus, i);
	}
	for (size_t i = 0; i < mars_db_pdu_count(ex->database.db); i++)
		want_pdu(ex, mars_db_pdu(ex->database.db, i)->name, true);
	if (ex->settings.vpdu && !mars_db_pdu_count(ex->database.db))
		want_pdu(ex, VPDU_NAME, false);
	drop_page(&r->pdus_page);
	drop_list(&r->pdus_list);
	drop_page(&r->full_state.page);
}

static void set_full_name(struct executord *ex, struct dut *dut, const struct named *named)
{
	char *name = names_full(ex->settings.farm, named);

	if (dut->full_name && strcmp(dut->full_name, name) == 0) {
		free(name);
		return;
	}
	registry_dut_changed(ex, dut);
	free(dut->full_name);
	dut->full_name = name;
	dut->boot_due = dut->gitlab_due = true;
}

static void name_duts(struct executord *ex)
{
	size_t n;
	struct named *v = names_of(ex->database.db, &n);

	for (size_t i = 0; i < n; i++) {
		struct dut *dut = registry_dut(ex, mars_db_dut(ex->database.db, v[i].place)->id);

		if (dut)
			set_full_name(ex, dut, &v[i]);
	}
	free(v);
}

/* ---- edits ---- */

static void take_structure(struct executord *ex, const struct mars_change *change)
{
	struct dut *dut = change->what == MARS_DUT ? registry_dut(ex, change->name) : NULL;

	if (change->what == MARS_GITLAB)
		every_dut_changed(ex);
	else if (dut)
		registry_dut_changed(ex, dut);
	else if (change->what == MARS_DUT && change->kind == MARS_ADDED)
		add_dut(ex, change->name);
}

/* A reservation may have come to, or gone from, a machine's port. */
static void settle_duts_at(struct executord *ex, const char *pdu)
{
	for (size_t i = 0; i < ex->registry.n_duts; i++) {
		struct dut *dut = ex->registry.duts[i];
		const struct mars_dut *mars = registry_mars(ex, dut);

		if (mars && mars->pdu && strcmp(mars->pdu, pdu) == 0)
			dut_settle(dut, "database");
	}
}

static void warn_of_reserved(struct executord *ex, const char *id)
{
	const struct mars_dut *mars = mars_db_find_dut(ex->database.db, id);

	if (mars && mars->pdu && mars->pdu_port_id && database_reserves(ex->database.db, mars->pdu, mars->pdu_port_id))
		log_warning(
			"duts.'%s': port %s of %s is reserved: it is never switched, so the machine waits until it is not, or has another",
			id, mars->pdu_port_id, mars->pdu);
}

static void take_reservations(struct executord *ex, const struct mars_change *change)
{
	if (change->what != MARS_PDU || !(change->fields & (1U << MARS_PDU_RESERVED_PORT_IDS)))
		return;
	settle_duts_at(ex, change->name);
	for (size_t i = 0; i < ex->registry.n_duts; i++) {
		const struct mars_dut *mars = registry_mars(ex, ex->registry.duts[i]);

		if (mars && mars->pdu && strcmp(mars->pdu, change->name) == 0)
			warn_of_reserved(ex, mars->id);
	}
}

static void take_life(struct executord *ex, const struct mars_change *change)
{
	struct dut *dut = change->what == MARS_DUT ? registry_dut(ex, change->name) : NULL;

	if (!dut)
		return;
	if (change->kind == MARS_ADDED && !dut->known.removed)
		dut_activate(dut, "database");
	else
		dut_settle(dut, "database");
}

/* A PDU's coming or going, or anything else of it. */
static bool touches_pdus(const struct mars_change *change)
{
	return change->what == MARS_PDU;
}

static bool any(const struct mars_changes *changes, bool (*touches)(const struct mars_change *change))
{
	for (size_t i = 0; i < changes->n; i++)
		if (touches(&changes->v[i]))
			return true;
	return false;
}

/* What an edit does not touch is left alone: ten thousand DUTs are not named anew for a comment of one. */
void registry_apply_changes(struct executord *ex, const struct mars_changes *changes)
{
	if (!changes->n)
		return;
	for (size_t i = 0; i < changes->n; i++)
		take_structure(ex, &changes->v[i]);
	if (any(changes, touches_pdus))
		sync_pdus(ex);
	if (any(changes, names_touched))
		name_duts(ex);
	config_push_edit(ex, changes); /* before any job that the edit leads to */
	discovery_on_edit(ex);
	for (size_t i = 0; i < changes->n; i++) {
		take_life(ex, &changes->v[i]);
		take_reservations(ex, &changes->v[i]);
		if (changes->v[i].what == MARS_DUT)
			warn_of_reserved(ex, changes->v[i].name);
	}
}

void registry_start(struct executord *ex)
{
	for (size_t i = 0; i < mars_db_dut_count(ex->database.db); i++)
		add_dut(ex, mars_db_dut(ex->database.db, i)->id);
	sync_pdus(ex);
	name_duts(ex);
}

void registry_finish(struct executord *ex)
{
	struct registry *r = &ex->registry;

	sweep(ex);
	loop_timer_finish(&r->sweep);
	for (size_t i = 0; i < r->n_duts; i++)
		dut_destroy(r->duts[i]);
	for (size_t i = 0; i < r->n_pdus; i++)
		pdu_destroy(r->pdus[i]);
	drop_page(&r->duts_page);
	drop_page(&r->machines_page);
	drop_page(&r->pdus_page);
	drop_list(&r->duts_list);
	drop_list(&r->pdus_list);
	drop_page(&r->full_state.page);
	free(r->duts);
	free(r->pdus);
	free(r->gone);
	*r = (struct registry){0};
}
