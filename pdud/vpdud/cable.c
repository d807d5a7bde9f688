#include "pdud/vpdud/cable.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pdud/vpdud/veth.h"

#define FRAME_BYTES 65536
#define TURN_FRAMES 64                /* before others have their turn */
#define QUEUE_BYTES (4 * 1024 * 1024) /* what a machine that computes leaves waiting */

enum { MACHINE, BRIDGE, ENDS };

struct end {
	struct cable *cable;
	int fd;
	uv_poll_t watch;
	size_t n; /* bytes of the frame that came from here and that the other end has not taken yet; 0: none */
	char frame[FRAME_BYTES];
};

struct cable {
	struct end ends[ENDS];
	int open_handles;
};

static struct end *other(struct end *end)
{
	return &end->cable->ends[end == &end->cable->ends[MACHINE] ? BRIDGE : MACHINE];
}

static void on_ready(uv_poll_t *watch, int status, int events);

static void watch_for(struct end *end)
{
	uv_poll_start(&end->watch, (end->n ? 0 : UV_READABLE) | (other(end)->n ? UV_WRITABLE : 0), on_ready);
}

/* False: it has to wait. A frame that cannot be sent for another reason is lost, as on a wire. */
static bool hand_on(struct end *from)
{
	if (send(other(from)->fd, from->frame, from->n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno == EAGAIN)
		return false;
	from->n = 0;
	return true;
}

static void carry(struct end *from)
{
	ssize_t n;

	for (int i = 0; i < TURN_FRAMES; i++) {
		n = recv(from->fd, from->frame, sizeof(from->frame), MSG_DONTWAIT);
		if (n <= 0)
			return;
		from->n = (size_t)n;
		if (!hand_on(from))
			return;
	}
}

static void on_ready(uv_poll_t *watch, int status, int events)
{
	struct end *end = watch->data;

	if (status < 0) { /* the machine's process is gone; cable_stop is on its way */
		uv_poll_stop(watch);
		return;
	}
	if ((events & UV_WRITABLE) && other(end)->n)
		hand_on(other(end));
	if ((events & UV_READABLE) && !end->n)
		carry(end);
	watch_for(end);
	watch_for(other(end));
}

static void on_closed(uv_handle_t *handle)
{
	struct end *end = handle->data;
	struct cable *cable = end->cable;

	close(end->fd);
	if (--cable->open_handles == 0)
		free(cable);
}

void cable_stop(struct cable *cable)
{
	for (int i = 0; cable && i < ENDS; i++)
		uv_close((uv_handle_t *)&cable->ends[i].watch, on_closed);
}

static bool make_pair(int fds[2], struct gw_error *err)
{
	int size = QUEUE_BYTES;

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "socketpair");
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return true;
}

struct cable *cable_start(uv_loop_t *loop, const char *bridge, unsigned port, int *theirs, struct gw_error *err)
{
	int pair[2], wire = veth_open(bridge, port, err), size = QUEUE_BYTES;
	struct cable *cable;

	if (wire < 0)
		return NULL;
	if (!make_pair(pair, err)) {
		close(wire);
		return NULL;
	}
	setsockopt(wire, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	cable = gw_calloc(1, sizeof(*cable));
	cable->open_handles = ENDS;
	cable->ends[MACHINE].fd = pair[0];
	cable->ends[BRIDGE].fd = wire;
	*theirs = pair[1];
	for (int i = 0; i < ENDS; i++) {
		cable->ends[i].cable = cable;
		cable->ends[i].watch.data = &cable->ends[i];
		uv_poll_init(loop, &cable->ends[i].watch, cable->ends[i].fd);
	}
	watch_for(&cable->ends[MACHINE]);
	watch_for(&cable->ends[BRIDGE]);
	return cable;
}
