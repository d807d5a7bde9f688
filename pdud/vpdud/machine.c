#include "pdud/vpdud/machine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libgateway/log.h"
#include "pdud/vpdud/cable.h"
#include "pdud/vpdud/qemu_args.h"
#include "pdud/vpdud/qmp.h"
#include "pdud/vpdud/spawn.h"
#include "pdud/vpdud/tap.h"

#define READ_BYTES (16 * 1024)
/* A unix socket counts each one-byte write of qemu's UART as some hundreds: with the default buffer a boot's burst is lost. */
#define SERIAL_BUFFER_BYTES (4 * 1024 * 1024)

struct machine {
	unsigned port;
	pid_t pid;
	int pidfd, serial_fd;
	uv_poll_t exit_watch;
	uv_pipe_t qmp_pipe, serial;
	struct qmp qmp;
	struct cable *cable; /* NULL: it has a tap, or no network */
	int open_handles;    /* freed when the last is closed */
	bool ending;         /* reaped; no more events */
	const struct machine_events *events;
	void *data;
	char buffer[READ_BYTES]; /* libuv reads into it, one pipe at a time */
};

struct pending_write {
	uv_write_t request;
	char bytes[];
};

static void on_closed(uv_handle_t *handle)
{
	struct machine *m = handle->data;

	if (--m->open_handles)
		return;
	close(m->pidfd);
	qmp_finish(&m->qmp);
	free(m);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct machine *m = handle->data;

	*buf = uv_buf_init(m->buffer, sizeof(m->buffer));
}

static void on_written(uv_write_t *request, int status)
{
	struct machine *m = request->handle->data;
	bool was_serial = request->handle == (uv_stream_t *)&m->serial;

	free(request->data);
	if (was_serial && !m->ending && m->serial.write_queue_size == 0)
		m->events->drained(m->data);
}

static void send_bytes(uv_pipe_t *pipe, const char *bytes, size_t n)
{
	struct pending_write *w = gw_calloc(1, sizeof(*w) + n);
	uv_buf_t buf = uv_buf_init(w->bytes, (unsigned)n);

	w->request.data = w;
	memcpy(w->bytes, bytes, n);
	if (uv_write(&w->request, (uv_stream_t *)pipe, &buf, 1, on_written) != 0)
		free(w); /* qemu is gone: `ended` is on its way */
}

static void on_happened(struct machine *m, enum qmp_happened happened)
{
	switch (happened) {
	case QMP_GREETED:
		send_bytes(&m->qmp_pipe, QMP_CAPABILITIES, strlen(QMP_CAPABILITIES));
		break;
	case QMP_READY:
		m->events->ready(m->data);
		break;
	case QMP_RUNNING:
		m->events->running(m->data);
		break;
	case QMP_GUEST_OFF:
		log_info("port %u: the guest has powered itself off", m->port);
		break;
	case QMP_GUEST_RESET:
		log_debug("port %u: the guest has reset itself", m->port);
		break;
	case QMP_NOTHING:
		break;
	}
}

static void on_qmp(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct machine *m = stream->data;
	struct gw_error err = {0};
	enum qmp_happened happened;
	const char *bytes = buf->base;
	size_t left = n > 0 ? (size_t)n : 0;

	if (n < 0)
		uv_read_stop(stream); /* its end: the process is ending too */
	while (left && !err.kind) {
		if (qmp_take(&m->qmp, &bytes, &left, &happened, &err))
			on_happened(m, happened);
	}
	if (err.kind) {
		log_error("port %u: %s", m->port, err.text);
		machine_kill(m);
	}
}

static void on_serial(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct machine *m = stream->data;

	if (n < 0)
		uv_read_stop(stream);
	else if (n > 0)
		m->events->console(m->data, buf->base, (size_t)n);
}

/* What the machine said last is still in the socket when its process is gone. */
static void drain_serial(struct machine *m)
{
	ssize_t n;

	while ((n = recv(m->serial_fd, m->buffer, sizeof(m->buffer), MSG_DONTWAIT)) > 0)
		m->events->console(m->data, m->buffer, (size_t)n);
}

static void describe_end(int status, char *out, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(out, size, "killed by signal %d", WTERMSIG(status));
	else
		snprintf(out, size, "ended with exit code %d", WEXITSTATUS(status));
}

static void on_process_end(uv_poll_t *watch, int status, int events)
{
	struct machine *m = watch->data;
	int how = 0;
	char text[64];

	if (waitpid(m->pid, &how, WNOHANG) != m->pid)
		return;
	drain_serial(m);
	cable_stop(m->cable);
	m->cable = NULL;
	m->ending = true;
	describe_end(how, text, sizeof(text));
	uv_close((uv_handle_t *)&m->exit_watch, on_closed);
	uv_close((uv_handle_t *)&m->qmp_pipe, on_closed);
	uv_close((uv_handle_t *)&m->serial, on_closed);
	m->events->ended(m->data, text);
}

static bool make_pair(int fds[2], int flags, struct gw_error *err)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds) == 0)
		return true;
	fds[0] = fds[1] = -1;
	return gw_fail_errno(err, GW_INTERNAL, errno, "socketpair");
}

static void enlarge(int fd)
{
	int size = SERIAL_BUFFER_BYTES;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)); /* not root: what the kernel gives */
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* The descriptor for qemu's network card, -1: none. False: there is to be one, but it could not be made. */
static bool plug_in(struct machine *m, uv_loop_t *loop, const struct vpdud_options *opt, bool cable, int *fd, struct gw_error *err)
{
	*fd = -1;
	if (!opt->bridge)
		return true;
	if (cable)
		m->cable = cable_start(loop, opt->bridge, m->port, fd, err);
	else
		*fd = tap_open(opt->bridge, m->port, err);
	return *fd >= 0;
}

/* Makes the channels and the process; on success ours[] and m->pid are set, else nothing is left open. */
static bool start_process(struct machine *m, uv_loop_t *loop, const struct vpdud_options *opt, int ours[2], struct gw_error *err)
{
	int qmp[2] = {-1, -1}, serial[2] = {-1, -1}, net = -1;
	bool kvm = opt->accel == VPDUD_ACCEL_KVM || (opt->accel == VPDUD_ACCEL_AUTO && qemu_kvm_usable());
	bool cable = opt->net == VPDUD_NET_VETH || (opt->net == VPDUD_NET_AUTO && !tap_possible());
	char **argv = qemu_args_create(opt, m->port, kvm, cable);

	m->pid = -1;
	if (make_pair(qmp, 0, err) && make_pair(serial, 0, err) && plug_in(m, loop, opt, cable, &net, err)) {
		int theirs[] = {qmp[1], serial[1], net};

		enlarge(serial[1]);
		m->pid = spawn_child(argv, theirs, sizeof(theirs) / sizeof(*theirs), err);
	}
	qemu_args_destroy(argv);
	close_fd(qmp[1]);
	close_fd(serial[1]);
	close_fd(net); /* qemu's copy keeps it alive, for as long as qemu lives */
	if (m->pid < 0) {
		cable_stop(m->cable);
		close_fd(qmp[0]);
		close_fd(serial[0]);
	}
	ours[0] = qmp[0];
	ours[1] = serial[0];
	return m->pid > 0;
}

static void watch_all(struct machine *m, uv_loop_t *loop, const int ours[2])
{
	m->serial_fd = ours[1];
	uv_poll_init(loop, &m->exit_watch, m->pidfd);
	uv_pipe_init(loop, &m->qmp_pipe, 0);
	uv_pipe_init(loop, &m->serial, 0);
	m->exit_watch.data = m->qmp_pipe.data = m->serial.data = m;
	m->open_handles = 3;
	uv_pipe_open(&m->qmp_pipe, ours[0]);
	uv_pipe_open(&m->serial, ours[1]);
	uv_poll_start(&m->exit_watch, UV_READABLE, on_process_end);
	uv_read_start((uv_stream_t *)&m->qmp_pipe, on_alloc, on_qmp);
	uv_read_start((uv_stream_t *)&m->serial, on_alloc, on_serial);
}

struct machine *machine_start(uv_loop_t *loop, const struct vpdud_options *opt, unsigned port, const struct machine_events *events,
			      void *data, struct gw_error *err)
{
	struct machine *m = gw_calloc(1, sizeof(*m));
	int ours[2];

	m->port = port;
	m->events = events;
	m->data = data;
	if (!start_process(m, loop, opt, ours, err)) {
		free(m);
		return NULL;
	}
	m->pidfd = pidfd_open(m->pid, 0);
	gw_assert(m->pidfd >= 0); /* our own child, not yet reaped; Linux 5.3 or later */
	qmp_init(&m->qmp);
	watch_all(m, loop, ours);
	return m;
}

void machine_run(struct machine *m)
{
	send_bytes(&m->qmp_pipe, QMP_CONT, strlen(QMP_CONT));
}

void machine_kill(struct machine *m)
{
	kill(m->pid, SIGKILL); /* not reaped yet, so the number is still its own */
}

size_t machine_type(struct machine *m, const char *bytes, size_t n)
{
	send_bytes(&m->serial, bytes, n);
	return m->serial.write_queue_size;
}

int machine_pid(const struct machine *m)
{
	return m->pid;
}
