/* The parts of a save, which exchange.h describes. */
#ifndef LIBMARS_EXCHANGE_INTERNAL_H
#define LIBMARS_EXCHANGE_INTERNAL_H

#include <limits.h>
#include <sys/stat.h>
#include <time.h>

#include "libmars/exchange.h"

/* --- exchange_place.c: the names ------------------------------------------------------------------------------------------------------ */

struct place {
	int dir;        /* the directory of the file itself, symlinks followed */
	char name[256]; /* in it */
	char temp[300]; /* likewise: ".NAME.new" */
	char temp_path[PATH_MAX + 320];
	const char *path; /* as given, for messages */
	char *kept;       /* owned: what place_keep kept, for a message; NULL: nothing */
};
bool place_init(struct place *place, const char *path, struct gw_error *err); /* the file need not exist, its directory must */
void place_finish(struct place *place);
bool place_swap(struct place *place); /* false: errno */
/* 0: there is none. */
ino_t place_temp_inode(struct place *place);
ino_t place_name_inode(struct place *place);
/* What has `name` gets the name NAME.kept-N, too, or instead of it (`moved`). */
bool place_keep(struct place *place, const char *name, bool moved);
void place_find_kept(struct place *place); /* `kept` is all that is kept there, also by one that was killed before it could tell */

/* --- exchange_new.c: the new file ----------------------------------------------------------------------------------------------------- */

struct fresh {
	int fd; /* for writing */
	mode_t mode;
	ino_t inode;
	struct timespec written; /* when we did, as the file has it */
	bool leased;             /* nobody else has it open, and who opens it waits for us */
};
bool fresh_write(struct fresh *fresh, struct place *place, const char *text, size_t len, struct gw_error *err); /* false: nothing is left */
void fresh_lease(struct fresh *fresh);
bool fresh_is_touched(const struct fresh *fresh); /* somebody wrote to it, or may be about to */
int fresh_waits(const struct fresh *fresh);       /* somebody waits to open it, for O_RDONLY or to write (O_WRONLY); -1: nobody */
/* Once it has the name: a file that a start leaves alone, durably. `old`: what had the name; -1: there was none. */
bool fresh_settle(struct fresh *fresh, struct place *place, int old, struct gw_error *err);
/* Holds what is in `from`, which has the name, with its owner, mode and attributes; durably. */
bool fresh_refill(struct fresh *fresh, struct place *place, int from);
bool is_as_we_wrote_it(const struct stat *st); /* before it was settled */
bool is_later(const struct timespec *a, const struct timespec *b);

/* --- exchange.c: the old file --------------------------------------------------------------------------------------------------------- */

struct old {
	int fd; /* for reading; -1: none */
	bool leased;
	ino_t inode;
	const char *base; /* what it has to hold */
	size_t base_len;
};
bool old_is_base(const struct old *old, struct place *place, struct gw_error *err); /* false without an error: it holds something else */
bool old_waits(const struct old *old); /* somebody opened it by its name when it still had it, and writes once the lease ends */

/* --- exchange_undo.c, exchange_recover.c ---------------------------------------------------------------------------------------------- */

void exchange_undo(struct place *place, struct fresh *fresh, struct old *old);
bool exchange_recover(struct place *place, struct gw_error *err);

#endif
