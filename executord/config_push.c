#include "executord/config_push.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "executord/rest_pdu.h"
#include "libgateway/log.h"
#include "libmars/fields.h"

/* ---- pdud ---- */

static void take_pdu(struct executord *ex, const struct msg_pdu_state *state)
{
	struct pdu *pdu = registry_pdu(ex, state->name, NULL);

	if (!pdu)
		return; /* an edit has just removed it */
	if (state->error && (!pdu->error || strcmp(pdu->error, state->error) != 0))
		log_warning("PDU %s: %s", pdu->name, state->error);
	pdu_take_state(pdu, state);
	registry_pdu_changed(ex, pdu);
}

static void on_snapshot(void *data, const void *answer, const struct gw_error *err)
{
	struct executord *ex = data;
	const struct msg_pdu_snapshot *snapshot = answer;

	if (!snapshot) {
		if (err->kind != GW_UNREACHABLE)
			log_failure("pdud does not take its configuration", err);
		return;
	}
	for (size_t i = 0; i < snapshot->pdus.n; i++)
		take_pdu(ex, &snapshot->pdus.v[i]);
}

static void ask_snapshot(struct executord *ex)
{
	bus_ask(&ex->bus, "pdud", MSG_PDU_SNAPSHOT, &(struct msg_nothing){0}, 0, on_snapshot, ex);
}

void config_on_port_state(void *owner, const void *body, struct bus_call *call)
{
	struct executord *ex = owner;
	const struct msg_port_state *state = body;
	struct pdu *pdu = registry_pdu(ex, state->pdu, NULL);

	if (!pdu)
		return;
	if (!pdu_take_port(pdu, state))
		ask_snapshot(ex);
	registry_pdu_changed(ex, pdu);
	if (state->alarm)
		rest_port_alarmed(ex, state->pdu, state->port);
}

void config_on_pdu_state(void *owner, const void *body, struct bus_call *call)
{
	take_pdu(owner, body);
}

/* The file's configuration; the virtual PDU's hostname is the environment's. The caller frees. */
static char *driver_config(struct executord *ex, const struct pdu *pdu, const struct mars_pdu *mars)
{
	cJSON *json;
	char *text;

	if (!ex->settings.vpdu || strcmp(pdu->name, VPDU_NAME) != 0)
		return gw_strdup(mars->config);
	json = mars ? cJSON_Parse(mars->config) : NULL;
	if (!json)
		json = cJSON_CreateObject();
	cJSON_DeleteItemFromObjectCaseSensitive(json, "hostname");
	cJSON_AddStringToObject(json, "hostname", ex->settings.vpdu);
	text = cJSON_PrintUnformatted(json);
	cJSON_Delete(json);
	return text;
}

static struct msg_port_config *port_config(struct msg_pdu_config *config, const char *port)
{
	struct msg_port_config *found;

	for (size_t i = 0; i < config->ports.n; i++)
		if (strcmp(config->ports.v[i].port, port) == 0)
			return &config->ports.v[i];
	config->ports.v = gw_realloc(config->ports.v, (config->ports.n + 1) * sizeof(*config->ports.v));
	found = &config->ports.v[config->ports.n++];
	*found = (struct msg_port_config){.port = (char *)port, .min_off_ms = -1};
	return found;
}

/* What pdud would take of its driver, for a port of which only the reservation is known. */
static int64_t default_min_off_ms(const char *driver)
{
	return strcmp(driver, "vpdu") == 0 || strcmp(driver, "dummy") == 0 ? 100 : 30000;
}

static void fill_pdu(struct executord *ex, struct pdu *pdu, struct msg_pdu_config *config)
{
	const struct mars_pdu *mars = mars_db_find_pdu(ex->database.db, pdu->name);

	*config = (struct msg_pdu_config){.name = pdu->name, .driver = mars ? mars->driver : (char *)"vpdu"};
	config->config = driver_config(ex, pdu, mars);
	for (size_t i = 0; i < pdu->n_wishes; i++) {
		struct msg_port_config *port = port_config(config, pdu->wishes[i].id);

		port->reserved = pdu->wishes[i].reserved;
		port->min_off_ms = pdu->wishes[i].min_off_ms;
	}
	for (size_t i = 0; mars && i < mars->reserved_port_ids.n; i++)
		port_config(config, mars->reserved_port_ids.v[i])->reserved = true;
}

static int config_order(const void *name, const void *config)
{
	return strcmp(name, ((const struct msg_pdu_config *)config)->name);
}

/* What pdud is to know of these PDUs, which are in the registry's order: by name. The caller frees by free_configs. */
static struct msg_pdu_config *make_configs(struct executord *ex, struct pdu *const *pdus, size_t n)
{
	struct msg_pdu_config *v = gw_calloc(n ? n : 1, sizeof(*v));

	for (size_t i = 0; i < n; i++)
		fill_pdu(ex, pdus[i], &v[i]);
	for (size_t i = 0; i < mars_db_dut_count(ex->database.db); i++) {
		const struct mars_dut *dut = mars_db_dut(ex->database.db, i);
		struct msg_pdu_config *config = dut->pdu && dut->pdu_port_id ? bsearch(dut->pdu, v, n, sizeof(*v), config_order) : NULL;
		struct msg_port_config *port = config ? port_config(config, dut->pdu_port_id) : NULL;

		if (!port)
			continue;
		port->min_off_ms = (int64_t)(dut->pdu_off_delay * 1000);
		port->assigned = true;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t p = 0; p < v[i].ports.n; p++)
			if (v[i].ports.v[p].min_off_ms < 0)
				v[i].ports.v[p].min_off_ms = default_min_off_ms(v[i].driver);
	return v;
}

static void free_configs(struct msg_pdu_config *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].config);
		free(v[i].ports.v);
	}
	free(v);
}

void config_push_pdud(struct executord *ex)
{
	struct msg_pdu_configure all = {.capability_key = ex->settings.key};

	if (!bus_peer_up(&ex->bus, "pdud"))
		return;
	all.pdus.n = ex->registry.n_pdus;
	all.pdus.v = make_configs(ex, ex->registry.pdus, all.pdus.n);
	bus_ask(&ex->bus, "pdud", MSG_PDU_CONFIGURE, &all, 0, on_snapshot, ex);
	free_configs(all.pdus.v, all.pdus.n);
}

/* pdud has another past than was thought: it is told all. */
static void on_pdus_changed(void *data, const void *answer, const struct gw_error *err)
{
	if (answer || err->kind == GW_UNREACHABLE)
		on_snapshot(data, answer, err);
	else
		config_push_pdud(data);
}

/* Those of the registry's PDUs that are marked. */
static void push_some_pdus(struct executord *ex, const bool *marked)
{
	struct pdu **some = gw_calloc(ex->registry.n_pdus + 1, sizeof(*some));
	struct msg_pdu_change change = {0};

	for (size_t i = 0; i < ex->registry.n_pdus; i++)
		if (marked[i])
			some[change.pdus.n++] = ex->registry.pdus[i];
	change.pdus.v = make_configs(ex, some, change.pdus.n);
	bus_ask(&ex->bus, "pdud", MSG_PDU_CHANGE, &change, 0, on_pdus_changed, ex);
	free_configs(change.pdus.v, change.pdus.n);
	free(some);
}

static void on_pdud(void *owner, const char *peer, enum bus_peer_event what)
{
	struct executord *ex = owner;

	daemons_on_peer(ex, peer, what);
	if (what == BUS_PEER_UP) {
		config_push_pdud(ex);
		jobs_on_pdud_up(ex);
		discovery_on_pdud_up(ex);
	} else if (what == BUS_PEER_GAP) {
		ask_snapshot(ex);
	} else {
		for (size_t i = 0; i < ex->registry.n_pdus; i++) {
			pdu_is_silent(ex->registry.pdus[i]);
			registry_pdu_changed(ex, ex->registry.pdus[i]);
		}
	}
}

/* ---- bootsd ---- */

static void on_configured(void *data, const void *answer, const struct gw_error *err)
{
	if (!answer && err->kind != GW_UNREACHABLE)
		log_failure("a daemon does not take its configuration", err);
}

/* Those with an entry in the database, or just those that are marked. */
static size_t list_boot_duts(struct executord *ex, bool marked, struct msg_boot_dut *v)
{
	size_t n = 0;

	for (size_t i = 0; i < ex->registry.n_duts; i++) {
		struct dut *dut = ex->registry.duts[i];
		const struct mars_dut *mars = !marked || dut->boot_due ? registry_mars(ex, dut) : NULL;

		dut->boot_due = false;
		if (mars)
			v[n++] = (struct msg_boot_dut){
				.id = dut->id, .mac = mars->mac_address, .ip = mars->ip_address, .hostname = dut->full_name};
	}
	return n;
}

void config_push_bootsd(struct executord *ex)
{
	struct msg_boot_configure all = {.capability_key = ex->settings.key, .discovering = discovery_listens(ex)};

	if (!bus_peer_up(&ex->bus, "bootsd"))
		return;
	all.duts.v = gw_calloc(ex->registry.n_duts + 1, sizeof(*all.duts.v));
	all.duts.n = list_boot_duts(ex, false, all.duts.v);
	bus_ask(&ex->bus, "bootsd", MSG_BOOT_CONFIGURE, &all, 0, on_configured, ex);
	free(all.duts.v);
}

/* bootsd has another past than was thought: it is told all. */
static void on_boots_changed(void *data, const void *answer, const struct gw_error *err)
{
	if (!answer && err->kind != GW_UNREACHABLE)
		config_push_bootsd(data);
}

/* The DUTs that are marked, and those of `gone`, which is taken over. */
static void push_some_boots(struct executord *ex, struct bus_texts gone)
{
	struct msg_boot_change change = {.gone = gone};

	change.duts.v = gw_calloc(ex->registry.n_duts + 1, sizeof(*change.duts.v));
	change.duts.n = list_boot_duts(ex, true, change.duts.v);
	if ((change.duts.n || gone.n) && bus_peer_up(&ex->bus, "bootsd"))
		bus_ask(&ex->bus, "bootsd", MSG_BOOT_CHANGE, &change, 0, on_boots_changed, ex);
	free(change.duts.v);
	free(gone.v);
}

static void on_bootsd(void *owner, const char *peer, enum bus_peer_event what)
{
	daemons_on_peer(owner, peer, what);
	if (what == BUS_PEER_UP)
		config_push_bootsd(owner);
}

/* ---- saladd ---- */

static void take_console(struct executord *ex, const struct msg_console *console)
{
	struct dut *dut = registry_dut(ex, console->id);

	if (!dut || dut->log_port == console->tcp_port_logs)
		return;
	dut->log_port = (int)console->tcp_port_logs;
	registry_dut_changed(ex, dut);
}

void config_on_console_changed(void *owner, const void *body, struct bus_call *call)
{
	take_console(owner, body);
}

static void on_consoles(void *data, const void *answer, const struct gw_error *err)
{
	const struct msg_consoles *all = answer;

	on_configured(data, answer, err);
	for (size_t i = 0; all && i < all->consoles.n; i++)
		take_console(data, &all->consoles.v[i]);
}

static void push_saladd(struct executord *ex)
{
	struct msg_console_want want = {0};

	if (!bus_peer_up(&ex->bus, "saladd"))
		return;
	want.ids.v = gw_calloc(ex->registry.n_duts + 1, sizeof(*want.ids.v));
	for (want.ids.n = 0; want.ids.n < ex->registry.n_duts; want.ids.n++)
		want.ids.v[want.ids.n] = ex->registry.duts[want.ids.n]->id;
	bus_ask(&ex->bus, "saladd", MSG_CONSOLE_LIST, &want, 0, on_consoles, ex);
	free(want.ids.v);
}

static void on_saladd(void *owner, const char *peer, enum bus_peer_event what)
{
	daemons_on_peer(owner, peer, what);
	if (what != BUS_PEER_DOWN)
		push_saladd(owner);
}

/* ---- artifactd ---- */

static void on_artifactd(void *owner, const char *peer, enum bus_peer_event what)
{
	struct executord *ex = owner;
	struct msg_artifact_configure all = {.capability_key = ex->settings.key};

	daemons_on_peer(ex, peer, what);
	if (what != BUS_PEER_UP)
		return;
	all.jobs = jobs_ids(ex);
	bus_ask(&ex->bus, "artifactd", MSG_ARTIFACT_CONFIGURE, &all, 0, on_configured, ex);
	free(all.jobs.v);
}

/* ---- bucketd ---- */

static void on_bucketd(void *owner, const char *peer, enum bus_peer_event what)
{
	daemons_on_peer(owner, peer, what);
	buckets_on_peer(owner, what);
}

/* ---- edits: each daemon hears of what changed for it ---- */

static bool concerns(const struct mars_change *change, uint32_t fields)
{
	return change->what == MARS_DUT && (change->kind != MARS_CHANGED || (change->fields & fields));
}

static bool mark_pdu(struct executord *ex, const char *name, bool *marked)
{
	for (size_t i = 0; name && i < ex->registry.n_pdus; i++)
		if (strcmp(ex->registry.pdus[i]->name, name) == 0)
			return marked[i] = true;
	return false;
}

/* The PDU that it stands at and the one that it stood at. False: that is not known. */
static bool mark_pdus_of(struct executord *ex, const struct mars_change *change, bool *marked)
{
	const struct mars_dut *mars = mars_db_find_dut(ex->database.db, change->name);
	struct dut *dut = registry_dut(ex, change->name);
	bool moved = change->kind == MARS_REMOVED || (change->fields & 1U << MARS_DUT_PDU);

	if (mars && mars->pdu)
		mark_pdu(ex, mars->pdu, marked);
	return change->kind == MARS_ADDED || !moved || (dut && mark_pdu(ex, dut->known.pdu, marked));
}

static void push_pdus(struct executord *ex, const struct mars_changes *changes)
{
	const uint32_t ports = 1U << MARS_DUT_PDU | 1U << MARS_DUT_PDU_PORT_ID | 1U << MARS_DUT_PDU_OFF_DELAY;
	bool *marked = gw_calloc(ex->registry.n_pdus + 1, sizeof(*marked)), all = false, any = false;

	for (size_t i = 0; i < changes->n && !all; i++) {
		all = changes->v[i].what == MARS_PDU;
		if (all || !concerns(&changes->v[i], ports))
			continue;
		any = true;
		all = !mark_pdus_of(ex, &changes->v[i], marked);
	}
	if (all)
		config_push_pdud(ex);
	else if (any && bus_peer_up(&ex->bus, "pdud"))
		push_some_pdus(ex, marked);
	free(marked);
}

static void push_boots(struct executord *ex, const struct mars_changes *changes)
{
	const uint32_t boots = 1U << MARS_DUT_MAC_ADDRESS | 1U << MARS_DUT_IP_ADDRESS;
	struct bus_texts gone = {.v = gw_calloc(changes->n + 1, sizeof(char *))};

	for (size_t i = 0; i < changes->n; i++) {
		struct dut *dut = concerns(&changes->v[i], boots) ? registry_dut(ex, changes->v[i].name) : NULL;

		if (changes->v[i].what == MARS_DUT && changes->v[i].kind == MARS_REMOVED)
			gone.v[gone.n++] = changes->v[i].name;
		else if (dut)
			dut->boot_due = true;
	}
	push_some_boots(ex, gone);
}

static void push_consoles(struct executord *ex, const struct mars_changes *changes)
{
	struct msg_console_change change = {0};

	change.ids.v = gw_calloc(changes->n + 1, sizeof(char *));
	change.gone.v = gw_calloc(changes->n + 1, sizeof(char *));
	for (size_t i = 0; i < changes->n; i++) {
		if (changes->v[i].what == MARS_DUT && changes->v[i].kind == MARS_ADDED)
			change.ids.v[change.ids.n++] = changes->v[i].name;
		else if (changes->v[i].what == MARS_DUT && changes->v[i].kind == MARS_REMOVED)
			change.gone.v[change.gone.n++] = changes->v[i].name;
	}
	if ((change.ids.n || change.gone.n) && bus_peer_up(&ex->bus, "saladd"))
		bus_ask(&ex->bus, "saladd", MSG_CONSOLE_CHANGE, &change, 0, on_consoles, ex);
	free(change.ids.v);
	free(change.gone.v);
}

void config_push_edit(struct executord *ex, const struct mars_changes *changes)
{
	push_pdus(ex, changes);
	push_boots(ex, changes);
	push_consoles(ex, changes);
	gitlab_push_edit(ex, changes);
}

void config_push_start(struct executord *ex)
{
	bus_watch(&ex->bus, "pdud", on_pdud, ex);
	bus_watch(&ex->bus, "bootsd", on_bootsd, ex);
	bus_watch(&ex->bus, "saladd", on_saladd, ex);
	bus_watch(&ex->bus, "artifactd", on_artifactd, ex);
	bus_watch(&ex->bus, "bucketd", on_bucketd, ex);
	gitlab_start(ex);
}
