/* Saving edits, so that neither ours nor an admin's is ever lost: the new text is exchanged with the file (RENAME_EXCHANGE), and what came
 * out is looked at before it is unlinked. exchange.h has the steps, and what each protects from.
 *
 * mars_db_apply blocks (fsync): a daemon runs it as begin (its loop), work (a pool's thread), end (its loop). One at a time per database.
 */
#ifndef LIBMARS_SAVE_H
#define LIBMARS_SAVE_H

#include "libmars/edit.h"
#include "libmars/marsdb.h"

/* The edits go into the file as it is now, are checked, saved and durable; then the outcome is the content in memory, and `changes` has
 * what differs (the admin's edits found on the way included). False: file and memory are as before. GW_BAD_INPUT: the outcome is not valid;
 * GW_BUSY: the file as an admin left it is not valid, a value to set was changed meanwhile, or somebody keeps the file open for writing;
 * GW_NO_SPACE, GW_UNREACHABLE: the disk. A database without a file (mars_db_parse) is edited in memory. */
bool mars_db_apply(struct mars_db *db, const struct mars_edit *edits, size_t n, struct mars_changes *changes, struct gw_error *err);

/* The same in steps, for who must wait for its turn. `ask` copies the edits and notes what their author sees: the content in memory,
 * against which GW_BUSY is decided even if a reload comes first. Any number may be asked; what one of them changes the others have seen,
 * too. `begin` when it is its turn; `work` may run on another thread while the owner keeps reading the database; `end` frees the job.
 * Between begin and end no other apply nor reload may begin: mars_db_is_busy says so. `cancel`: instead of begin. */
struct mars_job;
struct mars_job *mars_apply_ask(struct mars_db *db, const struct mars_edit *edits, size_t n);
void mars_apply_begin(struct mars_job *job);
void mars_apply_work(struct mars_job *job);
bool mars_apply_end(struct mars_job *job, struct mars_changes *changes, struct gw_error *err);
void mars_apply_cancel(struct mars_job *job);
bool mars_db_is_busy(const struct mars_db *db);

/* The files that hold what editors saved at the same moment as others, or beside a save of ours that was killed, where the database could
 * not have both: paths with ", " between them, for an admin to look into; NULL: none. Told once: the caller frees it. After mars_db_open,
 * mars_db_apply and mars_apply_end. */
char *mars_db_take_kept(struct mars_db *db);

#endif
