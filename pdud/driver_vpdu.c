/* The virtual PDU of protocols.md: a connection for each ask, since not every such PDU reads a second request from one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pdud/driver.h"
#include "pdud/resolve.h"
#include "pdud/vpdu_reply.h"
#include "pdud/vpdud/wire.h"

/* The whole ask, connection and name included. A qemu that starts takes its time on a loaded host, and vpdud gives it 20 s. */
static const unsigned deadline_ms[] = {[DRIVER_LIST] = 3000, [DRIVER_READ] = 3000, [DRIVER_ON] = 25000, [DRIVER_OFF] = 10000};

struct vpdu {
	struct loop *loop;
	char *host; /* owned */
	uint16_t port;
	struct addresses addresses; /* of the last DRIVER_LIST */
	size_t good;                /* which of them answered */
	struct asking *first;       /* owned: under way */
};

struct asking {
	struct asking *next; /* in vpdu.first */
	struct vpdu *v;
	struct driver_ask *ask;
	struct resolve *resolve; /* owned; NULL: not under way */
	struct loop_timer deadline;
	struct attempt *attempt; /* frees itself once it is dropped */
	size_t next_address;     /* of a DRIVER_LIST: tried if this one fails */
	char bytes[2];           /* of the answer; the second one is one too many */
};

struct attempt {
	uv_tcp_t tcp;
	uv_connect_t connect;
	struct asking *a; /* NULL: dropped */
};

static void free_attempt(uv_handle_t *tcp)
{
	free(tcp->data);
}

static void drop_attempt(struct asking *a)
{
	if (!a->attempt)
		return;
	a->attempt->a = NULL;
	uv_close((uv_handle_t *)&a->attempt->tcp, free_attempt);
	a->attempt = NULL;
}

static void end(struct asking *a)
{
	struct asking **link = &a->v->first;

	while (*link != a)
		link = &(*link)->next;
	*link = a->next;
	resolve_cancel(a->resolve);
	loop_timer_finish(&a->deadline);
	drop_attempt(a);
	free(a);
}

static void fail(struct asking *a, const struct gw_error *why)
{
	struct driver_ask *ask = a->ask;
	struct gw_error err = *why;

	gw_context(&err, "%s:%u", a->v->host, a->v->port);
	end(a);
	ask->done(ask, NULL, &err);
}

static void fail_unreachable(struct asking *a, const char *why)
{
	struct gw_error err;

	gw_fail(&err, GW_UNREACHABLE, "%s", why);
	fail(a, &err);
}

static void answer_list(struct driver_ask *ask, unsigned count)
{
	struct driver_port ports[255];
	char ids[255][4];

	for (unsigned i = 0; i < count; i++) {
		snprintf(ids[i], sizeof(ids[i]), "%hhu", (unsigned char)i);
		ports[i] = (struct driver_port){.id = ids[i]};
	}
	ask->done(ask, &(struct driver_answer){.ports = ports, .n_ports = count}, NULL);
}

static void take_answer(struct asking *a, uint8_t byte)
{
	struct driver_ask *ask = a->ask;
	struct vpdu_reply reply;
	struct gw_error err = {0};

	if (!vpdu_reply_decode(ask->op, byte, &reply, &err)) {
		fail(a, &err);
		return;
	}
	end(a);
	if (ask->op == DRIVER_LIST)
		answer_list(ask, reply.count);
	else
		ask->done(ask, &(struct driver_answer){.state = reply.state}, NULL);
}

static void on_alloc(uv_handle_t *tcp, size_t suggested, uv_buf_t *buf)
{
	struct asking *a = ((struct attempt *)tcp->data)->a;

	*buf = uv_buf_init(a->bytes, sizeof(a->bytes));
}

static void on_read(uv_stream_t *tcp, ssize_t n, const uv_buf_t *buf)
{
	struct asking *a = ((struct attempt *)tcp->data)->a;
	struct gw_error err = {0};

	if (n == 1) {
		take_answer(a, (uint8_t)a->bytes[0]);
	} else if (n > 1) {
		gw_fail(&err, GW_BAD_INPUT, "answered more than one byte");
		fail(a, &err);
	} else if (n < 0) {
		fail_unreachable(a, n == UV_EOF ? "it closed the connection without an answer" : uv_strerror((int)n));
	}
}

static void send_request(struct asking *a)
{
	static const enum vpdu_op ops[] = {
		[DRIVER_LIST] = VPDU_COUNT_PORTS, [DRIVER_READ] = VPDU_STATE, [DRIVER_ON] = VPDU_TURN_ON, [DRIVER_OFF] = VPDU_TURN_OFF};
	struct vpdu_request request = {ops[a->ask->op], a->ask->op == DRIVER_LIST ? 0 : (unsigned)atoi(a->ask->port)};
	uv_stream_t *tcp = (uv_stream_t *)&a->attempt->tcp;
	uint8_t bytes[VPDU_REQUEST_BYTES];
	uv_buf_t buf = uv_buf_init((char *)bytes, sizeof(bytes));

	vpdu_request_encode(&request, bytes);
	if (uv_try_write(tcp, &buf, 1) != sizeof(bytes)) /* a fresh connection takes four bytes at once */
		fail_unreachable(a, "it does not take a request");
	else
		uv_read_start(tcp, on_alloc, on_read);
}

static void connect_to(struct asking *a, size_t which);

static void connect_failed(struct asking *a, int status)
{
	if (a->next_address < a->v->addresses.n)
		connect_to(a, a->next_address++);
	else
		fail_unreachable(a, uv_strerror(status));
}

static void on_connected(uv_connect_t *connect, int status)
{
	struct asking *a = ((struct attempt *)connect->data)->a;

	if (a && status == 0)
		send_request(a);
	else if (a)
		connect_failed(a, status);
}

static void connect_to(struct asking *a, size_t which)
{
	struct attempt *t = gw_calloc(1, sizeof(*t));
	struct sockaddr_storage address = a->v->addresses.v[which];
	int rc;

	if (address.ss_family == AF_INET)
		((struct sockaddr_in *)&address)->sin_port = htons(a->v->port);
	else
		((struct sockaddr_in6 *)&address)->sin6_port = htons(a->v->port);
	drop_attempt(a);
	t->a = a;
	t->tcp.data = t->connect.data = t;
	a->attempt = t;
	a->v->good = which;
	uv_tcp_init(&a->v->loop->uv, &t->tcp);
	rc = uv_tcp_connect(&t->connect, &t->tcp, (const struct sockaddr *)&address, on_connected);
	if (rc < 0)
		connect_failed(a, rc);
}

/* A name may have addresses on which nothing listens (localhost is ::1 too): each is tried, and what answered is used from then on. */
static void connect_first(struct asking *a)
{
	a->next_address = 1;
	connect_to(a, 0);
}

static void on_resolved(void *data, const struct addresses *found, const char *error)
{
	struct asking *a = data;

	a->resolve = NULL;
	if (!found) {
		fail_unreachable(a, error);
		return;
	}
	a->v->addresses = *found;
	connect_first(a);
}

static void on_deadline(void *data)
{
	struct asking *a = data;
	char why[64];

	snprintf(why, sizeof(why), "no answer within %u s", deadline_ms[a->ask->op] / 1000);
	fail_unreachable(a, why);
}

/* The first step, from the loop, since an ask is never answered inside itself. The name is looked up anew whenever the PDU comes up. */
static void begin(void *data)
{
	struct asking *a = data;
	struct vpdu *v = a->v;

	loop_timer_start(v->loop, &a->deadline, deadline_ms[a->ask->op], on_deadline, a);
	a->next_address = RESOLVE_MAX;
	if (a->ask->op != DRIVER_LIST)
		connect_to(a, v->good);
	else if (resolve_literal(v->host, &v->addresses))
		connect_first(a);
	else
		a->resolve = resolve_start(v->loop, v->host, on_resolved, a);
}

static void ask_vpdu(void *device, struct driver_ask *ask)
{
	struct vpdu *v = device;
	struct asking *a = gw_calloc(1, sizeof(*a));

	*a = (struct asking){.next = v->first, .v = v, .ask = ask};
	v->first = a;
	loop_timer_start(v->loop, &a->deadline, 0, begin, a);
}

static void destroy(void *device)
{
	struct vpdu *v = device;

	while (v->first)
		end(v->first);
	free(v->host);
	free(v);
}

static void *create(struct loop *loop, const cJSON *config, struct gw_error *err)
{
	static const char *const known[] = {"hostname", NULL};
	const char *hostname = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "hostname"));
	struct vpdu *v = gw_calloc(1, sizeof(*v));

	v->loop = loop;
	if (driver_knows_keys(config, known, err) &&
	    (hostname || gw_fail(err, GW_BAD_INPUT, "config.hostname: needed; accepted: HOST or HOST:PORT")) &&
	    vpdu_hostname_decode(hostname, &v->host, &v->port, err))
		return v;
	destroy(v);
	return NULL;
}

/* No events: what others switch is seen by reading. */
const struct driver driver_vpdu = {
	.name = "vpdu", .poll_ms = 2000, .parallel = 16, .min_off_ms = 100, .create = create, .ask = ask_vpdu, .destroy = destroy};
