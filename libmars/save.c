/* The edits of a batch into the file: read it as it is now, edit, check, exchange, and again if somebody was faster. */
#include "libmars/save.h"

#include "libmars/content_edit.h"
#include "libmars/db.h"
#include "libmars/edit_copy.h"
#include "libmars/exchange.h"
#include "libmars/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 64 /* each lost to an editor that saved in that very moment */

struct view {                           /* what authors of edits that wait for their turn see */
	struct content *before, *after; /* held; after: with this job's edits; NULL: these could not be made there */
};

struct mars_job {
	struct mars_db *db;    /* never touched by work */
	struct mars_job *next; /* in db->waiting */
	char *name, *path;
	struct mars_options options;
	struct content *seen; /* what the edits' author saw */
	struct mars_edit *edits;
	size_t n;
	struct view *views; /* from begin on: each once */
	size_t n_views;
	struct content *outcome; /* NULL: it failed */
	char *kept;              /* as mars_db_take_kept has it */
	struct gw_error err;
};

/* --- Asking ------------------------------------------------------------------------------------------------------------------------- */

struct mars_job *mars_apply_ask(struct mars_db *db, const struct mars_edit *edits, size_t n)
{
	struct mars_job *job = gw_calloc(1, sizeof(*job));

	job->db = db;
	job->name = gw_strdup(db->name);
	job->path = gw_strdup(db->path);
	job->options = db->options;
	job->seen = content_hold(db->content);
	job->edits = edits_copy(edits, n);
	job->n = n;
	job->next = db->waiting;
	db->waiting = job;
	return job;
}

static void job_destroy(struct mars_job *job)
{
	for (size_t i = 0; i < job->n_views; i++) {
		content_release(job->views[i].before);
		content_release(job->views[i].after);
	}
	free(job->views);
	edits_free(job->edits, job->n);
	content_release(job->seen);
	content_release(job->outcome);
	free(job->name);
	free(job->path);
	free(job->kept);
	free(job);
}

static void stop_waiting(struct mars_job *job)
{
	struct mars_job **at = &job->db->waiting;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
}

void mars_apply_cancel(struct mars_job *job)
{
	stop_waiting(job);
	job_destroy(job);
}

/* --- What others have seen ------------------------------------------------------------------------------------------------------------
 *
 * An edit conflicts with what an admin changed since its author looked, never with what the gateway itself changed: so what is saved counts
 * as seen by those who wait, and just that: not the admin's edits that were merged on the way. */

static struct view *view_of(struct mars_job *job, const struct content *seen)
{
	for (size_t i = 0; i < job->n_views; i++)
		if (job->views[i].before == seen)
			return &job->views[i];
	return NULL;
}

static void add_view(struct mars_job *job, struct content *seen)
{
	if (view_of(job, seen))
		return;
	job->views = gw_realloc(job->views, (job->n_views + 1) * sizeof(*job->views));
	job->views[job->n_views++] = (struct view){.before = content_hold(seen)};
}

void mars_apply_begin(struct mars_job *job)
{
	struct mars_db *db = job->db;

	gw_assert(!db->busy);
	db->busy = true;
	stop_waiting(job);
	add_view(job, db->content); /* what is asked until the end sees this */
	for (struct mars_job *other = db->waiting; other; other = other->next)
		add_view(job, other->seen);
}

static void look_again(struct mars_job *job, struct content *base, struct content *outcome)
{
	for (size_t i = 0; i < job->n_views; i++) {
		struct view *view = &job->views[i];
		struct gw_error err = {0};

		view->after = view->before == base ? content_hold(outcome)
						   : content_edit(view->before, job->name, &job->options, job->edits, job->n, &err);
	}
}

static void tell_waiting(struct mars_job *job)
{
	for (struct mars_job *other = job->db->waiting; other; other = other->next) {
		struct view *view = view_of(job, other->seen);

		if (!view || !view->after)
			continue;
		content_release(other->seen);
		other->seen = content_hold(view->after);
	}
}

/* --- One round ---------------------------------------------------------------------------------------------------------------------- */

/* The file as it is now, held; *exists says whether there is one. NULL with the reason. */
static struct content *read_base(struct mars_job *job, bool *exists)
{
	struct gw_errors errs = {0};
	struct content *base;
	size_t len = job->seen->len;
	char *text = job->path ? mars_file_read(job->path, &len, &job->err) : NULL;

	*exists = text != NULL;
	if (!job->path)
		return content_hold(job->seen);
	if (!text && (job->err.kind != GW_NOT_FOUND || job->seen->len)) {
		gw_context(&job->err, "nothing was written");
		if (job->err.kind == GW_NOT_FOUND)
			job->err.kind = GW_UNREACHABLE;
		else if (job->err.kind == GW_BAD_INPUT) /* the file, not the edit */
			job->err.kind = GW_BUSY;
		return NULL;
	}
	if (!text || (len == job->seen->len && memcmp(text, job->seen->text, len) == 0)) {
		free(text);
		return content_hold(job->seen);
	}
	base = content_create_again(text, len, job->name, &job->options, job->seen, &errs);
	if (!base && !gw_errors_none(&errs, &job->err)) {
		gw_context(&job->err, "the file as it is now is not valid, so nothing was written");
		job->err.kind = GW_BUSY; /* once the file is put right, the edit goes */
	}
	gw_errors_finish(&errs);
	return base;
}

static bool still_agree(struct mars_job *job, const struct content *base)
{
	for (size_t i = 0; base != job->seen && i < job->n; i++)
		if (!job->edits[i].over_others && content_disagree(job->seen, base, &job->edits[i]))
			return gw_fail(&job->err, GW_BUSY, "%s: this was changed in the file meanwhile; nothing was written",
				       job->edits[i].path[1] ? job->edits[i].path[1] : job->edits[i].path[0]);
	return true;
}

static struct content *make_outcome(struct mars_job *job, struct content *base)
{
	return still_agree(job, base) ? content_edit(base, job->name, &job->options, job->edits, job->n, &job->err) : NULL;
}

/* True: the job is done, well or not. */
static bool one_round(struct mars_job *job)
{
	bool exists;
	struct content *base = read_base(job, &exists), *outcome = base ? make_outcome(job, base) : NULL;
	enum exchange_outcome exchanged = outcome ? EXCHANGE_SAVED : EXCHANGE_FAILED;

	if (outcome && outcome != base && job->path)
		exchanged = mars_exchange(job->path, exists ? base->text : NULL, base->len, outcome->text, outcome->len, &job->kept,
					  &job->err);
	if (exchanged == EXCHANGE_SAVED)
		look_again(job, base, outcome);
	content_release(base);
	if (exchanged == EXCHANGE_SAVED) {
		job->outcome = outcome;
		job->err = (struct gw_error){0};
		return true;
	}
	content_release(outcome);
	return exchanged == EXCHANGE_FAILED;
}

void mars_apply_work(struct mars_job *job)
{
	for (int i = 0; i < ROUNDS; i++)
		if (one_round(job))
			return;
	gw_fail(&job->err, GW_BUSY, "%s is saved by others all the time; nothing was written", job->name);
}

bool mars_apply_end(struct mars_job *job, struct mars_changes *changes, struct gw_error *err)
{
	bool ok = job->outcome != NULL;

	job->db->busy = false;
	mars_db_add_kept(job->db, job->kept);
	if (ok) {
		tell_waiting(job);
		mars_db_replace(job->db, job->outcome, changes);
		job->outcome = NULL;
	} else if (err) {
		*err = job->err;
	}
	job_destroy(job);
	return ok;
}

bool mars_db_apply(struct mars_db *db, const struct mars_edit *edits, size_t n, struct mars_changes *changes, struct gw_error *err)
{
	struct mars_job *job = mars_apply_ask(db, edits, n);

	mars_apply_begin(job);
	mars_apply_work(job);
	return mars_apply_end(job, changes, err);
}

bool mars_db_is_busy(const struct mars_db *db)
{
	return db->busy;
}
