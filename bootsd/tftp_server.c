#include "bootsd/tftp_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bootsd/tftp_transfer.h"
#include "bootsd/udp.h"
#include "libgateway/log.h"

#define SERVER_PORT        69
#define REQUESTS           16 /* a turn of the loop */
#define COMPLAINT_BURST    20
#define COMPLAINT_EVERY_MS 500

struct asking {
	struct tftp_server *server;
	uint32_t ip;
	uint16_t port;
	struct machine *machine; /* NULL: none that we know for sure */
	struct mac mac;
	enum peer_is is;
	const uint8_t *bytes; /* the request */
	size_t n;
};

static void refuse(const struct asking *a, enum tftp_error code, const char *text)
{
	struct sockaddr_in to = udp_address(a->ip, a->port);
	uint8_t bytes[256];
	size_t n = tftp_error_encode(bytes, sizeof(bytes), code, text);

	if (sendto(a->server->fd, bytes, n, MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to)) < 0)
		log_debug("tftp: an error cannot be sent: %s", strerror(errno));
}

static void log_request(const struct asking *a, const char *file, const char *what)
{
	char ip[IP4_TEXT], mac[MAC_TEXT], name[256];

	if (bucket_take(&a->server->complaints, loop_now_ms(a->server->loop), COMPLAINT_BURST, COMPLAINT_EVERY_MS))
		log_info("%stftp: %s (%s) asks for '%s': %s", log_job(machine_job(a->machine)), ip4_print(ip, a->ip),
			 a->machine && a->machine->known ? a->machine->id : mac_print(mac, a->mac),
			 log_escape(name, sizeof(name), file, strlen(file)), what);
}

static char *path_of(const char *name)
{
	return gw_sprintf("%s%s", name[0] == '/' ? "" : "/", name);
}

/* Its job's file; NULL: there is none of that name. */
static struct boot_file *job_file(const struct asking *a, const char *name)
{
	struct boot_file *file;
	char *path;

	if (!a->machine || !a->machine->deployment)
		return NULL;
	path = path_of(name);
	file = machine_file(a->machine, path, true);
	free(path);
	return file ? boot_file_hold(file) : NULL;
}

/* A file that is not deployed may be what a regex of the job stands for. True: it waits for the answer of its jobd; a client that asks
 * again meanwhile waits on. */
static bool waits_for_its_job(const struct asking *a, const char *name)
{
	struct deployment *d = a->machine ? a->machine->deployment : NULL;
	struct sockaddr_in from = udp_address(a->ip, a->port);
	char *path = path_of(name);
	bool is_new = false;
	bool waits = d && deployment_may_have(d, path, true) && wanted_tftp(&d->wanted, path, &from, a->bytes, a->n, &is_new);

	if (waits && is_new && !seen_want(a->server->seen, a->machine, path, true))
		tftp_server_give(a->server, d, path, NULL);
	free(path);
	return waits;
}

/* One of iPXE's binaries; they are no secret. */
static struct boot_file *static_file(const struct asking *a, const char *name)
{
	uint64_t size;
	int fd;

	name += *name == '/';
	fd = dhcp_is_ipxe_binary(name) ? static_files_open(a->server->statics, name, &size, NULL) : -1;
	return fd < 0 ? NULL : boot_file_of(fd, size, name);
}

/* A machine has few transfers at a time: a new one ends its oldest. When there are too many in all, the oldest goes whose client has never
 * answered. False: there is no room. */
static bool make_room(struct tftp_server *s, uint32_t ip)
{
	struct tftp_transfer *oldest = NULL, *silent = NULL;
	unsigned n = 0;

	for (struct tftp_transfer *t = s->newest; t; t = t->prev) {
		if (t->ip == ip) {
			oldest = t;
			n++;
		}
		if (!t->answered)
			silent = t;
	}
	if (n >= TFTP_PER_ADDRESS)
		tftp_transfer_end(oldest, "too many transfers at once");
	else if (s->n >= TFTP_TRANSFERS && silent)
		tftp_transfer_end(silent, "too many transfers at once");
	return s->n < TFTP_TRANSFERS;
}

static void serve(const struct asking *a, const struct tftp_request *rq, struct boot_file *file, bool of_job)
{
	struct gw_error err = {0};
	struct tftp_transfer *t = NULL;

	if (!make_room(a->server, a->ip))
		gw_fail(&err, GW_BUSY, "too many transfers at once");
	else
		t = tftp_transfer_start(a->server, a->ip, a->port, rq, file, &err);
	if (!t)
		refuse(a, TFTP_E_OTHER, err.text);
	else if (of_job)
		t->mac = a->mac;
	log_request(a, rq->file, t ? of_job ? "its job's" : "iPXE" : err.text);
}

static void tell(const struct asking *a, const struct tftp_request *rq)
{
	if (a->machine)
		seen_tell(a->server->seen, &(struct seen_request){.mac = a->machine->mac,
								  .machine = a->machine,
								  .ip = a->ip,
								  .how = "tftp",
								  .netboot = true,
								  .file = rq->file});
}

static void read_request(const struct asking *a, const struct tftp_request *rq)
{
	struct boot_file *of_job = job_file(a, rq->file), *file = of_job ? of_job : static_file(a, rq->file);

	tell(a, rq);
	if (file) {
		serve(a, rq, file, of_job != NULL);
	} else if (a->is != PEER_UNRESOLVED &&
		   !waits_for_its_job(a, rq->file)) { /* else: who it is is known when it asks again, in a second */
		refuse(a, TFTP_E_NOT_FOUND, "there is no such file for the machine that asks");
		log_request(a, rq->file, a->is == PEER_IMPOSTOR ? "refused, the address is another machine's" : "not there");
	}
	boot_file_release(file);
}

static void on_request(struct tftp_server *s, const struct sockaddr_in *from, const uint8_t *bytes, size_t n)
{
	struct asking a = {.server = s, .ip = ntohl(from->sin_addr.s_addr), .port = ntohs(from->sin_port), .bytes = bytes, .n = n};
	struct gw_error err = {0};
	struct tftp_request rq;

	a.is = peers_find(s->peers, a.ip, &a.machine, &a.mac);
	if (!tftp_request_decode(&rq, bytes, n, &err)) {
		refuse(&a, TFTP_E_ILLEGAL, err.text);
		log_request(&a, "?", err.text);
	} else if (rq.op == TFTP_WRQ) {
		refuse(&a, TFTP_E_ACCESS, "nothing can be written here");
		log_request(&a, rq.file, "a write, refused");
	} else if (!rq.octet) {
		refuse(&a, TFTP_E_ILLEGAL, "the mode is not known; accepted: octet");
	} else {
		read_request(&a, &rq);
	}
}

static void give(void *data, const struct sockaddr_in *from, const void *bytes, size_t n, struct boot_file *file)
{
	const struct asking a = {.server = data, .ip = ntohl(from->sin_addr.s_addr), .port = ntohs(from->sin_port)};

	if (file)
		on_request(data, from, bytes, n);
	else
		refuse(&a, TFTP_E_NOT_FOUND, "there is no such file for the machine that asks");
}

void tftp_server_give(struct tftp_server *s, struct deployment *d, const char *path, struct boot_file *file)
{
	const struct wanted_answers answers = {.tftp = give, .data = s};

	wanted_give(&d->wanted, path, true, file, &answers);
}

static void on_readable(void *data, int events)
{
	struct tftp_server *s = data;

	for (int i = 0; i < REQUESTS; i++) {
		union {
			struct cmsghdr aligned;
			uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
		} control;
		uint8_t bytes[TFTP_REQUEST_MAX + 1];
		struct sockaddr_in from = {0};
		struct iovec iov = {bytes, sizeof(bytes)};
		struct msghdr msg = {.msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = control.bytes,
				     .msg_controllen = sizeof(control.bytes)};
		ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT);

		if (n < 0)
			return;
		if (udp_came_by(s->peers->net, &msg))
			on_request(s, &from, bytes, (size_t)n);
	}
}

bool tftp_server_start(struct tftp_server *s, struct loop *loop, int fd, struct peers *peers, const struct static_files *statics,
		       struct seen *seen, struct gw_error *err)
{
	*s = (struct tftp_server){.loop = loop, .peers = peers, .statics = statics, .seen = seen};
	if (fd < 0)
		fd = udp_open(peers->net, 0, SERVER_PORT, "TFTP", err);
	if (fd < 0)
		return false;
	s->fd = fd;
	s->room = gw_calloc(TFTP_WINDOW_MAX, TFTP_HEADER + TFTP_BLOCK_MAX);
	return udp_prepare(fd, "TFTP", err) && loop_fd_start(loop, &s->watch, fd, UV_READABLE, on_readable, s, err);
}

void tftp_server_stop(struct tftp_server *s)
{
	while (s->oldest)
		tftp_transfer_end(s->oldest, "bootsd stops");
	loop_fd_finish(&s->watch);
	if (s->fd)
		close(s->fd);
	free(s->room);
	*s = (struct tftp_server){0};
}

void tftp_server_forget(struct tftp_server *s, const struct machine *machine)
{
	for (struct tftp_transfer *t = s->oldest, *next; t; t = next) {
		next = t->next;
		if (mac_equal(t->mac, machine->mac))
			tftp_transfer_end(t, "the job has ended");
	}
}
