/* The name of the test farm: FARM_NAME, or the hostname's part before "-gateway". */
#ifndef LIBGATEWAY_FARM_NAME_H
#define LIBGATEWAY_FARM_NAME_H

#include "libgateway/env.h"

#define FARM_NAME_SIZE 64 /* with its NUL */

bool farm_name(const struct env *env, char farm[FARM_NAME_SIZE], struct gw_error *err);
/* "lab" of "lab-gateway", or GW_BAD_INPUT. */
bool farm_name_of(const char *hostname, char farm[FARM_NAME_SIZE], struct gw_error *err);

#endif
