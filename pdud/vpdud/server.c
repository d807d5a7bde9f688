#include "pdud/vpdud/server.h"

#include <stdlib.h>

#include "libgateway/log.h"
#include "pdud/vpdud/wire.h"

#define BACKLOG       64
#define CLIENTS_MAX   64
#define IDLE_MS       60000 /* a connection without a request */
#define SHORT_READ_MS 1000  /* a request that has begun and does not end */

struct client {
	struct client *next;
	struct server *server;
	uv_tcp_t tcp;
	uv_timer_t timer;
	uint8_t bytes[VPDU_REQUEST_BYTES];
	size_t have;
	struct port_switch sw;
	bool switching; /* `sw` is the port's: this memory must stay */
	int open_handles;
};

static void on_data(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf);

static void maybe_free(struct client *c)
{
	if (!c->open_handles && !c->switching)
		free(c);
}

static void on_closed(uv_handle_t *handle)
{
	struct client *c = handle->data;

	c->open_handles--;
	maybe_free(c);
}

static void close_client(struct client *c)
{
	struct client **link = &c->server->first;

	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	while (*link != c)
		link = &(*link)->next;
	*link = c->next;
	c->server->n_clients--;
	uv_close((uv_handle_t *)&c->tcp, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

static void answer(struct client *c, uint8_t byte)
{
	uv_buf_t buf = uv_buf_init((char *)&byte, 1);

	if (uv_try_write((uv_stream_t *)&c->tcp, &buf, 1) != 1) /* gone, or it never reads its answers */
		close_client(c);
}

static void on_timer(uv_timer_t *timer)
{
	struct client *c = timer->data;

	if (c->have)
		answer(c, VPDU_BAD_REQUEST);
	close_client(c);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct client *c = handle->data;

	*buf = uv_buf_init((char *)c->bytes + c->have, (unsigned)(sizeof(c->bytes) - c->have)); /* never into the next request */
}

static void await_request(struct client *c)
{
	c->have = 0;
	if (uv_is_closing((uv_handle_t *)&c->tcp))
		return;
	uv_timer_start(&c->timer, on_timer, IDLE_MS, 0);
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_data);
}

static void on_switched(struct port_switch *sw, bool ok)
{
	struct client *c = (struct client *)((char *)sw - offsetof(struct client, sw));

	c->switching = false;
	if (uv_is_closing((uv_handle_t *)&c->tcp)) {
		maybe_free(c);
		return;
	}
	answer(c, ok ? VPDU_DONE : VPDU_ERROR);
	await_request(c);
}

static void begin_switch(struct client *c, struct port *port, bool on)
{
	uv_read_stop((uv_stream_t *)&c->tcp);
	uv_timer_stop(&c->timer);
	c->switching = true;
	c->sw = (struct port_switch){.on = on, .done = on_switched};
	port_switch(port, &c->sw);
}

static void do_request(struct client *c)
{
	struct vpdu_request rq;

	if (!vpdu_request_decode(c->bytes, &rq)) {
		close_client(c);
		return;
	}
	c->have = 0;
	uv_timer_start(&c->timer, on_timer, IDLE_MS, 0);
	if (rq.op == VPDU_COUNT_PORTS)
		answer(c, VPDU_PORTS);
	else if (rq.port >= VPDU_PORTS)
		answer(c, VPDU_BAD_REQUEST);
	else if (rq.op == VPDU_STATE)
		answer(c, port_is_on(&c->server->ports[rq.port]) ? VPDU_IS_ON : VPDU_IS_OFF);
	else
		begin_switch(c, &c->server->ports[rq.port], rq.op == VPDU_TURN_ON);
}

static void on_data(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct client *c = stream->data;

	if (n < 0) {
		if (n == UV_EOF && c->have)
			answer(c, VPDU_BAD_REQUEST);
		close_client(c);
	} else if (n > 0) {
		if (!c->have)
			uv_timer_start(&c->timer, on_timer, SHORT_READ_MS, 0);
		c->have += (size_t)n;
		if (c->have == sizeof(c->bytes))
			do_request(c);
	}
}

static void on_connection(uv_stream_t *listener, int status)
{
	struct server *s = listener->data;
	struct client *c = gw_calloc(1, sizeof(*c));

	c->server = s;
	c->tcp.data = c->timer.data = c;
	uv_tcp_init(listener->loop, &c->tcp);
	uv_timer_init(listener->loop, &c->timer);
	c->open_handles = 2;
	c->next = s->first;
	s->first = c;
	s->n_clients++;
	if (status < 0 || uv_accept(listener, (uv_stream_t *)&c->tcp) < 0 || s->n_clients > CLIENTS_MAX) {
		close_client(c);
		return;
	}
	uv_tcp_nodelay(&c->tcp, 1);
	await_request(c);
}

static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

bool server_start(struct server *s, uv_loop_t *loop, const struct sockaddr_storage *listen, struct port *ports,
		  struct sockaddr_storage *bound, struct gw_error *err)
{
	char text[128];
	int rc, n = sizeof(*bound);

	*s = (struct server){.ports = ports, .listener = gw_calloc(1, sizeof(uv_tcp_t))};
	uv_tcp_init(loop, s->listener);
	s->listener->data = s;
	rc = uv_tcp_bind(s->listener, (const struct sockaddr *)listen, 0);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)s->listener, BACKLOG, on_connection);
	if (rc == 0)
		rc = uv_tcp_getsockname(s->listener, (struct sockaddr *)bound, &n);
	if (rc == 0)
		return true;
	vpdud_address_print(listen, text, sizeof(text));
	return gw_fail(err, GW_UNREACHABLE, "cannot listen on %s: %s", text, uv_strerror(rc));
}

void server_stop(struct server *s)
{
	if (s->listener)
		uv_close((uv_handle_t *)s->listener, free_handle);
	s->listener = NULL;
	while (s->first)
		close_client(s->first);
}
