/* Which GitLab runners an edit of the database makes necessary, to register or to remove: their description (by base_name), set of tags and
 * maximum_timeout are fixed at registration. Pure. */
#ifndef EXECUTORD_RUNNER_EFFECTS_H
#define EXECUTORD_RUNNER_EFFECTS_H

#include <cjson/cJSON.h>

#include "libmars/marsdb.h"

/* Each adds a text an effect to `list`. `old` or `new` is NULL where there is none. */
void runner_effects_of_dut(cJSON *list, const struct mars_db *before, const struct mars_db *after, const struct mars_dut *old,
			   const struct mars_dut *new);
void runner_effects_of_instance(cJSON *list, const struct mars_db *before, const struct mars_db *after, const char *name);

#endif
