#include "libmars/reload.h"

#include "libmars/db.h"
#include "libmars/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void keep_last_good(struct mars_db *db, const struct gw_errors *errs)
{
	struct gw_error first = {0};
	struct tm tm;
	char when[32];
	bool asks; /* "did you mean ...?" */
	time_t at = (time_t)db->loaded_at;

	gw_errors_none(errs, &first);
	asks = first.text[0] && first.text[strlen(first.text) - 1] == '?';
	localtime_r(&at, &tm);
	strftime(when, sizeof(when), "%H:%M:%S", &tm);
	snprintf(db->error, sizeof(db->error), "%.440s%s The database read at %s stays in use.", first.text, asks ? "" : ".", when);
}

struct mars_reload {
	struct mars_db *db; /* only begin and end touch it */
	char *name, *path;
	struct mars_options options;
	struct content *before, *outcome; /* outcome: `before` again if nothing has changed; NULL: not valid */
	bool unsettled;                   /* it is being written: nothing is known of it until its writer closes it, which is seen */
	struct gw_errors errs;
};

struct mars_reload *mars_reload_begin(struct mars_db *db)
{
	struct mars_reload *reload = gw_calloc(1, sizeof(*reload));

	gw_assert(db->path && !db->busy);
	db->busy = true;
	reload->db = db;
	reload->name = gw_strdup(db->name);
	reload->path = gw_strdup(db->path);
	reload->options = db->options;
	reload->before = content_hold(db->content);
	return reload;
}

void mars_reload_work(struct mars_reload *reload)
{
	struct content *before = reload->before;
	struct gw_error err = {0};
	size_t len;
	char *text = mars_file_read_settled(reload->path, &len, &err);

	reload->unsettled = !text && err.kind == GW_OK;
	if (reload->unsettled) {
		reload->outcome = content_hold(before);
	} else if (!text) {
		gw_errors_add(&reload->errs, err.kind, "%s", err.text);
	} else if (len == before->len && memcmp(text, before->text, len) == 0) {
		free(text);
		reload->outcome = content_hold(before);
	} else {
		reload->outcome = content_create_again(text, len, reload->name, &reload->options, before, &reload->errs);
	}
}

static void hand_errors(struct gw_errors *from, struct gw_errors *to)
{
	for (size_t i = 0; i < from->n; i++)
		gw_errors_add(to, from->v[i].kind, "%s", from->v[i].text);
	to->left_out += from->left_out;
}

bool mars_reload_end(struct mars_reload *reload, struct mars_changes *changes, struct gw_errors *errs)
{
	struct mars_db *db = reload->db;
	bool ok = reload->outcome != NULL;

	db->busy = false;
	hand_errors(&reload->errs, errs);
	if (!ok)
		keep_last_good(db, &reload->errs);
	else if (reload->unsettled)
		; /* what was wrong with it, if anything, still is */
	else if (reload->outcome == db->content)
		db->error[0] = '\0';
	else
		mars_db_replace(db, content_hold(reload->outcome), changes);
	content_release(reload->outcome);
	content_release(reload->before);
	gw_errors_finish(&reload->errs);
	free(reload->name);
	free(reload->path);
	free(reload);
	return ok;
}

bool mars_db_reload(struct mars_db *db, struct mars_changes *changes, struct gw_errors *errs)
{
	struct mars_reload *reload = mars_reload_begin(db);

	mars_reload_work(reload);
	return mars_reload_end(reload, changes, errs);
}
