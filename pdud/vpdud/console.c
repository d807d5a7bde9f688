#include "pdud/vpdud/console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"
#include "libgateway/log.h"
#include "pdud/vpdud/qemu_args.h"

#define RETRY_MS     100 /* a saladd that is started again is back within this */
#define RETRY_MAX_MS 1000
#define READ_BYTES   4096

static void flush(struct console *c);
static void attempt(struct console *c);

/* A handle that is being closed has forgotten its console: data is NULL. */
static void free_handle(uv_handle_t *handle)
{
	free(handle);
}

static void drop_tcp(struct console *c)
{
	c->connected = false;
	c->writing = false;
	if (c->tcp) {
		c->tcp->data = NULL;
		uv_close((uv_handle_t *)c->tcp, free_handle);
	}
	c->tcp = NULL;
}

static void on_retry(uv_timer_t *timer)
{
	attempt(timer->data);
}

static void lost(struct console *c, int why)
{
	uint64_t delay = RETRY_MS << (c->failures < 4 ? c->failures : 4);
	bool first = !c->tried;

	if (c->failures++ == 0)
		log_warning("port %u: no connection to SALAD (%s); trying again", c->port, uv_strerror(why));
	drop_tcp(c);
	uv_timer_start(c->retry, on_retry, delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS, 0);
	c->tried = true;
	if (first)
		c->events->tried(c->data);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	static char bytes[READ_BYTES]; /* used before the next is asked for; one loop */

	*buf = uv_buf_init(bytes, sizeof(bytes));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct console *c = stream->data;

	if (!c)
		return;
	if (n < 0)
		lost(c, (int)n);
	else if (n > 0)
		c->events->input(c->data, buf->base, (size_t)n);
}

struct chunk {
	uv_write_t request;
	size_t n;
	char bytes[];
};

/* What could not be written goes back in front, as far as there is room. */
static void put_back(struct console *c, const struct chunk *chunk)
{
	struct buffer rest = c->waiting;

	if (chunk->n + rest.len > CONSOLE_KEPT_BYTES)
		return;
	c->waiting = (struct buffer){.max = CONSOLE_KEPT_BYTES};
	buffer_add(&c->waiting, chunk->bytes, chunk->n);
	if (rest.len)
		buffer_add(&c->waiting, rest.data, rest.len);
	buffer_finish(&rest);
}

static void on_written(uv_write_t *request, int status)
{
	struct chunk *chunk = request->data;
	struct console *c = request->handle->data;

	if (c && status == 0) {
		c->writing = false;
		flush(c);
	} else if (c) {
		put_back(c, chunk);
		lost(c, status);
	}
	free(chunk);
}

static void write_chunk(struct console *c, const char *bytes, size_t n)
{
	struct chunk *chunk = gw_calloc(1, sizeof(*chunk) + n);
	uv_buf_t buf = uv_buf_init(chunk->bytes, (unsigned)n);
	int rc;

	chunk->request.data = chunk;
	chunk->n = n;
	memcpy(chunk->bytes, bytes, n);
	rc = uv_write(&chunk->request, (uv_stream_t *)c->tcp, &buf, 1, on_written);
	c->writing = rc == 0;
	if (rc == 0)
		return;
	free(chunk);
	lost(c, rc);
}

/* One write at a time: what waits stays droppable. */
static void flush(struct console *c)
{
	struct buffer now = c->waiting;

	if (!c->connected || c->writing || !now.len)
		return;
	c->waiting = (struct buffer){.max = CONSOLE_KEPT_BYTES};
	write_chunk(c, now.data, now.len);
	buffer_finish(&now);
}

static void say_id(struct console *c)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "SALAD.machine_id=" QEMU_MAC_FORMAT "\n", c->port);

	write_chunk(c, line, (size_t)n);
}

static void on_connected(uv_connect_t *request, int status)
{
	struct console *c = request->handle->data;
	bool first;

	free(request);
	if (!c)
		return;
	if (status < 0) {
		lost(c, status);
		return;
	}
	first = !c->tried;
	if (c->failures)
		log_info("port %u: connected to SALAD again", c->port);
	c->failures = 0;
	c->connected = c->tried = true;
	uv_tcp_nodelay(c->tcp, 1);
	if (!c->paused)
		uv_read_start((uv_stream_t *)c->tcp, on_alloc, on_read);
	say_id(c);
	if (first)
		c->events->tried(c->data);
}

static void attempt(struct console *c)
{
	uv_connect_t *request = gw_calloc(1, sizeof(*request));
	int rc;

	c->tcp = gw_calloc(1, sizeof(*c->tcp));
	uv_tcp_init(c->loop, c->tcp);
	c->tcp->data = c;
	rc = uv_tcp_connect(request, c->tcp, (const struct sockaddr *)c->salad, on_connected);
	if (rc == 0)
		return;
	free(request);
	lost(c, rc);
}

void console_init(struct console *c, uv_loop_t *loop, const struct sockaddr_storage *salad, unsigned port,
		  const struct console_events *events, void *data)
{
	*c = (struct console){.loop = loop, .salad = salad, .port = port, .events = events, .data = data};
	c->waiting.max = CONSOLE_KEPT_BYTES;
}

void console_open(struct console *c)
{
	if (!c->salad->ss_family || c->retry)
		return;
	c->retry = gw_calloc(1, sizeof(*c->retry));
	uv_timer_init(c->loop, c->retry);
	c->retry->data = c;
	uv_timer_start(c->retry, on_retry, 0, 0); /* from the loop, so that `tried` never runs inside this call */
}

void console_send(struct console *c, const char *bytes, size_t n)
{
	size_t over;

	if (!c->salad->ss_family)
		return;
	if (n > CONSOLE_KEPT_BYTES) {
		bytes += n - CONSOLE_KEPT_BYTES;
		n = CONSOLE_KEPT_BYTES;
	}
	over = c->waiting.len + n > CONSOLE_KEPT_BYTES ? c->waiting.len + n - CONSOLE_KEPT_BYTES : 0;
	if (over)
		buffer_drop(&c->waiting, over);
	buffer_add(&c->waiting, bytes, n);
	flush(c);
}

void console_pause(struct console *c, bool paused)
{
	if (c->paused == paused)
		return;
	c->paused = paused;
	if (c->connected && paused)
		uv_read_stop((uv_stream_t *)c->tcp);
	else if (c->connected)
		uv_read_start((uv_stream_t *)c->tcp, on_alloc, on_read);
}

void console_finish(struct console *c)
{
	drop_tcp(c);
	if (c->retry)
		uv_close((uv_handle_t *)c->retry, free_handle);
	c->retry = NULL;
	buffer_finish(&c->waiting);
}
