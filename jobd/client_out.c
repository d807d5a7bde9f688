/* What the submitter is told: a bounded queue of frames. */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "jobd/jobd.h"
#include "libgateway/frames.h"

#define CTRL_MAX    (CLIENT_OUT_MAX - 64 * 1024) /* session_end always has room */
#define CONSOLE_MAX (CTRL_MAX - 512 * 1024)      /* of waiting frames, beyond which console bytes are left out */
#define TELL_BELOW  (1024 * 1024)

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
	if (c->sent == c->out.len || c->sent > CLIENT_OUT_MAX / 4) {
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

void client_flush(struct jobd *j)
{
	struct client *c = &j->client;
	int error;

	if (c->state < CLIENT_CONNECTED || c->state == CLIENT_GONE)
		return;
	error = send_frames(c);
	if (error) {
		client_is_gone(j, strerror(error));
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
		client_flush(j);
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
	client_flush(j);
}

void client_session_end(struct jobd *j, const char *status)
{
	const struct msg_job_bucket *bucket = j->go->bucket.n ? &j->go->bucket.v[0] : NULL;
	struct client *c = &j->client;
	char *frame;
	size_t n;

	if (!takes_more(c))
		return;
	tell_left_out(c);
	frame = frame_encode_session_end(now_us(), status, NAN, bucket ? bucket->access_url : NULL, bucket ? bucket->name : NULL, &n);
	add_frame(c, frame, n);
	if (c->state == CLIENT_CONNECTED) {
		c->state = CLIENT_ENDING;
		client_flush(j);
	} else {
		c->shut = true; /* it is said as soon as it is connected */
	}
}
