#include "saladd/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libgateway/activation.h"
#include "libgateway/log.h"

#define BACKLOG  64
#define PAUSE_MS 200

static void on_pause_over(void *data)
{
	struct listener *l = data;

	loop_fd_events(&l->watch, UV_READABLE);
}

static void on_connection(void *data, int events)
{
	struct listener *l = data;
	int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		l->accepted(l->data, fd);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		log_warning("port %u: cannot accept a connection: %s; it waits", listener_port(l), strerror(errno));
		loop_fd_events(&l->watch, 0); /* it would be told at once, again and again */
		loop_timer_start(l->loop, &l->pause, PAUSE_MS, on_pause_over, l);
	}
}

bool listener_open(struct listener *l, struct loop *loop, int fd, const char *address, uint16_t port, void (*accepted)(void *data, int fd),
		   void *data, struct gw_error *err)
{
	*l = (struct listener){.loop = loop, .accepted = accepted, .data = data};
	l->fd = fd >= 0 ? fd : activation_tcp_listen(address, port, BACKLOG, err);
	if (l->fd < 0)
		return false;
	fcntl(l->fd, F_SETFL, fcntl(l->fd, F_GETFL) | O_NONBLOCK); /* systemd's is not */
	if (loop_fd_start(loop, &l->watch, l->fd, UV_READABLE, on_connection, l, err))
		return true;
	close(l->fd);
	return false;
}

uint16_t listener_port(const struct listener *l)
{
	return l->watch.uv ? activation_port_of(l->fd) : 0;
}

void listener_finish(struct listener *l)
{
	bool open = l->watch.uv != NULL;

	loop_fd_finish(&l->watch);
	if (open)
		close(l->fd);
	loop_timer_finish(&l->pause);
	*l = (struct listener){0};
}
