#include "bootsd/tftp_transfer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bootsd/udp.h"
#include "libgateway/log.h"

#define FIRST_TIMEOUT_MS 1000 /* doubled at each try, unless the client has said how long it waits itself */
#define TIMEOUT_MAX_MS   8000
#define TRIES            6

static void unlink_transfer(struct tftp_transfer *t)
{
	struct tftp_server *s = t->server;

	*(t->prev ? &t->prev->next : &s->oldest) = t->next;
	*(t->next ? &t->next->prev : &s->newest) = t->prev;
	s->n--;
}

static void link_transfer(struct tftp_server *s, struct tftp_transfer *t)
{
	t->prev = s->newest;
	*(s->newest ? &s->newest->next : &s->oldest) = t;
	s->newest = t;
	s->n++;
}

void tftp_transfer_end(struct tftp_transfer *t, const char *why)
{
	uint8_t bytes[128];

	if (why && send(t->fd, bytes, tftp_error_encode(bytes, sizeof(bytes), TFTP_E_OTHER, why), MSG_DONTWAIT) < 0)
		log_debug("tftp: an error cannot be sent: %s", strerror(errno));
	unlink_transfer(t);
	loop_timer_finish(&t->timer);
	loop_fd_finish(&t->watch);
	close(t->fd);
	boot_file_release(t->file);
	free(t);
}

/* The kernel cuts it into datagrams of `block` and a header each (UDP_SEGMENT): a third of the CPU of a call for each. */
static bool send_segmented(struct tftp_transfer *t, size_t n)
{
	union {
		struct cmsghdr aligned;
		uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
	} control = {0};
	uint16_t segment = (uint16_t)(TFTP_HEADER + t->terms.block);
	struct iovec iov = {t->server->room, n};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};

	control.aligned.cmsg_len = CMSG_LEN(sizeof(segment));
	control.aligned.cmsg_level = IPPROTO_UDP;
	control.aligned.cmsg_type = UDP_SEGMENT;
	memcpy(CMSG_DATA(&control.aligned), &segment, sizeof(segment));
	return sendmsg(t->fd, &msg, MSG_DONTWAIT) >= 0 || (errno != EINVAL && errno != EIO && errno != EOPNOTSUPP && errno != ENOPROTOOPT);
}

/* What cannot be sent counts as lost on the way. */
static void send_all(struct tftp_transfer *t, size_t n)
{
	size_t segment = TFTP_HEADER + t->terms.block;

	if (n > segment && send_segmented(t, n))
		return;
	for (size_t at = 0; at < n; at += segment)
		if (send(t->fd, t->server->room + at, n - at < segment ? n - at : segment, MSG_DONTWAIT) < 0 && errno != ECONNREFUSED)
			log_debug("tftp: a block cannot be sent: %s", strerror(errno));
}

/* The blocks that are due, one behind the other in the server's room. False: the file cannot be read. */
static bool send_blocks(struct tftp_transfer *t)
{
	unsigned count = tftp_window_to_send(&t->window);
	uint8_t *at = t->server->room;

	for (unsigned i = 0; i < count; i++) {
		uint64_t block = t->window.sent + 1 + i;
		ssize_t n = boot_file_read(t->file, at + TFTP_HEADER, t->terms.block, (block - 1) * t->terms.block);

		if (n < 0)
			return false;
		tftp_data_header(at, block);
		at += TFTP_HEADER + n;
	}
	t->window.sent += count;
	send_all(t, (size_t)(at - t->server->room));
	return true;
}

static void on_timeout(void *data);

static void wait_for_answer(struct tftp_transfer *t)
{
	uint64_t ms = t->terms.timeout_s ? t->terms.timeout_s * 1000ull : (uint64_t)FIRST_TIMEOUT_MS << t->tries;

	if (!t->terms.timeout_s && ms > TIMEOUT_MAX_MS)
		ms = TIMEOUT_MAX_MS;
	loop_timer_start(t->server->loop, &t->timer, ms, on_timeout, t);
}

/* Sends what is due; may end the transfer. */
static void go_on(struct tftp_transfer *t)
{
	if (t->window.oack) {
		if (send(t->fd, t->oack, t->oack_len, MSG_DONTWAIT) < 0)
			log_debug("tftp: options cannot be sent: %s", strerror(errno));
	} else if (!send_blocks(t)) {
		log_error("%stftp: %s cannot be read: %s", log_job(machine_job(machines_by_mac(t->server->peers->machines, t->mac))),
			  t->file->path, strerror(errno));
		tftp_transfer_end(t, "the file cannot be read");
		return;
	}
	wait_for_answer(t);
}

static void on_timeout(void *data)
{
	struct tftp_transfer *t = data;

	if (++t->tries == TRIES) {
		tftp_transfer_end(t, "no answer");
		return;
	}
	tftp_window_timeout(&t->window);
	go_on(t);
}

static void on_ack(struct tftp_transfer *t, unsigned number)
{
	if (!tftp_window_ack(&t->window, number))
		return;
	t->answered = true;
	t->tries = 0;
	if (tftp_window_done(&t->window))
		tftp_transfer_end(t, NULL);
	else
		go_on(t);
}

/* One packet a turn: a machine that floods gets no more than the others. An error of the socket is the client's "port unreachable". */
static void on_readable(void *data, int events)
{
	struct tftp_transfer *t = data;
	uint8_t bytes[TFTP_REQUEST_MAX];
	enum tftp_op op;
	unsigned number;
	ssize_t n = recv(t->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		tftp_transfer_end(t, NULL);
	else if (n >= 0 && tftp_reply_decode(&op, &number, bytes, (size_t)n) && op == TFTP_ERROR)
		tftp_transfer_end(t, NULL); /* OVMF asks for the size and then stops, to begin anew */
	else if (n >= 0 && tftp_reply_decode(&op, &number, bytes, (size_t)n))
		on_ack(t, number);
}

static int open_socket(const struct interface *net, uint32_t ip, uint16_t port, struct gw_error *err)
{
	struct sockaddr_in to = udp_address(ip, port);
	int fd = udp_open(net, net->ip, 0, "TFTP", err);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	gw_fail_errno(err, GW_UNREACHABLE, errno, "TFTP: the client cannot be answered");
	close(fd);
	return -1;
}

struct tftp_transfer *tftp_transfer_start(struct tftp_server *s, uint32_t ip, uint16_t port, const struct tftp_request *rq,
					  struct boot_file *file, struct gw_error *err)
{
	int fd = open_socket(s->peers->net, ip, port, err);
	struct tftp_transfer *t;

	if (fd < 0)
		return NULL;
	t = gw_calloc(1, sizeof(*t));
	*t = (struct tftp_transfer){.server = s, .ip = ip, .fd = fd, .file = boot_file_hold(file)};
	link_transfer(s, t);
	tftp_agree(&t->terms, rq);
	tftp_window_start(&t->window, file->size, t->terms.block, t->terms.window, t->terms.oack);
	t->oack_len = t->terms.oack ? tftp_oack_encode(t->oack, rq, &t->terms, file->size) : 0;
	if (!loop_fd_start(s->loop, &t->watch, fd, UV_READABLE, on_readable, t, err)) {
		tftp_transfer_end(t, NULL);
		return NULL;
	}
	go_on(t);
	return t;
}
