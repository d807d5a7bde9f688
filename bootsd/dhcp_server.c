#include "bootsd/dhcp_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bootsd/udp.h"
#include "libgateway/log.h"

#define SERVER_PORT        67
#define CLIENT_PORT        68
#define BATCH              32
#define BATCHES            4 /* a turn of the loop: others get theirs in between */
#define COMPLAINT_BURST    20
#define COMPLAINT_EVERY_MS 500

/* Room for a batch, made once. */
struct dhcp_batch {
	uint8_t in[BATCH][DHCP_PACKET_MAX + 1]; /* one more: what is longer is seen to be */
	union {
		struct cmsghdr aligned;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control[BATCH];
	struct iovec in_iov[BATCH], out_iov[BATCH];
	struct mmsghdr received[BATCH], sent[BATCH];
	struct dhcp_answer answers[BATCH];
	struct sockaddr_in to[BATCH];
	union {
		struct cmsghdr aligned;
		uint8_t bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} by; /* the interface that all answers go out by */
	struct dhcp_packet request;
};

static bool may_complain(struct dhcp_server *s)
{
	return bucket_take(&s->complaints, loop_now_ms(s->loop), COMPLAINT_BURST, COMPLAINT_EVERY_MS);
}

static void log_answer(struct dhcp_server *s, const struct dhcp_packet *request, const struct dhcp_answer *a)
{
	char mac[MAC_TEXT], ip[IP4_TEXT];
	const char *job = log_job(machine_job(a->machine));

	mac_print(mac, request->mac);
	ip4_print(ip, a->ip);
	if (a->why_not)
		log_info("%sdhcp: %s of %s (%s): %s: %s", job, dhcp_type_name(request->type), mac,
			 a->machine && a->machine->known ? a->machine->id : "unknown", a->type ? dhcp_type_name(a->type) : "no answer",
			 a->why_not);
	else if (a->class.netboot || request->type != DHCP_DISCOVER)
		log_info("%sdhcp: %s of %s (%s): %s %s%s%s", job, dhcp_type_name(request->type), mac,
			 a->machine && a->machine->known ? a->machine->id : "unknown", a->type ? dhcp_type_name(a->type) : "done,", ip,
			 a->class.netboot ? ", boots " : "",
			 !a->class.netboot ? ""
			 : a->boots        ? a->boots
					   : "nothing of ours");
	if (a->left_out)
		log_warning("%sdhcp: option %u of the job of %s does not fit into an answer that the client accepts", job, a->left_out,
			    mac);
}

/* A machine's DISCOVER and REQUEST of one exchange are told of once. Unknown ones only if they netboot. */
static void tell(struct dhcp_server *s, const struct dhcp_packet *request, const struct dhcp_answer *a)
{
	if (request->type != DHCP_DISCOVER && request->type != DHCP_REQUEST)
		return;
	if (!a->machine && (request->type != DHCP_DISCOVER || !a->class.netboot))
		return;
	if (a->machine && a->machine->last_xid == request->xid)
		return;
	if (a->machine)
		a->machine->last_xid = request->xid;
	seen_tell(s->seen, &(struct seen_request){.mac = request->mac,
						  .machine = a->machine,
						  .ip = a->ip,
						  .how = "dhcp",
						  .netboot = a->class.netboot,
						  .class = &a->class});
}

/* RFC 2131 section 4.1: to a client without an address a broadcast, since it cannot answer ARP yet and entering its MAC in the kernel's
 * table would need a capability more; every client takes one. */
static void put_answer(struct dhcp_server *s, unsigned n)
{
	struct dhcp_batch *b = s->batch;

	b->to[n] = udp_address(b->answers[n].to ? b->answers[n].to : INADDR_BROADCAST, CLIENT_PORT);
	b->out_iov[n] = (struct iovec){b->answers[n].packet.bytes, b->answers[n].packet.n};
	b->sent[n].msg_hdr = (struct msghdr){.msg_name = &b->to[n],
					     .msg_namelen = sizeof(b->to[n]),
					     .msg_iov = &b->out_iov[n],
					     .msg_iovlen = 1,
					     .msg_control = b->by.bytes,
					     .msg_controllen = sizeof(b->by.bytes)};
}

/* Fills in answer n; true if it is to be sent. */
static bool handle(struct dhcp_server *s, const uint8_t *bytes, size_t len, unsigned n)
{
	struct dhcp_batch *b = s->batch;
	struct gw_error err = {0};
	bool answered;

	if (!dhcp_decode(&b->request, bytes, len, &err)) {
		if (may_complain(s))
			log_warning("dhcp: a packet is ignored: %s", err.text);
		return false;
	}
	answered = dhcp_answer(&b->answers[n], &s->ctx, &b->request, loop_now_ms(s->loop));
	if (may_complain(s))
		log_answer(s, &b->request, &b->answers[n]);
	tell(s, &b->request, &b->answers[n]);
	if (answered)
		put_answer(s, n);
	return answered;
}

static void send_answers(struct dhcp_server *s, unsigned n)
{
	unsigned done = 0;

	lease_journal_flush(s->journal);
	while (done < n) {
		int r = sendmmsg(s->fd, s->batch->sent + done, n - done, 0);

		if (r < 0 && errno != EINTR && may_complain(s))
			log_warning("dhcp: an answer cannot be sent: %s", strerror(errno));
		done += r > 0 ? (unsigned)r : 1; /* one that failed is not tried again: the client asks again */
	}
}

static void prepare_receive(struct dhcp_batch *b)
{
	for (unsigned i = 0; i < BATCH; i++) {
		b->in_iov[i] = (struct iovec){b->in[i], sizeof(b->in[i])};
		b->received[i].msg_hdr = (struct msghdr){.msg_iov = &b->in_iov[i],
							 .msg_iovlen = 1,
							 .msg_control = b->control[i].bytes,
							 .msg_controllen = sizeof(b->control[i].bytes)};
	}
}

static void on_readable(void *data, int events)
{
	struct dhcp_server *s = data;
	struct dhcp_batch *b = s->batch;
	int got = BATCH;

	for (int turn = 0; got == BATCH && turn < BATCHES; turn++) {
		unsigned answers = 0;

		prepare_receive(b);
		got = recvmmsg(s->fd, b->received, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < got; i++)
			if (udp_came_by(s->ctx.net, &b->received[i].msg_hdr) && handle(s, b->in[i], b->received[i].msg_len, answers))
				answers++;
		send_answers(s, answers);
	}
}

static void prepare_interface(struct dhcp_server *s)
{
	struct in_pktinfo info = {.ipi_ifindex = (int)s->ctx.net->index, .ipi_spec_dst.s_addr = htonl(s->ctx.net->ip)};

	s->batch->by.aligned = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(info)), .cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO};
	memcpy(CMSG_DATA(&s->batch->by.aligned), &info, sizeof(info));
}

bool dhcp_server_start(struct dhcp_server *s, struct loop *loop, int fd, const struct dhcp_context *ctx, struct lease_journal *journal,
		       struct seen *seen, struct gw_error *err)
{
	*s = (struct dhcp_server){.loop = loop, .ctx = *ctx, .journal = journal, .seen = seen};
	if (fd < 0)
		fd = udp_open(ctx->net, 0, SERVER_PORT, "DHCP", err);
	if (fd < 0)
		return false;
	s->fd = fd;
	s->batch = gw_calloc(1, sizeof(*s->batch));
	prepare_interface(s);
	return udp_prepare(fd, "DHCP", err) && loop_fd_start(loop, &s->watch, fd, UV_READABLE, on_readable, s, err);
}

void dhcp_server_stop(struct dhcp_server *s)
{
	loop_fd_finish(&s->watch);
	if (s->fd)
		close(s->fd);
	free(s->batch);
	*s = (struct dhcp_server){0};
}
