/* The deadlines that libmicrohttpd does not keep: its own timeout starts anew at each byte. */
#include <sys/socket.h>

#include "libgateway/http_internal.h"
#include "libgateway/log.h"
#include "libgateway/tcp_received.h"

enum { SWEEP_MS = 1000 };

void http_connection_phase(struct http_connection *connection, enum http_phase phase)
{
	connection->phase = phase;
	connection->phase_began_ms = phase == HTTP_PHASE_HEADERS ? 0 : loop_now_ms(connection->server->loop);
	connection->received = phase == HTTP_PHASE_HEADERS ? tcp_received(connection->fd) : 0;
}

void http_connection_cut(struct http_connection *connection)
{
	shutdown(connection->fd, SHUT_RDWR);
}

static bool headers_are_late(struct http_connection *connection, uint64_t now_ms)
{
	if (!connection->phase_began_ms && tcp_received(connection->fd) > connection->received)
		connection->phase_began_ms = now_ms;
	return connection->phase_began_ms && now_ms - connection->phase_began_ms >= connection->server->header_ms;
}

static bool body_is_slow(const struct http_connection *connection, uint64_t now_ms)
{
	uint64_t grace_ms = connection->server->header_ms, passed_ms = now_ms - connection->phase_began_ms;

	return passed_ms > grace_ms && connection->received < (passed_ms - grace_ms) * connection->server->body_bytes_per_second / 1000;
}

static void sweep(void *data)
{
	struct http_server *server = data;
	uint64_t now_ms = loop_now_ms(server->loop);

	for (struct http_connection *c = server->connections; c; c = c->next) {
		if (!(c->phase == HTTP_PHASE_HEADERS && headers_are_late(c, now_ms)) &&
		    !(c->phase == HTTP_PHASE_BODY && body_is_slow(c, now_ms)))
			continue;
		log_debug("http: a client is too slow with its %s; its connection is cut",
			  c->phase == HTTP_PHASE_BODY ? "body" : "headers");
		c->phase = HTTP_PHASE_ANSWER; /* once is enough */
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

void http_server_set_deadlines(struct http_server *server, unsigned header_ms, unsigned body_bytes_per_second)
{
	server->header_ms = header_ms;
	server->body_bytes_per_second = body_bytes_per_second;
}
