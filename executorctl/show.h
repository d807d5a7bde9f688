/* An answer of the gateway, for people or as it is. */
#ifndef EXECUTORCTL_SHOW_H
#define EXECUTORCTL_SHOW_H

#include <cjson/cJSON.h>
#include <stdbool.h>

void show_json(const cJSON *json);
void show_object(const cJSON *object, bool colour); /* a line a value, nested names with dots */

#endif
