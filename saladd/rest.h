/* SALAD's REST API: GET /api/v1/machine, GET /api/v1/machine/ID, POST /api/v1/machine/ID/reset. */
#ifndef SALADD_REST_H
#define SALADD_REST_H

#include "libgateway/http_names.h"
#include "libgateway/http_server.h"
#include "saladd/machines.h"
#include "saladd/reset.h"

struct rest {
	struct machines *machines; /* borrowed, as what follows */
	struct resets *resets;
	const struct http_names *names;
};

/* Owns `fd`; http_server_stop, with resets_finish before or after. `rest` is borrowed. */
struct http_server *rest_start(struct rest *rest, struct loop *loop, int fd, struct gw_error *err);

#endif
