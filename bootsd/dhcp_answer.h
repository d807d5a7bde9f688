/* What a DHCP request is answered with: RFC 2131's server, for machines of the farm. No socket, no clock: a request, the tables and the
 * time go in, an answer comes out. */
#ifndef BOOTSD_DHCP_ANSWER_H
#define BOOTSD_DHCP_ANSWER_H

#include "bootsd/boots.h"
#include "bootsd/dhcp_classify.h"
#include "bootsd/dhcp_leases.h"

struct dhcp_context { /* all borrowed */
	const struct interface *net;
	const struct machines *machines;
	struct leases *leases;
	struct boots *boots; /* the boots DB; NULL: none */
};

struct dhcp_answer {
	struct machine *machine; /* whose request it is; NULL: unknown */
	struct dhcp_class class;
	uint32_t ip;               /* what it gets, or has; 0: nothing */
	enum dhcp_type type;       /* of the answer; 0: there is none */
	const char *why_not;       /* a reason for the log, of no answer or a NAK */
	uint32_t to;               /* where the answer goes; 0: broadcast */
	const char *boots;         /* for the log: what it is told to boot; NULL: nothing */
	unsigned left_out;         /* an option of the job that did not fit; 0: none */
	struct dhcp_writer packet; /* if there is an answer */
};

/* Fills in `answer`; true if there is one to send. */
bool dhcp_answer(struct dhcp_answer *answer, const struct dhcp_context *ctx, const struct dhcp_packet *request, uint64_t now_ms);

#endif
