/* What clients may call this gateway: what http_limits.names wants. */
#ifndef LIBGATEWAY_HTTP_NAMES_H
#define LIBGATEWAY_HTTP_NAMES_H

#include <stdbool.h>

#include "libgateway/env.h"
#include "libgateway/error.h"

/* The hosts of EXECUTOR_URL and SALAD_URL, ci-gateway, the hostname, FARM_NAME-gateway, and
 * those of EXECUTOR_HOST_NAMES. The program must read these options. */
struct http_names {
	char **v; /* owned, as each is; NULL at the end */
	unsigned n;
};
bool http_names_load(struct http_names *names, const struct env *env, struct gw_error *err);
void http_names_finish(struct http_names *names); /* accepts zeroed memory */

#endif
