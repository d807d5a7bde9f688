#include "saladd/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libgateway/activation.h"
#include "libgateway/dut_network.h"
#include "libgateway/log.h"

#define BACKLOG  64
#define PAUSE_MS 200

static void on_pause_over(void *data)
{
	struct listener *l = data;

	loop_fd_events(&l->watch, UV_READABLE);
}

static bool is_welcome(struct listener *l, const struct sockaddr *peer)
{
	char shown[INET_ADDRSTRLEN] = "";
	struct in_addr ip;

	if (!l->closed_to || !dut_network_has(l->closed_to, peer))
		return true;
	if (!l->closed_told && dut_network_ipv4(peer, &ip))
		log_warning(
			"port %u: %s, of the machines' network, is refused, and so are others of it: what machines write is not for them",
			listener_port(l), inet_ntop(AF_INET, &ip, shown, sizeof(shown)));
	l->closed_told = true;
	return false;
}

static void on_connection(void *data, int events)
{
	struct listener *l = data;
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	int fd = accept4(l->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		if (is_welcome(l, (const struct sockaddr *)&peer))
			l->accepted(l->data, fd);
		else
			close(fd);
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
	l->port = activation_port_of(l->fd);
	if (loop_fd_start(loop, &l->watch, l->fd, UV_READABLE, on_connection, l, err))
		return true;
	close(l->fd);
	return false;
}

uint16_t listener_port(const struct listener *l)
{
	return l->watch.uv ? l->port : 0;
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
