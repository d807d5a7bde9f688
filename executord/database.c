#include "executord/database.h"

#include <stdio.h>
#include <stdlib.h>

#include "executord/executord.h"
#include "libgateway/log.h"
#include "libmars/reload.h"
#include "libmars/save.h"
#include "libmars/watch.h"

struct database_write {
	struct executord *ex;
	struct mars_job *job; /* owned until it is ended */
	char what[64];
	database_done *done;
	void *data;
	uv_work_t work;
	struct database_write *next;
};

static void write_next(struct executord *ex);

/* An admin's text that is not in the database is lost to him if nobody tells. */
static void tell_kept(struct mars_db *db)
{
	char *kept = mars_db_take_kept(db);

	if (kept)
		log_warning("two editors saved the database at the same moment, or one while a save was cut short; what is not in it is "
			    "kept: %s",
			    kept);
	free(kept);
}

static void take_changes(struct executord *ex, struct mars_changes *changes)
{
	const struct gw_errors *warnings = mars_db_warnings(ex->database.db);

	if (changes->n)
		for (size_t i = 0; i < warnings->n; i++)
			log_warning("%s", warnings->v[i].text);
	registry_apply_changes(ex, changes);
	mars_changes_finish(changes);
}

static void on_reload(uv_work_t *work)
{
	struct executord *ex = work->data;

	mars_reload_work(ex->database.reload);
}

static void reload(struct executord *ex);
static void settle(struct executord *ex);

/* One is over: the next, if there is one. They take turns: an editor that saves again and again cannot keep a write waiting, nor writes an
 * edit. */
static void after_reload(struct executord *ex)
{
	write_next(ex);
	if (ex->database.reload_due)
		reload(ex);
	settle(ex);
}

static void after_write(struct executord *ex)
{
	if (ex->database.reload_due)
		reload(ex);
	write_next(ex);
	settle(ex);
}

static void on_reloaded(uv_work_t *work, int status)
{
	struct executord *ex = work->data;
	struct database *d = &ex->database;
	struct mars_changes changes = {0};
	struct gw_errors errs = {0};
	bool ok = mars_reload_end(d->reload, &changes, &errs);

	d->reload = NULL;
	d->working = false;
	if (ex->loop.stopping && !d->watch) { /* database_finish waits */
		mars_changes_finish(&changes);
		gw_errors_finish(&errs);
		return;
	}
	for (size_t i = 1; !ok && i < errs.n; i++)
		log_error("%s", errs.v[i].text);
	if (!ok)
		log_error("%s", mars_db_error(d->db));
	take_changes(ex, &changes);
	events_database(ex);
	gw_errors_finish(&errs);
	after_reload(ex);
}

static void reload(struct executord *ex)
{
	struct database *d = &ex->database;

	d->reload_due = d->working;
	if (d->working)
		return;
	d->working = true;
	d->reload = mars_reload_begin(d->db);
	d->reload_work.data = ex;
	gw_assert(uv_queue_work(&ex->loop.uv, &d->reload_work, on_reload, on_reloaded) == 0);
}

void database_read_again(struct executord *ex)
{
	reload(ex);
}

struct mars_options database_options(const struct executord *ex)
{
	return (struct mars_options){.allow_insecure_urls = env_boolean(&ex->env, OPT_GITLAB_ALLOW_INSECURE),
				     .virtual_pdu = ex->settings.vpdu ? VPDU_NAME : NULL};
}

bool database_check(struct executord *ex, struct gw_error *err)
{
	struct mars_options options = database_options(ex);
	struct gw_errors errs = {0};
	struct mars_db *db = mars_db_read(env_text(&ex->env, OPT_MARS_DB_FILE), &options, &errs);
	bool ok;

	for (size_t i = 1; i < errs.n; i++)
		log_error("%s", errs.v[i].text);
	ok = gw_errors_none(&errs, err);
	gw_errors_finish(&errs);
	mars_db_destroy(db);
	return ok;
}

static void on_edited(void *data, int events)
{
	struct executord *ex = data;

	if (mars_watch_read(ex->database.watch))
		reload(ex);
}

static bool open_file(struct executord *ex, struct gw_error *err)
{
	struct mars_options options = database_options(ex);
	struct gw_errors errs = {0};
	const char *path = env_text(&ex->env, OPT_MARS_DB_FILE);
	bool ok;

	ex->database.last = &ex->database.first;
	ex->database.db = mars_db_open(path, &options, &errs);
	for (size_t i = 1; i < errs.n; i++)
		log_error("%s", errs.v[i].text);
	ok = gw_errors_none(&errs, err);
	gw_errors_finish(&errs);
	if (!ok)
		return false;
	for (size_t i = 0; i < mars_db_warnings(ex->database.db)->n; i++)
		log_warning("%s", mars_db_warnings(ex->database.db)->v[i].text);
	tell_kept(ex->database.db);
	return true;
}

bool database_start(struct executord *ex, struct gw_error *err)
{
	struct database *d = &ex->database;

	/* Watched first: an edit between the two is read twice rather than missed. */
	d->watch = mars_watch_create(env_text(&ex->env, OPT_MARS_DB_FILE), err);
	return d->watch && open_file(ex, err) && loop_fd_start(&ex->loop, &d->fd, mars_watch_fd(d->watch), UV_READABLE, on_edited, ex, err);
}

static void on_work(uv_work_t *work)
{
	struct database_write *w = work->data;

	mars_apply_work(w->job);
}

static void settle(struct executord *ex)
{
	struct database *d = &ex->database;
	void (*settled)(void *data) = d->settled;

	if (d->first || !settled)
		return;
	d->settled = NULL;
	settled(d->settled_data);
}

static void on_worked(uv_work_t *work, int status)
{
	struct database_write *w = work->data;
	struct executord *ex = w->ex;
	struct database *d = &ex->database;
	struct mars_changes changes = {0};
	struct gw_error err = {0};

	mars_apply_end(w->job, &changes, &err);
	tell_kept(d->db);
	d->working = false;
	d->first = w->next;
	if (!d->first)
		d->last = &d->first;
	if (ex->loop.stopping && !d->watch) { /* database_finish waits */
		mars_changes_finish(&changes);
		free(w);
		return;
	}
	take_changes(ex, &changes);
	if (w->done)
		w->done(w->data, &err);
	else if (err.kind != GW_OK)
		log_failure(w->what, &err);
	free(w);
	after_write(ex);
}

static void write_next(struct executord *ex)
{
	struct database *d = &ex->database;
	struct database_write *w = d->first;

	if (!w || d->working)
		return;
	d->working = true;
	mars_apply_begin(w->job);
	w->work.data = w;
	gw_assert(uv_queue_work(&ex->loop.uv, &w->work, on_work, on_worked) == 0);
}

void database_write(struct executord *ex, const struct mars_edit *edits, size_t n, const char *what, database_done *done, void *data)
{
	struct database_write *w = gw_calloc(1, sizeof(*w));

	w->ex = ex;
	w->job = mars_apply_ask(ex->database.db, edits, n);
	snprintf(w->what, sizeof(w->what), "%s", what);
	w->done = done;
	w->data = data;
	*ex->database.last = w;
	ex->database.last = &w->next;
	write_next(ex);
}

void database_forget(struct executord *ex, const void *data)
{
	for (struct database_write *w = ex->database.first; w; w = w->next)
		if (w->data == data)
			w->done = NULL;
}

void database_settle(struct executord *ex, void (*settled)(void *data), void *data)
{
	ex->database.settled = settled;
	ex->database.settled_data = data;
	settle(ex);
}

void database_finish(struct executord *ex)
{
	struct database *d = &ex->database;

	loop_fd_finish(&d->fd);
	mars_watch_destroy(d->watch);
	d->watch = NULL;
	ex->loop.stopping = true;
	while (d->working || d->comparing)
		uv_run(&ex->loop.uv, UV_RUN_ONCE);
	while (d->first) {
		struct database_write *w = d->first;

		d->first = w->next;
		log_warning("%s: not written, since executord stops", w->what);
		mars_apply_cancel(w->job);
		free(w);
	}
	mars_db_destroy(d->db);
	d->db = NULL;
}

struct mars_edit database_set(const char *section, const char *name, const char *field, struct mars_value value)
{
	return (struct mars_edit){.op = MARS_SET, .path = {section, name, field}, .value = value, .existing = 2};
}

bool database_reserves(const struct mars_db *db, const char *pdu, const char *port)
{
	const struct mars_pdu *mars = mars_db_find_pdu(db, pdu);

	return mars && mars_pdu_port_reserved(mars, port);
}
