/* Which machines have another full name after an edit of the database: a base_name or date of one counts the others anew. */
#ifndef EXECUTORD_NAME_EFFECTS_H
#define EXECUTORD_NAME_EFFECTS_H

#include <cjson/cJSON.h>

#include "libmars/marsdb.h"

struct executord;
struct renaming;

struct name_effects {
	struct renaming *v; /* owned; sorted by id */
	size_t n;
	struct renaming **others; /* owned; of v, those that the edit does not touch itself, by base name */
	size_t n_others;
};

/* `after` and the executord's database are borrowed until the end. */
void name_effects_start(struct name_effects *names, struct executord *ex, const struct mars_db *after, const struct mars_changes *changes);
void name_effects_finish(struct name_effects *names);
/* Adds a text for each name that changes by the change of this DUT: its own, and once those of others. `old` or `new`: NULL if there is
 * none. */
void name_effects_of_dut(cJSON *list, struct name_effects *names, const char *id, const struct mars_dut *old, const struct mars_dut *new);

#endif
