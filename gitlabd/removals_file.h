/* removals.json: {"version": 1, "instances": [{"name", "url"}], "runners": [{"url", "token", "runner_id", "description"}]}; one of before
 * has no instances. removals.c's alone. */
#ifndef GITLABD_REMOVALS_FILE_H
#define GITLABD_REMOVALS_FILE_H

#include "gitlabd/removals.h"

#define REMOVALS_FILE_MAX (64U << 20) /* bytes */

char *removals_encode(const struct removals *removals); /* the caller frees */
/* Puts what the text has on the lists. False with GW_BAD_INPUT that names the place. */
bool removals_decode(struct removals *removals, const char *text, size_t len, struct gw_error *err);
/* A file that does not parse is set aside as removals.json.bad, with a warning. */
bool removals_load(struct removals *removals, struct gw_error *err);
void removals_put(struct removals *removals, const char *url, const char *token, int64_t runner_id, const char *description);
bool removals_put_place(struct removals *removals, const char *instance, const char *url); /* false: it was known */

#endif
