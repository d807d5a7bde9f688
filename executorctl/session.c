#include "executorctl/session.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "executorctl/keys.h"
#include "executorctl/table.h"
#include "executorctl/terminal.h"
#include "libgateway/buffer.h"
#include "libgateway/frames.h"

enum { FRAME_BYTES_MAX = 16 << 20, TYPED_MAX = 64 << 10 };

static const char *const status_names[] = {"PASS", "WARN", "COMPLETE", "FAIL", "INCOMPLETE", "UNKNOWN", "SETUP_FAIL"};

struct session {
	int fd;
	bool colour, typing; /* typing: standard input is read */
	bool over;
	enum job_status status;
	struct keys keys;
	struct buffer in, out;
	struct session_bucket *bucket;
	struct gw_error *err;
};

static enum job_status status_of(const char *name)
{
	for (int s = JOB_PASS; name && s <= JOB_SETUP_FAIL; s++)
		if (strcmp(status_names[s], name) == 0)
			return (enum job_status)s;
	return JOB_UNKNOWN;
}

static int64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void end(struct session *s, enum job_status status)
{
	s->over = true;
	s->status = status;
}

/* --- What the gateway says ---------------------------------------------------------------------------------------------------------- */

static void on_message(struct session *s, const struct frame *frame)
{
	static const char *const colours[] = {
		[FRAME_DEBUG] = "\033[90m", [FRAME_INFO] = "\033[36m", [FRAME_WARNING] = "\033[33m", [FRAME_ERROR] = "\033[31m"};
	size_t len = strlen(frame->msg), line = len && frame->msg[len - 1] == '\n' ? len - 1 : len;

	if (s->colour)
		printf("%s%.*s%s%s", colours[frame->severity], (int)line, frame->msg, COLOUR_OFF, frame->msg + line);
	else
		fputs(frame->msg, stdout);
}

static void on_console(struct session *s, const struct frame *frame)
{
	fwrite(frame->bytes, 1, frame->n, stdout);
}

static void on_end(struct session *s, const struct frame *frame)
{
	enum job_status status = status_of(frame->status);
	char joules[40] = "";

	if (isfinite(frame->joules_consumed))
		snprintf(joules, sizeof(joules), ", %.1f J", frame->joules_consumed);
	fflush(stdout);
	fprintf(stderr, "executorctl: the job's status: %s%s%s%s\n", s->colour ? colour_of(status_names[status]) : "", status_names[status],
		s->colour ? COLOUR_OFF : "", joules);
	session_bucket_finish(s->bucket);
	if (frame->bucket)
		*s->bucket = (struct session_bucket){gw_strdup(frame->access_url), gw_strdup(frame->bucket)};
	end(s, status);
}

/* False: the gateway makes no sense. */
static bool take_frames(struct session *s)
{
	static void (*const handlers[])(struct session *, const struct frame *) = {
		[FRAME_CTRL] = on_message, [FRAME_JOB_IO] = on_console, [FRAME_SESSION_END] = on_end};
	size_t at = 0, used;
	struct frame frame;
	enum frame_taken taken = FRAME_MORE;

	while (!s->over && (taken = frame_decode(&frame, s->in.data + at, s->in.len - at, FRAME_BYTES_MAX, &used, s->err)) == FRAME_TAKEN) {
		handlers[frame.kind](s, &frame);
		frame_finish(&frame);
		at += used;
	}
	buffer_drop(&s->in, at);
	if (fflush(stdout) != 0 && !s->over) {
		gw_fail_errno(s->err, GW_UNREACHABLE, errno, "cannot write to standard output, which ends the job");
		end(s, JOB_INCOMPLETE);
	}
	return s->over || taken != FRAME_BAD;
}

static void receive(struct session *s)
{
	char bytes[65536];
	ssize_t n = recv(s->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		gw_fail(s->err, GW_UNREACHABLE,
			"the connection to the gateway was lost before the job's end: %s; the gateway, once it notices, ends the job and "
			"switches the machine off",
			strerror(errno));
		end(s, JOB_INCOMPLETE);
	} else if (n == 0) {
		gw_fail(s->err, GW_UNREACHABLE,
			"the gateway ended the connection before the job's end: the job was cancelled or the gateway failed");
		end(s, JOB_INCOMPLETE);
	} else if (buffer_add(&s->in, bytes, (size_t)n) && !take_frames(s)) {
		gw_context(s->err, "the gateway sent what makes no sense");
		end(s, JOB_INCOMPLETE);
	}
}

/* --- What is typed ------------------------------------------------------------------------------------------------------------------ */

static void read_keys(struct session *s)
{
	char typed[1024], wanted[1024], *frame;
	ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));
	size_t wanted_n, len;
	bool stays;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) { /* the terminal is gone, the job goes on */
		s->typing = false;
		return;
	}
	stays = keys_feed(&s->keys, typed, (size_t)n, wanted, &wanted_n);
	if (wanted_n) {
		frame = frame_encode_job_io(now_us(), wanted, wanted_n, &len);
		buffer_add(&s->out, frame, len);
		free(frame);
	}
	if (stays)
		return;
	gw_fail(s->err, GW_REFUSED, "left before the job's end, which ends the job");
	end(s, JOB_INCOMPLETE);
}

static void send_keys(struct session *s)
{
	ssize_t n = send(s->fd, s->out.data, s->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n > 0)
		buffer_drop(&s->out, (size_t)n);
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		s->out.len = 0; /* what is left to read says why */
}

void session_bucket_finish(struct session_bucket *bucket)
{
	gw_free_secret(bucket->access_url);
	free(bucket->name);
	*bucket = (struct session_bucket){0};
}

enum job_status session_run(int fd, bool colour, struct session_bucket *bucket, struct gw_error *err)
{
	struct session s = {.fd = fd, .colour = colour, .bucket = bucket, .err = err};

	s.typing = terminal_raw();
	if (s.typing)
		fprintf(stderr, "executorctl: connected; CTRL+A then CTRL+C leaves, which ends the job\n");
	while (!s.over) {
		struct pollfd p[] = {{.fd = fd, .events = (short)(POLLIN | (s.out.len ? POLLOUT : 0))},
				     {.fd = s.typing && s.out.len < TYPED_MAX ? STDIN_FILENO : -1, .events = POLLIN}};

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents)
			read_keys(&s);
		if (s.out.len)
			send_keys(&s);
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR) && !s.over)
			receive(&s);
	}
	terminal_restore();
	buffer_finish(&s.in);
	buffer_finish(&s.out);
	return s.status;
}
