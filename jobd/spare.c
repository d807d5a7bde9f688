#include "jobd/spare.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"

#define CONNECTION "connection"

/* ---- wanted ---- */

/* A job that runs is carried to its end: the executord that comes next adopts it. */
static void on_connection(void *data, int events)
{
	struct jobd *j = data;
	char byte;
	ssize_t n = recv(j->spare.fd, &byte, 1, MSG_DONTWAIT);

	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	loop_fd_finish(&j->spare.watch);
	if (j->drive.run)
		return;
	log_info("not wanted any more: the connection has ended");
	loop_stop(&j->loop);
}

bool spare_start(struct jobd *j, struct gw_error *err)
{
	j->spare.fd = activation_find(&j->fds, CONNECTION);
	return j->spare.fd < 0 || loop_fd_start(&j->loop, &j->spare.watch, j->spare.fd, UV_READABLE, on_connection, j, err);
}

void spare_finish(struct jobd *j)
{
	loop_fd_finish(&j->spare.watch);
	if (j->spare.fd > 0)
		close(j->spare.fd);
}

/* ---- hello ---- */

static void on_hello(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;

	if (answer || err->kind == GW_UNREACHABLE)
		return; /* it comes up again, and then hears it again */
	if (err->kind == GW_NOT_FOUND && j->drive.run) {
		log_warning("job=%s executord does not know it: %s", j->go->job, err->text);
		drive_happened(j, RUN_CANCEL, "the gateway does not know this job any more");
	} else {
		log_warning("executord does not take us: %s", err->text);
	}
}

static void say_hello(struct jobd *j)
{
	struct msg_job_hello hello = {.bus = (char *)(uintptr_t)bus_name(&j->bus), .pid = getpid(), .running = j->report.is_running};

	if (j->drive.run) {
		hello.job = j->go->job;
		hello.capability = j->go->capability;
	}
	bus_ask(&j->bus, "executord", MSG_JOB_HELLO, &hello, 0, on_hello, j);
}

/* ---- peers ---- */

static void executord_up(struct jobd *j)
{
	say_hello(j);
}

static void nothing(struct jobd *j)
{
}

static const struct {
	const char *name;
	void (*up)(struct jobd *j), (*gap)(struct jobd *j);
} peers[] = {
	{"executord", executord_up, nothing},
	{"pdud", power_pdud_up, power_pdud_up}, /* whether the lease was lost shows in its renewal */
	{"bootsd", boot_bootsd_up, boot_bootsd_gap},
	{"artifactd", nothing, nothing},
};

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	struct jobd *j = owner;

	if (what == BUS_PEER_DOWN)
		return;
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++) {
		if (strcmp(peers[i].name, peer) == 0) {
			if (what == BUS_PEER_UP)
				peers[i].up(j);
			else
				peers[i].gap(j);
		}
	}
	if (what == BUS_PEER_UP) /* behind the hello: who asks executord is known to it */
		asks_peer_up(&j->asks, peer);
}

bool peers_start(struct jobd *j)
{
	j->asks = (struct asks){.bus = &j->bus, .loop = &j->loop};
	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers); i++)
		bus_watch(&j->bus, peers[i].name, on_peer, j);
	return true;
}
