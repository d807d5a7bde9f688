/* How the list is kept on the disk: removals.json has all of it; removals.journal what has changed since that was written, so that a
 * runner costs a line and not the list. Its first line names the removals.json that it belongs to, then each change has one:
 *
 *   {"journal": "NAME"}
 *   {"add": {"url", "token", "runner_id", "description"}}
 *   {"gone": {"url", "token"}}
 *   {"instance": {"name", "url"}}
 *
 * Whenever we are killed both are usable: removals.json is replaced as a whole, under a new name, by which the lines of the one before
 * mean nothing any more; a last line that was not written to its end does not count, since nothing was built on it. removals.c's alone. */
#ifndef GITLABD_REMOVALS_JOURNAL_H
#define GITLABD_REMOVALS_JOURNAL_H

#include "gitlabd/removals.h"

#define REMOVALS_JOURNAL_MIN (64U << 10) /* bytes: removals.json is not written anew before it is as long, and as that is */

/* Noted for the next save. */
void removals_note_add(struct removals *removals, const struct removal *removal);
void removals_note_gone(struct removals *removals, const struct removal *removal);
void removals_note_place(struct removals *removals, const struct place *place);

/* All that changed is on the disk, or false and why: then the next one writes all of it. */
bool removals_write(struct removals *removals, struct gw_error *err);
/* Puts the journal that belongs to the list that was read upon it. */
bool removals_load_journal(struct removals *removals, struct gw_error *err);
void removals_journal_finish(struct removals *removals);

#endif
