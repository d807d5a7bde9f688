#include "jobd/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "jobd/jobd.h"
#include "libgateway/frames.h"
#include "libgateway/log.h"

#define CONNECT_PATIENCE_MS 10000 /* with the resolving of its name */
#define LEAVE_PATIENCE_MS   2000
#define CONSOLE_MAX         (3 * 1024 * 1024) /* of waiting frames, beyond which console bytes are left out */
#define CTRL_MAX            (CONSOLE_MAX + 512 * 1024)
#define OUT_MAX             (CTRL_MAX + 64 * 1024) /* session_end always has room */
#define TELL_BELOW          (1024 * 1024)
#define IN_MAX              (64 * 1024)
#define KERNEL_MAX          (256 * 1024) /* of the same in the kernel, beside OUT_MAX */
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

static void gone(struct jobd *j, const char *why)
{
	struct client *c = &j->client;
	bool expected = c->state == CLIENT_LEAVING;

	drop_connection(c);
	c->state = CLIENT_GONE;
	if (!expected)
		drive_happened(j, RUN_CLIENT_GONE, why);
	report_may_leave(j);
}

/* ---- out ---- */

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static size_t waiting(const struct client *c)
{
	return c->out.len - c->sent;
}

static void watch_again(struct client *c)
{
	if (c->fd && c->state >= CLIENT_CONNECTED)
		loop_fd_events(&c->watch, UV_READABLE | (waiting(c) ? UV_WRITABLE : 0));
}

/* What was sent goes in large pieces, so that a long queue is not moved for each frame. */
static void forget_sent(struct client *c)
{
	if (c->sent == c->out.len || c->sent > OUT_MAX / 4) {
		buffer_drop(&c->out, c->sent);
		c->sent = 0;
	}
}

static size_t first_frame(const struct client *c)
{
	uint32_t length;

	memcpy(&length, c->out.data + c->sent, sizeof(length));
	return FRAME_HEADER + ntohl(length);
}

/* One send a frame: the field's client loses its place in one that reaches it in three pieces. 0: all is sent or the socket is full. */
static int send_frames(struct client *c)
{
	while (waiting(c)) {
		ssize_t n;

		if (!c->frame_left)
			c->frame_left = first_frame(c);
		n = send(c->fd, c->out.data + c->sent, c->frame_left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : errno;
		c->sent += (size_t)n;
		c->frame_left -= (size_t)n;
		forget_sent(c);
	}
	return 0;
}

static void add_frame(struct client *c, char *frame, size_t n)
{
	buffer_add(&c->out, frame, n);
	free(frame);
}

static void tell_left_out(struct client *c)
{
	char text[128];
	size_t n;
	char *frame;

	if (!c->left_out)
		return;
	snprintf(text, sizeof(text), "%llu bytes of the console were left out: they were not read in time\n",
		 (unsigned long long)c->left_out);
	c->left_out = 0;
	frame = frame_encode_ctrl(now_us(), text, FRAME_WARNING, FRAME_TAG_NONE, NULL, &n);
	add_frame(c, frame, n);
}

static void flush(struct jobd *j)
{
	struct client *c = &j->client;
	int error;

	if (c->state < CLIENT_CONNECTED || c->state == CLIENT_GONE)
		return;
	error = send_frames(c);
	if (error) {
		gone(j, strerror(error));
		return;
	}
	if (c->left_out && waiting(c) < TELL_BELOW) {
		tell_left_out(c);
		send_frames(c);
	}
	if (!waiting(c) && c->state >= CLIENT_ENDING && !c->shut) {
		shutdown(c->fd, SHUT_WR);
		c->shut = true;
	}
	watch_again(c);
}

static bool takes_more(const struct client *c)
{
	return c->state >= CLIENT_RESOLVING && c->state <= CLIENT_CONNECTED;
}

void client_ctrl(struct jobd *j, const struct run_action *action)
{
	struct client *c = &j->client;
	cJSON *metadata = action->metadata ? cJSON_Parse(action->metadata) : NULL;
	size_t n;
	char *frame;

	if (takes_more(c)) {
		frame = frame_encode_ctrl(now_us(), action->text, (enum frame_severity)action->severity, (enum frame_tag)action->tag,
					  metadata, &n);
		if (waiting(c) + n <= CTRL_MAX)
			add_frame(c, frame, n);
		else
			free(frame);
		flush(j);
	}
	cJSON_Delete(metadata);
}

void client_console(struct jobd *j, const void *bytes, size_t n)
{
	struct client *c = &j->client;
	const char *from = bytes;

	if (!takes_more(c))
		return;
	while (n) {
		size_t piece = n < FRAME_IO_MAX ? n : FRAME_IO_MAX, len;
		char *frame = NULL;

		if (waiting(c) < CONSOLE_MAX && !c->left_out) {
			frame = frame_encode_job_io(now_us(), from, piece, &len);
			add_frame(c, frame, len);
		} else {
			c->left_out += piece;
		}
		from += piece;
		n -= piece;
	}
	flush(j);
}

void client_session_end(struct jobd *j, const char *status)
{
	struct client *c = &j->client;
	char *frame;
	size_t n;

	if (!takes_more(c))
		return;
	tell_left_out(c);
	frame = frame_encode_session_end(now_us(), status, NAN, NULL, NULL, &n);
	add_frame(c, frame, n);
	if (c->state == CLIENT_CONNECTED) {
		c->state = CLIENT_ENDING;
		flush(j);
	} else {
		c->shut = true; /* it is said as soon as it is connected */
	}
}

static void on_leave_patience(void *data)
{
	gone(data, NULL);
}

void client_close(struct jobd *j)
{
	struct client *c = &j->client;

	if (c->state == CLIENT_CONNECTED || c->state == CLIENT_ENDING) {
		c->state = CLIENT_LEAVING;
		loop_timer_start(&j->loop, &c->patience, LEAVE_PATIENCE_MS, on_leave_patience, j);
		flush(j);
	} else if (client_is_there(j) && c->state != CLIENT_LEAVING) {
		c->state = CLIENT_LEAVING;
		gone(j, NULL);
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
		gone(j, n == 0 ? "it closed its connection" : strerror(errno));
	} else if (!buffer_add(&c->in, bytes, (size_t)n) || !take_frames(j, &err)) {
		gw_context(&err, "what it says cannot be read");
		gone(j, err.text);
	}
}

static void on_client(void *data, int events)
{
	struct jobd *j = data;

	if (events < 0)
		gone(j, uv_strerror(events));
	else if (events & UV_READABLE)
		read_client(j);
	if (j->client.fd && events > 0 && events & UV_WRITABLE)
		flush(j);
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
	flush(j);
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
		gone(j, error ? strerror(error) : uv_strerror(events));
	else if (loop_fd_start(&j->loop, &c->watch, c->fd, UV_READABLE, on_client, j, &err))
		connected(j);
	else
		gone(j, err.text);
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
		gone(j, strerror(errno));
	else if (!loop_fd_start(&j->loop, &c->watch, fd, UV_WRITABLE, on_connecting, j, &err))
		gone(j, err.text);
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct jobd *j = request->data;

	if (j) {
		j->client.resolving = NULL;
		if (status == 0 && found)
			connect_to(j, ((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr);
		else
			gone(j, uv_strerror(status));
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
	gone(j, uv_strerror(rc));
}

static void on_impatience(void *data)
{
	struct jobd *j = data;
	char text[400];

	snprintf(text, sizeof(text), "%s port %lld did not answer within %d s", j->go->callback_host, (long long)j->go->callback_port,
		 CONNECT_PATIENCE_MS / 1000);
	gone(j, text);
}

void client_connect(struct jobd *j)
{
	struct client *c = &j->client;
	struct in_addr address;

	c->state = CLIENT_RESOLVING;
	c->out.max = OUT_MAX;
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
