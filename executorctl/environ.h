/* Our environment's variables that a job is told. */
#ifndef EXECUTORCTL_ENVIRON_H
#define EXECUTORCTL_ENVIRON_H

#include <cjson/cJSON.h>

#include "libgateway/error.h"

/* Adds each variable whose whole name matches `regex` (PCRE2; NULL: none) to `object`. Values that are not UTF-8 are left out. */
bool environ_add(cJSON *object, const char *regex, struct gw_error *err);

#endif
