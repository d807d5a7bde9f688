#include "executord/state_store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/executord.h"
#include "libgateway/json.h"
#include "libgateway/log.h"

#define FILE_MAX (64U << 20)

/* ---- who waits for the disk ---- */

struct state_waiter {
	void (*saved)(void *data);
	void *data; /* NULL: forgotten */
	struct state_waiter *next;
};

static struct state_waiter **end_of(struct state_waiter **at)
{
	while (*at)
		at = &(*at)->next;
	return at;
}

void state_store_when_saved(struct executord *ex, void (*saved)(void *data), void *data)
{
	struct state_store *store = &ex->store;
	struct state_waiter *w, **at;

	if (!store->started || (!store->dirty && !store->saving)) {
		saved(data);
		return;
	}
	w = gw_calloc(1, sizeof(*w));
	*w = (struct state_waiter){.saved = saved, .data = data};
	at = end_of(store->dirty ? &store->waiting : &store->being_saved);
	*at = w;
}

static void forget_in(struct state_waiter *w, const void *data)
{
	for (; w; w = w->next)
		if (w->data == data)
			w->data = NULL;
}

void state_store_forget(struct executord *ex, const void *data)
{
	forget_in(ex->store.waiting, data);
	forget_in(ex->store.being_saved, data);
}

/* One by one: each may lead to anything, and forget the others. */
static void tell(struct state_waiter **list)
{
	struct state_waiter *w;

	while ((w = *list)) {
		*list = w->next;
		if (w->data)
			w->saved(w->data);
		free(w);
	}
}

/* ---- saving ---- */

struct save {
	uv_work_t work;
	struct executord *ex;
	char *path, *text; /* owned */
	struct gw_error err;
};

static char *print_all(struct executord *ex)
{
	cJSON *all = cJSON_CreateObject(), *duts = cJSON_CreateObject();
	char *text;

	cJSON_AddNumberToObject(all, "version", 1);
	cJSON_AddStringToObject(all, "boot_id", ex->store.boot_id);
	for (size_t i = 0; i < ex->registry.n_duts; i++)
		cJSON_AddItemToObject(duts, ex->registry.duts[i]->id, state_store_encode(ex->registry.duts[i]));
	cJSON_AddItemToObject(all, "duts", duts);
	if (ex->discovery.phase != DISCOVERY_NONE)
		cJSON_AddItemToObject(all, "discovery", discovery_encode(&ex->discovery));
	text = cJSON_PrintUnformatted(all);
	cJSON_Delete(all);
	return text;
}

static void on_work(uv_work_t *work)
{
	struct save *save = work->data;

	file_save(save->path, save->text, strlen(save->text), 0600, &save->err);
}

static void save_now(struct executord *ex);

static void report(struct state_store *store, const struct gw_error *err)
{
	if (err->kind != GW_OK && !store->failing)
		log_error("states are not kept over a restart: %s", err->text);
	else if (err->kind == GW_OK && store->failing)
		log_info("states are kept over a restart again");
	store->failing = err->kind != GW_OK;
}

static void on_saved(uv_work_t *work, int status)
{
	struct save *save = work->data;
	struct executord *ex = save->ex;

	report(&ex->store, &save->err);
	free(save->path);
	free(save->text);
	free(save);
	ex->store.saving = false;
	tell(&ex->store.being_saved);
	if (ex->store.dirty && ex->store.started && !ex->store.saving)
		save_now(ex);
}

static void save_now(struct executord *ex)
{
	struct save *save = gw_calloc(1, sizeof(*save));

	ex->store.dirty = false;
	ex->store.saving = true;
	*end_of(&ex->store.being_saved) = ex->store.waiting;
	ex->store.waiting = NULL;
	save->ex = ex;
	save->path = gw_strdup(ex->store.path);
	save->text = print_all(ex);
	save->work.data = save;
	gw_assert(uv_queue_work(&ex->loop.uv, &save->work, on_work, on_saved) == 0);
}

/* At the loop's next turn, so that one step's changes are one save. */
static void on_due(void *data)
{
	struct executord *ex = data;

	if (ex->store.dirty && !ex->store.saving)
		save_now(ex);
}

void state_store_changed(struct executord *ex)
{
	ex->store.dirty = true;
	if (ex->store.started && !ex->store.saving)
		loop_timer_start(&ex->loop, &ex->store.due, 0, on_due, ex);
}

void state_store_finish(struct executord *ex)
{
	struct state_store *store = &ex->store;
	struct gw_error err = {0};
	char *text;

	loop_timer_finish(&store->due);
	store->started = false;
	while (store->saving)
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
	if (store->dirty && store->path) {
		text = print_all(ex);
		if (!file_save(store->path, text, strlen(text), 0600, &err))
			log_failure("the machines' states", &err);
		free(text);
	}
	tell(&store->being_saved);
	tell(&store->waiting);
	free(store->path);
	*store = (struct state_store){0};
}

/* ---- starting ---- */

static cJSON *read_all(struct executord *ex)
{
	struct gw_error err = {0};
	size_t len = 0;
	char *text = file_read(ex->store.path, FILE_MAX, &len, &err);
	cJSON *all = text ? json_decode(text, len, &err) : NULL;

	if (!all && err.kind != GW_NOT_FOUND)
		log_error("%s: %s; the machines begin anew", ex->store.path, err.text);
	free(text);
	return all;
}

static bool same_boot(const struct executord *ex, const cJSON *all)
{
	const char *kept = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(all, "boot_id"));

	return kept && strcmp(kept, ex->store.boot_id) == 0;
}

static void restore(struct executord *ex, struct dut *dut, const cJSON *kept)
{
	struct kept_job job = {0};
	struct gw_error err = {0};

	if (!state_store_decode(dut, kept, &job, &err)) {
		log_error("%s: %s: %s; the machine begins anew", ex->store.path, dut->id, err.text);
		dut_activate(dut, "its kept state is not usable");
		return;
	}
	if (job.id)
		jobs_restore(ex, dut, &job);
	if (job.has_ready_wanted)
		dut_write_ready(dut, job.ready_wanted);
	log_info("dut=%s is %s as before the restart%s%s", dut->full_name, dut_state_name(dut->state), job.id ? " job=" : "",
		 job.id ? job.id : "");
}

/* All jobs that are carried on are known before any new one starts; then what was edited meanwhile counts. */
static void restore_all(struct executord *ex, const cJSON *duts)
{
	size_t n = ex->registry.n_duts;
	struct dut **v = gw_calloc(n ? n : 1, sizeof(struct dut *));

	if (n)
		memcpy(v, ex->registry.duts, n * sizeof(struct dut *));
	for (size_t i = 0; i < n; i++) {
		const cJSON *kept = cJSON_GetObjectItemCaseSensitive(duts, v[i]->id);

		if (kept)
			restore(ex, v[i], kept);
		else
			dut_activate(v[i], "added while executord was away");
	}
	for (size_t i = 0; i < n; i++)
		dut_settle(v[i], "edited while executord was away");
	free(v);
}

static bool read_boot_id(struct state_store *store, struct gw_error *err)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool ok = file && fscanf(file, "%63s", store->boot_id) == 1;

	if (file)
		fclose(file);
	return ok || gw_fail(err, GW_UNREACHABLE, "/proc/sys/kernel/random/boot_id cannot be read");
}

bool state_store_start(struct executord *ex, struct gw_error *err)
{
	cJSON *all;

	ex->store.path = env_state_path(&ex->env, "executord/duts.json");
	if (!read_boot_id(&ex->store, err))
		return false;
	all = read_all(ex);
	discovery_restore(ex, cJSON_GetObjectItemCaseSensitive(all, "discovery"), all && same_boot(ex, all)); /* first: it holds a port */
	if (all && same_boot(ex, all)) {
		restore_all(ex, cJSON_GetObjectItemCaseSensitive(all, "duts"));
	} else {
		log_info("the gateway has booted: %zu machines begin anew", ex->registry.n_duts);
		for (size_t i = 0; i < ex->registry.n_duts; i++)
			dut_activate(ex->registry.duts[i], "the gateway has booted");
	}
	cJSON_Delete(all);
	ex->store.started = true;
	state_store_changed(ex);
	jobs_begin(ex);
	return true;
}
