#include "jobd/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jobd/jobd.h"
#include "libgateway/frames.h"
#include "libgateway/log.h"

#define CONNECT_PATIENCE_MS 10000 /* with the resolving of its name */
#define LEAVE_PATIENCE_MS   2000
#define IN_MAX              (64 * 1024)
#define KERNEL_MAX          (256 * 1024) /* of the same in the kernel, beside CLIENT_OUT_MAX */
#define FIRST_PORT          1024         /* below are the system's services, which a job must not talk to */

static void on_client(void *data, int events);

bool client_place_check(const char *host, int64_t port, struct gw_error *err)
{
	if (!host || port >= FIRST_PORT)
		return true;
	return gw_fail(err, GW_BAD_INPUT, "callback.port: %lld; accepted: %d to 65535", (long long)port, FIRST_PORT);
}

bool client_is_there(const struct jobd *j)
{
	return j->client.state != CLIENT_NONE && j->client.state != CLIENT_GONE;
}

static void drop_connection(struct client *c)
{
	if (c->resolving) {
		c->resolving->data = NULL;
		uv_cancel((uv_req_t *)c->resolving);
		c->resolving = NULL;
	}
	loop_timer_stop(&c->patience);
	loop_fd_finish(&c->watch);
	if (c->fd)
		close(c->fd);
	c->fd = 0;
	buffer_finish(&c->out);
	buffer_finish(&c->in);
	c->sent = c->frame_left = 0;
}

void client_is_gone(struct jobd *j, const char *why)
{
	struct client *c = &j->client;
	bool expected = c->state == CLIENT_LEAVING;

	drop_connection(c);
	c->state = CLIENT_GONE;
	if (!expected)
		drive_happened(j, RUN_CLIENT_GONE, why);
	report_may_leave(j);
}

/* ---- leaving ---- */

static void on_leave_patience(void *data)
{
	client_is_gone(data, NULL);
}

void client_close(struct jobd *j)
{
	struct client *c = &j->client;

	if (c->state == CLIENT_CONNECTED || c->state == CLIENT_ENDING) {
		c->state = CLIENT_LEAVING;
		loop_timer_start(&j->loop, &c->patience, LEAVE_PATIENCE_MS, on_leave_patience, j);
		client_flush(j);
	} else if (client_is_there(j) && c->state != CLIENT_LEAVING) {
		c->state = CLIENT_LEAVING;
		client_is_gone(j, NULL);
	}
}

/* ---- in ---- */

static void take_frame(struct jobd *j, const struct frame *frame)
{
	if (frame->kind == FRAME_JOB_IO && j->client.state == CLIENT_CONNECTED)
		console_input(j, frame->bytes, frame->n);
}

/* False: what it says makes no sense. */
static bool take_frames(struct jobd *j, struct gw_error *err)
{
	struct client *c = &j->client;
	size_t at = 0, used;
	enum frame_taken taken = FRAME_TAKEN;

	while (at < c->in.len) {
		struct frame frame = {0};
		taken = frame_decode(&frame, c->in.data + at, c->in.len - at, IN_MAX, &used, err);
		if (taken != FRAME_TAKEN)
			break;
		take_frame(j, &frame);
		frame_finish(&frame);
		at += used;
	}
	buffer_drop(&c->in, at);
	return taken != FRAME_BAD;
}

static void read_client(struct jobd *j)
{
	struct client *c = &j->client;
	char bytes[16384];
	struct gw_error err = {0};
	ssize_t n = recv(c->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_is_gone(j, n == 0 ? "it closed its connection" : strerror(errno));
	} else if (!buffer_add(&c->in, bytes, (size_t)n) || !take_frames(j, &err)) {
		gw_context(&err, "what it says cannot be read");
		client_is_gone(j, err.text);
	}
}

static void on_client(void *data, int events)
{
	struct jobd *j = data;

	if (events < 0)
		client_is_gone(j, uv_strerror(events));
	else if (events & UV_READABLE)
		read_client(j);
	if (j->client.fd && events > 0 && events & UV_WRITABLE)
		client_flush(j);
}

/* ---- connecting ---- */

static void connected(struct jobd *j)
{
	struct client *c = &j->client;
	int one = 1, room = KERNEL_MAX;

	loop_timer_stop(&c->patience);
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	c->state = c->shut ? CLIENT_ENDING : CLIENT_CONNECTED;
	c->shut = false;
	report_running(j);
	drive_happened(j, RUN_CLIENT_CONNECTED, NULL);
	client_flush(j);
}

static void on_connecting(void *data, int events)
{
	struct jobd *j = data;
	struct client *c = &j->client;
	struct gw_error err = {0};
	int error = 0;
	socklen_t size = sizeof(error);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
	loop_fd_finish(&c->watch);
	if (events < 0 || error)
		client_is_gone(j, error ? strerror(error) : uv_strerror(events));
	else if (loop_fd_start(&j->loop, &c->watch, c->fd, UV_READABLE, on_client, j, &err))
		connected(j);
	else
		client_is_gone(j, err.text);
}

static void connect_to(struct jobd *j, struct in_addr address)
{
	struct client *c = &j->client;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)j->go->callback_port), .sin_addr = address};
	struct gw_error err = {0};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	c->fd = fd < 0 ? 0 : fd;
	c->state = CLIENT_CONNECTING;
	if (fd < 0 || (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS))
		client_is_gone(j, strerror(errno));
	else if (!loop_fd_start(&j->loop, &c->watch, fd, UV_WRITABLE, on_connecting, j, &err))
		client_is_gone(j, err.text);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct jobd *j = request->data;

	if (j) {
		j->client.resolving = NULL;
		if (status == 0 && found)
			connect_to(j, ((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr);
		else
			client_is_gone(j, uv_strerror(status));
	}
	uv_freeaddrinfo(found);
	free(request);
}

static void resolve(struct jobd *j)
{
	static const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct client *c = &j->client;
	int rc;

	c->resolving = gw_calloc(1, sizeof(*c->resolving));
	c->resolving->data = j;
	rc = uv_getaddrinfo(&j->loop.uv, c->resolving, on_resolved, j->go->callback_host, NULL, &hints);
	if (rc == 0)
		return;
	free(c->resolving);
	c->resolving = NULL;
	client_is_gone(j, uv_strerror(rc));
}

static void on_impatience(void *data)
{
	struct jobd *j = data;
	char text[400];

	snprintf(text, sizeof(text), "%s port %lld did not answer within %d s", j->go->callback_host, (long long)j->go->callback_port,
		 CONNECT_PATIENCE_MS / 1000);
	client_is_gone(j, text);
}

void client_connect(struct jobd *j)
{
	struct client *c = &j->client;
	struct in_addr address;

	c->state = CLIENT_RESOLVING;
	c->out.max = CLIENT_OUT_MAX;
	c->in.max = 2 * IN_MAX;
	loop_timer_start(&j->loop, &c->patience, CONNECT_PATIENCE_MS, on_impatience, j);
	if (inet_pton(AF_INET, j->go->callback_host, &address) == 1)
		connect_to(j, address);
	else
		resolve(j);
}

void client_finish(struct jobd *j)
{
	drop_connection(&j->client);
	loop_timer_finish(&j->client.patience);
}
