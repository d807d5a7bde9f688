/* Taking in what an admin made of the database's file (watch.h says when). */
#ifndef LIBMARS_RELOAD_H
#define LIBMARS_RELOAD_H

#include "libmars/marsdb.h"

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
