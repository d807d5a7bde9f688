/* The deadlines that libmicrohttpd does not keep: its own timeout starts anew at each byte. */
#include <sys/socket.h>

#include "libgateway/http_internal.h"
#include "libgateway/log.h"
#include "libgateway/tcp_bytes.h"

enum { SWEEP_MS = 1000 };

void http_connection_phase(struct http_connection *connection, enum http_phase phase)
{
	if (connection->phase == HTTP_PHASE_CUT)
		return;
	connection->phase = phase;
	connection->phase_began_ms = phase == HTTP_PHASE_HEADERS ? 0 : loop_now_ms(connection->server->loop);
	connection->bytes = phase == HTTP_PHASE_ANSWER ? UINT64_MAX : 0;
	if (phase == HTTP_PHASE_HEADERS)
		http_crowd_waits(connection);
	else
		http_crowd_works(connection);
}

void http_connection_cut(struct http_connection *connection)
{
	shutdown(connection->fd, SHUT_RDWR);
}

static bool is_too_slow(const struct http_connection *connection, uint64_t bytes, uint64_t passed_ms)
{
	const struct http_server *server = connection->server;

	return passed_ms > server->header_ms && bytes < (passed_ms - server->header_ms) * server->bytes_per_second / 1000;
}

/* Begun by any byte that is no request's yet. */
static const char *late_headers(struct http_connection *connection, uint64_t now_ms)
{
	struct tcp_bytes bytes;

	if (!connection->phase_began_ms && tcp_bytes(connection->fd, &bytes) && bytes.received > connection->consumed)
		connection->phase_began_ms = now_ms;
	return connection->phase_began_ms && now_ms - connection->phase_began_ms >= connection->server->header_ms ? "headers" : NULL;
}

/* A large body has a second more for each MiB that is there. */
static const char *late_body(struct http_connection *connection, uint64_t now_ms)
{
	uint64_t passed_ms = now_ms - connection->phase_began_ms;

	return passed_ms >= connection->server->body_ms + (connection->bytes >> 20) * 1000 ||
			       is_too_slow(connection, connection->bytes, passed_ms)
		       ? "body"
		       : NULL;
}

static const char *late_reading(struct http_connection *connection, uint64_t now_ms)
{
	struct tcp_bytes bytes;

	if (!tcp_bytes(connection->fd, &bytes))
		return NULL;
	if (connection->bytes == UINT64_MAX)
		connection->bytes = bytes.acknowledged;
	return is_too_slow(connection, bytes.acknowledged - connection->bytes, now_ms - connection->phase_began_ms) ? "reading" : NULL;
}

static void sweep(void *data)
{
	static const char *(*const late[])(struct http_connection * connection, uint64_t now_ms) = {
		[HTTP_PHASE_HEADERS] = late_headers,
		[HTTP_PHASE_BODY] = late_body,
		[HTTP_PHASE_ANSWER] = late_reading,
		[HTTP_PHASE_CUT] = NULL,
	};
	struct http_server *server = data;
	uint64_t now_ms = loop_now_ms(server->loop);
	const char *with;

	for (struct http_connection *c = server->connections; c; c = c->next) {
		if (!late[c->phase] || !(with = late[c->phase](c, now_ms)))
			continue;
		log_debug("http: a client is too slow with its %s; its connection is cut", with);
		http_crowd_leave(c);
		c->phase = HTTP_PHASE_CUT; /* once is enough */
		http_connection_cut(c);
	}
	http_deadline_start(server);
}

void http_deadline_start(struct http_server *server)
{
	unsigned every_ms = server->header_ms / 4 < SWEEP_MS ? server->header_ms / 4 + 1 : SWEEP_MS;

	if (server->connections && !loop_timer_active(&server->sweep))
		loop_timer_start(server->loop, &server->sweep, every_ms, sweep, server);
}

void http_server_set_deadlines(struct http_server *server, unsigned header_ms, unsigned bytes_per_second, unsigned body_ms)
{
	server->header_ms = header_ms;
	server->bytes_per_second = bytes_per_second;
	server->body_ms = body_ms;
}
