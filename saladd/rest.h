/* SALAD's REST API: GET /api/v1/machine, GET /api/v1/machine/ID, POST /api/v1/machine/ID/reset. */
#ifndef SALADD_REST_H
#define SALADD_REST_H

#include "libgateway/http_server.h"
#include "saladd/machines.h"

struct http_server *rest_start(struct loop *loop, int fd, struct machines *machines,
			       struct gw_error *err); /* owns `fd`; http_server_stop */

#endif
