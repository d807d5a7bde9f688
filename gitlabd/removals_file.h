/* removals.json: {"version": 1, "journal": NAME, "instances": [{"name", "url"}], "runners": [{"url", "token", "runner_id",
 * "description"}]}; one of before has no instances, or no journal. removals.c's and removals_journal.c's alone. */
#ifndef GITLABD_REMOVALS_FILE_H
#define GITLABD_REMOVALS_FILE_H

#include <cjson/cJSON.h>

#include "gitlabd/removals.h"

#define REMOVALS_FILE_MAX (64U << 20) /* bytes */

char *removals_encode(const struct removals *removals); /* the caller frees */
/* Puts what the text has on the lists. False with GW_BAD_INPUT that names the place. */
bool removals_decode(struct removals *removals, const char *text, size_t len, struct gw_error *err);
/* A file that does not parse is set aside as removals.json.bad, with a warning. */
bool removals_load(struct removals *removals, struct gw_error *err);

/* An item of the file; false with GW_BAD_INPUT. One that is there already stays as it is; one that is not there is gone. */
cJSON *removal_json(const struct removal *removal);
cJSON *place_json(const struct place *place);
bool removals_take(struct removals *removals, const cJSON *item, struct gw_error *err);
bool removals_take_gone(struct removals *removals, const cJSON *item, struct gw_error *err);
bool removals_take_place(struct removals *removals, const cJSON *item, struct gw_error *err);

/* removals.c's: in memory alone. */
struct removal *removals_find(const struct removals *removals, const char *url, const char *token);
struct removal *removals_put(struct removals *removals, const char *url, const char *token, int64_t runner_id, const char *description);
void removals_take_off(struct removal *removal);
bool removals_put_place(struct removals *removals, const char *instance, const char *url); /* false: it was known */

#endif
