/* The bodies of a GitLab's answers: what we need of them, with its type and bounds; what else they have is left alone. Pure. */
#ifndef GITLABD_API_READ_H
#define GITLABD_API_READ_H

#include <cjson/cJSON.h>

#include "gitlabd/api_answer.h"

bool api_read_registered(struct api_answer *answer, const cJSON *json, struct gw_error *err);
bool api_read_verified(struct api_answer *answer, const cJSON *json, struct gw_error *err);
bool api_read_details(struct api_answer *answer, const cJSON *json, struct gw_error *err);
bool api_read_list(struct api_answer *answer, const cJSON *json, struct gw_error *err);

#endif
