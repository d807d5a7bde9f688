/* SALAD's REST API: GET /api/v1/machine, GET /api/v1/machine/ID, POST /api/v1/machine/ID/reset. */
#ifndef SALADD_REST_H
#define SALADD_REST_H

#include "libgateway/http_names.h"
#include "libgateway/http_server.h"
#include "saladd/machines.h"

/* Owns `fd`; http_server_stop. `names` is borrowed. */
struct http_server *rest_start(struct loop *loop, int fd, struct machines *machines, const struct http_names *names, struct gw_error *err);

#endif
