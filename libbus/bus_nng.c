/* nng's sockets and threads. Nothing here runs user code on a thread of nng's. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libbus/internal.h"
#include "libgateway/log.h"

struct bus_sending {
	struct bus_sending *next;      /* in sendings.all */
	struct bus_sending *next_idle; /* in sendings.idle */
	struct bus_state *bus;
	nng_aio *aio;
};

bool bus_user_accepted(uint64_t uid, uint64_t gid)
{
	return uid == 0 || uid == geteuid() || gid == getegid();
}

/* Leaves a note for the loop. On a thread of nng's. */
static void leave_note(struct bus_socket *socket, nng_pipe pipe, bool added)
{
	struct bus_note *note = gw_calloc(1, sizeof(*note));
	uint64_t pid = 0;

	if (added)
		nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_PID, &pid);
	*note = (struct bus_note){.socket = socket->serial, .added = added, .pipe = (uint32_t)nng_pipe_id(pipe), .pid = (pid_t)pid};
	pthread_mutex_lock(&socket->bus->mutex);
	*socket->bus->notes_end = note;
	socket->bus->notes_end = &note->next;
	pthread_mutex_unlock(&socket->bus->mutex);
	uv_async_send(socket->bus->wake);
}

/* Before a connection carries anything: who is it? On a thread of nng's. */
static void on_connecting(nng_pipe pipe, nng_pipe_ev ev, void *data)
{
	uint64_t uid = UINT64_MAX, gid = UINT64_MAX;

	if (nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_UID, &uid) == 0 && nng_pipe_get_uint64(pipe, NNG_OPT_IPC_PEER_GID, &gid) == 0 &&
	    bus_user_accepted(uid, gid)) {
		leave_note(data, pipe, true);
		return;
	}
	log_warning("bus: a connection of user %ld, group %ld is refused; accepted: root, our user, our group", (long)uid, (long)gid);
	nng_pipe_close(pipe);
}

static void on_disconnected(nng_pipe pipe, nng_pipe_ev ev, void *data)
{
	leave_note(data, pipe, false);
}

bool bus_socket_open(struct bus_socket *socket, struct bus_state *bus, bus_open_fn *open, loop_fd_fn *on_readable, void *data,
		     struct gw_error *err)
{
	int fd, rc = open(&socket->nng);

	if (rc)
		return gw_fail(err, GW_INTERNAL, "cannot open a socket of the bus: %s", nng_strerror(rc));
	socket->bus = bus;
	socket->serial = ++bus->last_serial;
	nng_socket_set_size(socket->nng, NNG_OPT_RECVMAXSZ, BUS_MESSAGE_MAX);
	nng_socket_set_int(socket->nng, NNG_OPT_RECVBUF, 64);
	nng_pipe_notify(socket->nng, NNG_PIPE_EV_ADD_PRE, on_connecting, socket);
	nng_pipe_notify(socket->nng, NNG_PIPE_EV_REM_POST, on_disconnected, socket);
	rc = nng_socket_get_int(socket->nng, NNG_OPT_RECVFD, &fd);
	if (!rc && loop_fd_start(bus->loop, &socket->readable, fd, UV_READABLE, on_readable, data, err))
		return true;
	if (rc)
		gw_fail(err, GW_INTERNAL, "a socket of the bus cannot be waited for: %s", nng_strerror(rc));
	bus_socket_close(socket);
	return false;
}

void bus_socket_close(struct bus_socket *socket)
{
	if (!socket->serial)
		return;
	loop_fd_finish(&socket->readable);
	nng_close(socket->nng); /* no callback of it runs afterwards */
	socket->serial = 0;
}

nng_msg *bus_socket_receive(struct bus_socket *socket)
{
	nng_msg *msg = NULL;

	return nng_recvmsg(socket->nng, &msg, NNG_FLAG_NONBLOCK) == 0 ? msg : NULL;
}

/* On a thread of nng's. An aio must not be freed from its own callback, so it is kept for the next send. */
static void on_sent(void *data)
{
	struct bus_sending *sending = data;
	struct bus_state *bus = sending->bus;

	if (nng_aio_result(sending->aio) != 0)
		nng_msg_free(nng_aio_get_msg(sending->aio));
	nng_aio_set_msg(sending->aio, NULL);
	pthread_mutex_lock(&bus->mutex);
	sending->next_idle = bus->sendings.idle;
	bus->sendings.idle = sending;
	pthread_mutex_unlock(&bus->mutex);
}

static struct bus_sending *take_sending(struct bus_state *bus)
{
	struct bus_sending *sending;

	pthread_mutex_lock(&bus->mutex);
	sending = bus->sendings.idle;
	if (sending)
		bus->sendings.idle = sending->next_idle;
	pthread_mutex_unlock(&bus->mutex);
	if (sending)
		return sending;
	sending = gw_calloc(1, sizeof(*sending));
	sending->bus = bus;
	gw_assert(nng_aio_alloc(&sending->aio, on_sent, sending) == 0); /* out of memory */
	sending->next = bus->sendings.all;
	bus->sendings.all = sending;
	return sending;
}

void bus_socket_send(struct bus_socket *socket, const void *header, size_t header_len, const char *text)
{
	struct bus_sending *sending = take_sending(socket->bus);
	nng_msg *msg;

	gw_assert(nng_msg_alloc(&msg, 0) == 0 && nng_msg_append(msg, text, strlen(text)) == 0 &&
		  nng_msg_header_append(msg, header, header_len) == 0);
	nng_aio_set_msg(sending->aio, msg);
	nng_send_aio(socket->nng, sending->aio);
}

void bus_sendings_finish(struct bus_state *bus)
{
	while (bus->sendings.all) {
		struct bus_sending *sending = bus->sendings.all;
		bus->sendings.all = sending->next;
		nng_aio_free(sending->aio);
		free(sending);
	}
}
