#include "bucketd/server.h"

#include "bucketd/s3.h"
#include "bucketd/xml.h"
#include "libgateway/activation.h"

enum { TEXT_MAX = XML_BODY_MAX, CHUNK_HEADS = 64 /* one part in so many of a body in chunks, at most */ };

bool server_start(struct server *server, struct loop *loop, int fd, uint64_t bucket_max, struct gw_error *err)
{
	const struct {
		const char *method;
		uint64_t body_max;
	} methods[] = {
		{"GET", 0}, {"HEAD", 0}, {"PUT", bucket_max + bucket_max / CHUNK_HEADS + TEXT_MAX}, {"POST", TEXT_MAX}, {"DELETE", 0}};
	size_t n = sizeof(methods) / sizeof(methods[0]);

	for (size_t i = 0; i < n; i++)
		server->routes[i] = (struct http_route){.method = methods[i].method,
							.path = "/{target*}",
							.handler = s3_handle,
							.body_max = methods[i].body_max,
							.refuse = s3_refuse,
							.head = s3_head,
							.plain = true};
	server->port = activation_port_of(fd);
	server->ids = (uint64_t)(loop_wall_now() * 1e6);
	server->http = http_server_start(loop, fd, server->routes, &(struct http_limits){.refuse = s3_refuse}, server, err);
	return server->http != NULL;
}

void server_stop(struct server *server)
{
	http_server_stop(server->http);
	server->http = NULL;
}
