/* The submitter of the job: a TCP connection from us to it that carries frames (libgateway/frames.h).
 *
 * What it does not read waits in at most 4 MiB; then console bytes are left out, and it is told how many once it reads again. So it never
 * delays the watching of the console. */
#ifndef JOBD_CLIENT_H
#define JOBD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "libgateway/buffer.h"
#include "libgateway/loop.h"
#include "libjob/run.h"

#define CLIENT_OUT_MAX (3584 * 1024) /* bytes of frames that wait; the kernel holds some more */

struct jobd;

/* NONE: there is no submitter, or not yet. ENDING: session_end is on its way, then we wait for its close. LEAVING: it is not awaited. */
enum client_state { CLIENT_NONE, CLIENT_RESOLVING, CLIENT_CONNECTING, CLIENT_CONNECTED, CLIENT_ENDING, CLIENT_LEAVING, CLIENT_GONE };

struct client {
	enum client_state state;
	int fd; /* 0: none */
	struct loop_fd watch;
	struct loop_timer patience;
	uv_getaddrinfo_t *resolving; /* frees itself */
	struct buffer out;           /* frames that wait; the first `sent` bytes are gone already */
	size_t sent, frame_left;     /* of the frame that is being sent */
	bool shut;                   /* nothing more is written */
	struct buffer in;
	uint64_t left_out; /* console bytes, since it was last told */
};

bool client_place_check(const char *host, int64_t port, struct gw_error *err);
void client_connect(struct jobd *j); /* CLIENT_CONNECTED or CLIENT_GONE follows */
void client_ctrl(struct jobd *j, const struct run_action *action);
void client_console(struct jobd *j, const void *bytes, size_t n);
void client_session_end(struct jobd *j, const char *status);
void client_close(struct jobd *j); /* what was said still goes out, if it reads */
bool client_is_there(const struct jobd *j);
void client_finish(struct jobd *j);

/* Between client.c and client_out.c. */
void client_flush(struct jobd *j);
void client_is_gone(struct jobd *j, const char *why);

#endif
