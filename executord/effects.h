/* What an edit of the database would lead to, said before it counts: for `executorctl db check` and `db diff`. Nothing is done here. */
#ifndef EXECUTORD_EFFECTS_H
#define EXECUTORD_EFFECTS_H

#include <cjson/cJSON.h>

#include "libmars/marsdb.h"

struct executord;

/* [{"what","kind","name","fields":[{"name","loaded","file"}],"effects":["..."]}]: a row a change from what is loaded to `after`. Values of
 * fields that are or may hold secrets are left out (field_changes.h). The caller deletes it. */
cJSON *effects_json(struct executord *ex, const struct mars_db *after, const struct mars_changes *changes);

#endif
