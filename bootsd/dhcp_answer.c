#include "bootsd/dhcp_answer.h"

#include <stdio.h>
#include <string.h>

#define HEADER_FILE_MAX 127

struct answering {
	struct dhcp_answer *a;
	const struct dhcp_context *ctx;
	const struct dhcp_packet *request;
	const struct dhcp_rule *rule;      /* of the job; NULL: none */
	const struct boots_choice *choice; /* of the boots DB; NULL: none */
	const struct dhcp_rule *defaults;  /* of the choice; NULL: none */
	uint64_t now_ms;
};

static bool stay_silent(struct answering *s, const char *why)
{
	s->a->why_not = why;
	return false;
}

/* A DUT's own address is its own whatever a packet says; others get one of the range. */
static uint32_t own_ip(const struct answering *s)
{
	return s->a->machine ? s->a->machine->ip : 0;
}

/* The job's options, and what it leaves out of the boots DB's. */
static struct dhcp_bytes told_option(const struct answering *s, unsigned code)
{
	struct dhcp_bytes of_job = dhcp_rule_option(s->rule, code);

	return of_job.v ? of_job : dhcp_rule_option(s->defaults, code);
}

static uint32_t server_id(const struct answering *s)
{
	struct dhcp_bytes o = told_option(s, DHCP_SERVER_ID);

	return o.n == 4 ? (uint32_t)o.v[0] << 24 | (uint32_t)o.v[1] << 16 | (uint32_t)o.v[2] << 8 | o.v[3] : s->ctx->net->ip;
}

/* An option of ours, unless the job or the boots DB has given it. */
static void add(struct answering *s, unsigned code, const void *bytes, size_t n)
{
	if (!told_option(s, code).v)
		dhcp_add(&s->a->packet, code, bytes, n);
}

static void add_u32(struct answering *s, unsigned code, uint32_t value)
{
	if (!told_option(s, code).v)
		dhcp_add_u32(&s->a->packet, code, value);
}

static void begin(struct answering *s, enum dhcp_type type)
{
	const struct dhcp_bytes *id = &s->request->options[DHCP_CLIENT_ID];

	s->a->type = type;
	dhcp_begin(&s->a->packet, s->request, type);
	add_u32(s, DHCP_SERVER_ID, s->ctx->net->ip);
	if (id->n)
		dhcp_add(&s->a->packet, DHCP_CLIENT_ID, id->v, id->n); /* RFC 6842 */
}

static void add_network(struct answering *s)
{
	const char *name = s->a->machine && s->a->machine->known ? s->a->machine->hostname : NULL;

	add_u32(s, DHCP_SUBNET_MASK, s->ctx->net->mask);
	add_u32(s, DHCP_ROUTER, s->ctx->net->ip);
	add_u32(s, DHCP_NAME_SERVER, s->ctx->net->ip);
	if (name && *name && strlen(name) <= 255)
		add(s, DHCP_HOSTNAME, name, strlen(name));
}

static void add_told(struct answering *s, const struct dhcp_rule *rule, const struct dhcp_rule *over)
{
	for (size_t i = 0; rule && i < rule->n_options; i++) {
		const struct dhcp_rule_option *o = &rule->options[i];

		if (!dhcp_rule_option(over, o->code).v && !dhcp_add(&s->a->packet, o->code, o->value.v, o->value.n))
			s->a->left_out = o->code;
	}
}

/* U-Boot and old ROMs read the server and the file from BOOTP's header. */
static void add_header(struct answering *s)
{
	struct dhcp_bytes file = told_option(s, DHCP_BOOTFILE), server = told_option(s, DHCP_TFTP_SERVER);
	char text[IP4_TEXT];
	uint32_t ip;

	dhcp_set_next_server(&s->a->packet, s->ctx->net->ip);
	if (file.v && file.n <= HEADER_FILE_MAX)
		dhcp_set_file(&s->a->packet, file.v, file.n);
	if (server.n && server.n < sizeof(text)) {
		memcpy(text, server.v, server.n);
		text[server.n] = '\0';
		if (ip4_decode(&ip, text))
			dhcp_set_next_server(&s->a->packet, ip);
	}
}

static void add_boot(struct answering *s)
{
	if (!s->rule && !s->defaults)
		return;
	add_told(s, s->rule, NULL);
	add_told(s, s->defaults, s->rule);
	add_header(s);
	if (dhcp_rule_option(s->rule, DHCP_BOOTFILE).v)
		s->a->boots = "its job's own file";
	else if (dhcp_rule_option(s->defaults, DHCP_BOOTFILE).v)
		s->a->boots = s->choice->entry;
}

/* `leases`: whether the answer carries an address and its time; INFORM's does not. */
static bool finish_answer(struct answering *s, bool leases)
{
	const struct dhcp_bytes *uuid = &s->request->options[DHCP_UUID];

	if (leases) {
		dhcp_set_your_ip(&s->a->packet, s->a->ip);
		add_u32(s, DHCP_LEASE_TIME, LEASE_SECONDS);
	}
	add_network(s);
	add_boot(s);
	if (uuid->n && s->a->class.netboot)
		add(s, DHCP_UUID, uuid->v, uuid->n); /* PXE's specification wants it back */
	dhcp_end(&s->a->packet);
	s->a->to = s->request->ciaddr == s->a->ip ? s->a->ip : 0; /* it has it already */
	return true;
}

static bool refuse(struct answering *s, const char *why)
{
	begin(s, DHCP_NAK);
	dhcp_add(&s->a->packet, DHCP_MESSAGE, why, strlen(why));
	dhcp_end(&s->a->packet);
	s->a->why_not = why;
	s->a->to = 0;
	return true;
}

static bool on_discover(struct answering *s)
{
	s->a->ip = own_ip(s);
	if (!s->a->ip)
		s->a->ip = leases_offer(s->ctx->leases, s->request->mac, dhcp_ip_option(s->request, DHCP_WANTED_ADDRESS), s->now_ms);
	if (!s->a->ip)
		return stay_silent(s, "no address of the range is free");
	begin(s, DHCP_OFFER);
	return finish_answer(s, true);
}

/* RFC 2131 section 4.3.2: the address is in option 50 after an offer or a reboot, in ciaddr for a renewal. A MAC without an address here
 * gets what it names, if that can be: bootsd may have lost its leases, and silence would cost the machine half a minute. */
static bool on_request(struct answering *s)
{
	uint32_t asked = dhcp_ip_option(s->request, DHCP_WANTED_ADDRESS), own = own_ip(s);

	if (!asked)
		asked = s->request->ciaddr;
	if (!asked)
		return stay_silent(s, "it names no address");
	if (!own && !leases_address_of(s->ctx->leases, s->request->mac, s->now_ms))
		leases_offer(s->ctx->leases, s->request->mac, asked, s->now_ms);
	if (own ? asked != own : !leases_bind(s->ctx->leases, s->request->mac, asked, s->now_ms))
		return refuse(s, "this address is not yours");
	s->a->ip = asked;
	begin(s, DHCP_ACK);
	return finish_answer(s, true);
}

static bool on_inform(struct answering *s)
{
	if (!interface_may_lend(s->ctx->net, s->request->ciaddr))
		return stay_silent(s, "its address is none of a machine here");
	s->a->ip = s->request->ciaddr;
	begin(s, DHCP_ACK);
	return finish_answer(s, false);
}

static bool on_release(struct answering *s)
{
	s->a->ip = s->request->ciaddr;
	leases_release(s->ctx->leases, s->request->mac, s->a->ip);
	return stay_silent(s, NULL);
}

static bool on_decline(struct answering *s)
{
	leases_decline(s->ctx->leases, s->request->mac, dhcp_ip_option(s->request, DHCP_WANTED_ADDRESS), s->now_ms);
	return stay_silent(s, "it says that another machine uses its address");
}

static bool (*const handlers[])(struct answering *) = {
	[DHCP_DISCOVER] = on_discover, [DHCP_REQUEST] = on_request, [DHCP_DECLINE] = on_decline,
	[DHCP_RELEASE] = on_release,   [DHCP_INFORM] = on_inform,
};

static void identify(struct answering *s)
{
	struct machine *machine = machines_by_mac(s->ctx->machines, s->request->mac);

	s->a->machine = machine;
	dhcp_classify(&s->a->class, s->request);
	if (!machine || !machine->deployment)
		return;
	s->rule = dhcp_rules_find(&machine->deployment->dhcp, &s->a->class, s->request->mac);
	if (s->a->class.netboot && s->ctx->boots)
		s->choice = boots_choose(s->ctx->boots, machine, &s->a->class, s->now_ms);
	if (s->choice)
		s->defaults = dhcp_rules_find(&s->choice->dhcp, &s->a->class, s->request->mac);
}

/* What is said to another server is none of our business. A DISCOVER names none. */
static bool is_for_us(const struct answering *s)
{
	const struct dhcp_bytes *o = &s->request->options[DHCP_SERVER_ID];

	return !o->v || dhcp_ip_option(s->request, DHCP_SERVER_ID) == server_id(s);
}

bool dhcp_answer(struct dhcp_answer *answer, const struct dhcp_context *ctx, const struct dhcp_packet *request, uint64_t now_ms)
{
	struct answering s = {.a = answer, .ctx = ctx, .request = request, .now_ms = now_ms};

	memset(answer, 0, offsetof(struct dhcp_answer, packet));
	identify(&s);
	if (request->giaddr)
		return stay_silent(&s, "it comes by a relay, and none is configured");
	if (!is_for_us(&s))
		return stay_silent(&s, "it is for another server");
	/* Until executord has said what DUTs there are, an address might be another's. */
	if (!ctx->machines->configured)
		return stay_silent(&s, "the DUTs are not known yet");
	return request->type < sizeof(handlers) / sizeof(handlers[0]) && handlers[request->type] ? handlers[request->type](&s)
												 : stay_silent(&s, "it is a server's");
}
