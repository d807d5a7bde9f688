/* Watching the database's file for edits, by whatever means an editor saves, and taking them in.
 *
 * Editors rename over the file: the directory is watched, not the file; with a symlink, the directory of its target too, whether there is
 * one or not.
 */
#ifndef LIBMARS_WATCH_H
#define LIBMARS_WATCH_H

#include "libmars/marsdb.h"

struct mars_watch;
struct mars_watch *mars_watch_create(const char *path, struct gw_error *err);
void mars_watch_destroy(struct mars_watch *watch); /* accepts NULL */
int mars_watch_fd(const struct mars_watch *watch); /* poll it for reading; owned by the watch */
/* Takes what is pending, without blocking. True if the file may have changed: it was written and closed, moved in or away, or deleted. A
 * file still being written does not count until it is closed. Our own saves count too: a reload then finds nothing new. */
bool mars_watch_read(struct mars_watch *watch);

/* Reads the file again. True: it is the content in memory now, `changes` has what differs (nothing, if it is the same; or if somebody has
 * it open for writing: then it is read once that is closed). False: it is not valid or not there; nothing changed, the errors are in
 * `errs`, and mars_db_error has the first with the time of the content that stays in use. */
bool mars_db_reload(struct mars_db *db, struct mars_changes *changes, struct gw_errors *errs);

/* The same in three, as save.h has it for edits: `work` may run on another thread while the owner keeps reading the database. Until `end`,
 * which frees it, neither an edit nor another reload may begin. */
struct mars_reload;
struct mars_reload *mars_reload_begin(struct mars_db *db);
void mars_reload_work(struct mars_reload *reload);
bool mars_reload_end(struct mars_reload *reload, struct mars_changes *changes, struct gw_errors *errs);

#endif
