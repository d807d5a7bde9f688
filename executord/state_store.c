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

/* ---- what is to be saved ---- */

static void drop_due(struct state_store *store)
{
	for (size_t i = 0; i < store->n_due; i++)
		free(store->due_ids[i]);
	free(store->due_ids);
	store->due_ids = NULL;
	store->n_due = 0;
	store->all_due = store->discovery_due = false;
}

static cJSON *with_name(const char *name)
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "journal", name);
	return json;
}

static char *print_and_free(cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	return text;
}

static char *print_all(struct executord *ex)
{
	cJSON *all, *duts = cJSON_CreateObject();

	file_make_version(ex->store.name);
	all = with_name(ex->store.name);
	cJSON_AddNumberToObject(all, "version", 1);
	cJSON_AddStringToObject(all, "boot_id", ex->store.boot_id);
	for (size_t i = 0; i < ex->registry.n_duts; i++) {
		ex->registry.duts[i]->save_due = false;
		cJSON_AddItemToObject(duts, ex->registry.duts[i]->id, state_store_encode(ex->registry.duts[i]));
	}
	cJSON_AddItemToObject(all, "duts", duts);
	if (ex->discovery.phase != DISCOVERY_NONE)
		cJSON_AddItemToObject(all, "discovery", discovery_encode(&ex->discovery));
	return print_and_free(all);
}

static cJSON *encode_due(struct executord *ex, const char *id)
{
	struct dut *dut = registry_dut(ex, id);

	if (!dut)
		return cJSON_CreateNull();
	dut->save_due = false;
	return state_store_encode(dut);
}

static char *print_line(struct executord *ex)
{
	struct state_store *store = &ex->store;
	cJSON *line = with_name(store->name), *duts = cJSON_CreateObject();
	char *text, *ended;

	for (size_t i = 0; i < store->n_due; i++)
		cJSON_AddItemToObject(duts, store->due_ids[i], encode_due(ex, store->due_ids[i]));
	cJSON_AddItemToObject(line, "duts", duts);
	if (store->discovery_due)
		cJSON_AddItemToObject(line, "discovery",
				      ex->discovery.phase == DISCOVERY_NONE ? cJSON_CreateNull() : discovery_encode(&ex->discovery));
	text = print_and_free(line);
	ended = gw_sprintf("%s\n", text);
	free(text);
	return ended;
}

/* Then it costs little more than a line. A journal as long as duts.json costs a start twice the time. */
static bool better_anew(const struct executord *ex)
{
	const struct state_store *store = &ex->store;

	return store->all_due || store->n_due * 4 >= ex->registry.n_duts || store->journal_bytes > store->bytes;
}

/* ---- saving ---- */

struct save {
	uv_work_t work;
	struct executord *ex;
	bool anew;                   /* duts.json; else a line of the journal */
	bool first;                  /* of that journal */
	char *path, *journal, *text; /* owned */
	struct gw_error err;
};

static struct save *prepare(struct executord *ex)
{
	struct state_store *store = &ex->store;
	struct save *save = gw_calloc(1, sizeof(*save));

	*save = (struct save){.ex = ex, .anew = better_anew(ex), .first = !store->journal_bytes};
	save->path = gw_strdup(store->path);
	save->journal = gw_strdup(store->journal);
	save->text = save->anew ? print_all(ex) : print_line(ex);
	if (save->anew) {
		store->bytes = strlen(save->text);
		store->journal_bytes = 0;
	} else {
		store->journal_bytes += strlen(save->text);
	}
	drop_due(store);
	store->dirty = false;
	return save;
}

static void write_out(struct save *save)
{
	if (!save->anew)
		file_append(save->journal, save->text, strlen(save->text), 0600, save->first, &save->err);
	else if (file_save(save->path, save->text, strlen(save->text), 0600, &save->err))
		file_remove(save->journal, NULL); /* its lines do not count any more: no harm if it stays */
}

static void on_work(uv_work_t *work)
{
	write_out(work->data);
}

static void report(struct state_store *store, const struct gw_error *err)
{
	if (err->kind != GW_OK && !store->failing)
		log_error("states are not kept over a restart: %s", err->text);
	else if (err->kind == GW_OK && store->failing)
		log_info("states are kept over a restart again");
	store->failing = err->kind != GW_OK;
	store->all_due |= store->failing; /* what was to be written is not known any more, nor what the files have */
}

static void release(struct save *save)
{
	free(save->path);
	free(save->journal);
	free(save->text);
	free(save);
}

static void save_now(struct executord *ex);

static void on_saved(uv_work_t *work, int status)
{
	struct save *save = work->data;
	struct executord *ex = save->ex;

	report(&ex->store, &save->err);
	release(save);
	ex->store.saving = false;
	tell(&ex->store.being_saved);
	if (ex->store.dirty && ex->store.started && !ex->store.saving)
		save_now(ex);
}

static void save_now(struct executord *ex)
{
	struct save *save = prepare(ex);

	ex->store.saving = true;
	*end_of(&ex->store.being_saved) = ex->store.waiting;
	ex->store.waiting = NULL;
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

static void changed(struct executord *ex)
{
	ex->store.dirty = true;
	if (ex->store.started && !ex->store.saving)
		loop_timer_start(&ex->loop, &ex->store.due, 0, on_due, ex);
}

void state_store_dut_changed(struct dut *dut)
{
	struct state_store *store = &dut->ex->store;

	if (store->started && !dut->save_due) { /* before, all are due */
		dut->save_due = true;
		store->due_ids = gw_realloc(store->due_ids, (store->n_due + 1) * sizeof(char *));
		store->due_ids[store->n_due++] = gw_strdup(dut->id);
	}
	changed(dut->ex);
}

void state_store_discovery_changed(struct executord *ex)
{
	ex->store.discovery_due = true;
	changed(ex);
}

void state_store_finish(struct executord *ex)
{
	struct state_store *store = &ex->store;
	struct save *save;

	loop_timer_finish(&store->due);
	while (store->saving)
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
	store->started = false;
	if ((store->dirty || store->journal_bytes) && store->path) { /* the next start has one file to read */
		store->all_due = true;
		save = prepare(ex);
		write_out(save);
		if (save->err.kind != GW_OK)
			log_failure("the machines' states", &save->err);
		release(save);
	}
	tell(&store->being_saved);
	tell(&store->waiting);
	drop_due(store);
	free(store->path);
	free(store->journal);
	*store = (struct state_store){0};
}

/* ---- starting ---- */

static char *read_file(const char *path, size_t *len, struct gw_error *err)
{
	char *text = file_read(path, FILE_MAX, len, err);

	if (!text && err->kind != GW_NOT_FOUND)
		log_error("%s; what it has is not known", err->text);
	return text;
}

static cJSON *read_all(struct executord *ex)
{
	struct gw_error err = {0};
	size_t len = 0;
	char *text = read_file(ex->store.path, &len, &err);
	cJSON *all = text ? json_decode(text, len, &err) : NULL;

	if (text && !all)
		log_error("%s: %s; the machines begin anew", ex->store.path, err.text);
	free(text);
	return all;
}

static void read_kept(struct executord *ex, struct kept *kept)
{
	struct gw_error err = {0};
	size_t len = 0, used;
	char *journal = read_file(ex->store.journal, &len, &err);

	used = kept_read(kept, read_all(ex), journal, len);
	if (used < len)
		log_warning("%s: its end, from byte %zu of %zu, was not written out and does not count", ex->store.journal, used, len);
	free(journal);
}

static bool same_boot(const struct executord *ex, const cJSON *all)
{
	const char *boot_id = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(all, "boot_id"));

	return boot_id && strcmp(boot_id, ex->store.boot_id) == 0;
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
static void restore_all(struct executord *ex, const struct kept *all)
{
	size_t n = ex->registry.n_duts;
	struct dut **v = gw_calloc(n ? n : 1, sizeof(struct dut *));

	if (n)
		memcpy(v, ex->registry.duts, n * sizeof(struct dut *));
	for (size_t i = 0; i < n; i++) {
		const cJSON *kept = kept_dut(all, v[i]->id);

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

static void begin_anew(struct executord *ex)
{
	log_info("the gateway has booted: %zu machines begin anew", ex->registry.n_duts);
	for (size_t i = 0; i < ex->registry.n_duts; i++)
		dut_activate(ex->registry.duts[i], "the gateway has booted");
}

bool state_store_start(struct executord *ex, struct gw_error *err)
{
	struct kept kept;
	bool goes_on;

	ex->store.path = env_state_path(&ex->env, "executord/duts.json");
	ex->store.journal = env_state_path(&ex->env, "executord/duts.journal");
	if (!read_boot_id(&ex->store, err))
		return false;
	read_kept(ex, &kept);
	goes_on = kept.all && same_boot(ex, kept.all);
	discovery_restore(ex, kept.discovery, goes_on); /* first: it holds a port */
	if (goes_on)
		restore_all(ex, &kept);
	else
		begin_anew(ex);
	kept_finish(&kept);
	ex->store.started = true;
	ex->store.all_due = true;
	changed(ex);
	jobs_begin(ex);
	return true;
}
