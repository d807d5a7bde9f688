/* What an edit of the database would change, as the gateway tells it. */
#ifndef EXECUTORCTL_DB_EFFECTS_H
#define EXECUTORCTL_DB_EFFECTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>

/* Prints `changes` of the answer to POST database/check or GET database: a line an object, its fields and what would happen below it. */
void db_effects_print(const cJSON *answer, const char *name, bool colour);

#endif
