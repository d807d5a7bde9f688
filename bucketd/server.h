/* The S3 service: HTTP in, the store behind it. Loop thread. */
#ifndef BUCKETD_SERVER_H
#define BUCKETD_SERVER_H

#include "bucketd/access.h"
#include "bucketd/uploads.h"
#include "bucketd/work.h"
#include "libgateway/http_server.h"

struct server {
	const struct access *access; /* borrowed: as it is at each request */
	struct store *store;
	struct work *work; /* where requests wait for the disk */
	struct uploads *uploads;
	struct http_server *http;
	struct http_route routes[6];
	uint64_t ids; /* of requests */
	uint16_t port;
};

/* The first five are set. `fd`: listens, taken over. `bucket_max`: bytes; no body is larger. */
bool server_start(struct server *server, struct loop *loop, int fd, uint64_t bucket_max, struct gw_error *err);
void server_stop(struct server *server); /* accepts zeroed memory */

#endif
