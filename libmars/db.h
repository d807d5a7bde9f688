/* What a struct mars_db holds. Internal to libmars. */
#ifndef LIBMARS_DB_H
#define LIBMARS_DB_H

#include "libmars/content.h"

struct mars_db {
	char *name; /* of the file, for messages: its last part */
	char *path; /* NULL: in memory only */
	struct mars_options options;
	struct content *content;
	char error[512];          /* why the file as it is now is not in use */
	int64_t loaded_at;        /* seconds since the epoch */
	bool busy;                /* a mars_job is under way */
	char *kept;               /* for mars_db_take_kept */
	struct mars_job *waiting; /* save.c: those that are asked and not begun */
};

/* Makes `content` (taken over) the database's; adds what differs to `changes`. */
void mars_db_replace(struct mars_db *db, struct content *content, struct mars_changes *changes);

void mars_db_add_kept(struct mars_db *db, const char *kept); /* NULL: nothing */

#endif
