/* mars_db.yaml: loaded at start, read again at each edit and written through a queue, both on the loop's thread pool, one at a time.
 *
 * What differs afterwards, whoever changed it, goes to registry_apply_changes. Loop thread only. */
#ifndef EXECUTORD_DATABASE_H
#define EXECUTORD_DATABASE_H

#include "libgateway/error.h"
#include "libgateway/loop.h"
#include "libmars/edit.h"
#include "libmars/marsdb.h"

struct executord;
struct database_write;

struct database {
	struct mars_db *db; /* owned */
	struct mars_watch *watch;
	struct loop_fd fd;
	struct database_write *first, **last; /* queue; the first is under way while `working` without a reload */
	bool working;                         /* a write or a reload is under way */
	struct mars_reload *reload;           /* while it is */
	uv_work_t reload_work;
	int comparing;               /* rest_database.c: how many are under way */
	bool reload_due;             /* the file changed while one was under way */
	void (*settled)(void *data); /* of database_settle; NULL: nobody waits */
	void *settled_data;
};

struct mars_options database_options(const struct executord *ex); /* what its validation depends on */
/* --check: validates alone, never writing. Each error but the first is logged; `err` gets that. */
bool database_check(struct executord *ex, struct gw_error *err);
/* A file that does not validate is an error here, while later it changes nothing. */
bool database_start(struct executord *ex, struct gw_error *err); /* watches for edits */
void database_read_again(struct executord *ex);                  /* SIGHUP */
/* `settled` runs once all writes are done, maybe inside the call: a stop loses none. */
void database_settle(struct executord *ex, void (*settled)(void *data), void *data);
void database_finish(struct executord *ex); /* waits for the write that is under way; drops the others */

/* They take turns: after a reload a write, after a write a reload. A value that an admin changed since database_write was called stays the
 * admin's: GW_BUSY.
 *
 * Edits that are durable when `done` runs (once, from the loop, never inside this call), with what changed already applied; or `err` says
 * why file and memory are as before. `edits` are copied. `done` may be NULL: a failure is then logged with `what`. */
typedef void database_done(void *data, const struct gw_error *err);
void database_write(struct executord *ex, const struct mars_edit *edits, size_t n, const char *what, database_done *done, void *data);
/* No `done` with this data will run any more. */
void database_forget(struct executord *ex, const void *data);

/* Whether the file reserves the port. */
bool database_reserves(const struct mars_db *db, const char *pdu, const char *port);

/* The usual edits: {"duts", ID, field} = value. Refused (GW_NOT_FOUND) if the entry is not there any more once it is their turn: it was
 * removed, and what came of its life must not make it again. */
struct mars_edit database_set(const char *section, const char *name, const char *field, struct mars_value value);

#endif
