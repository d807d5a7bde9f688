/* Tells the bus of machines that ask for an address or for something to boot (boot.seen), at a bounded rate. */
#ifndef BOOTSD_SEEN_H
#define BOOTSD_SEEN_H

#include "bootsd/bucket.h"
#include "bootsd/dhcp_classify.h"
#include "bootsd/machines.h"
#include "libbus/bus.h"

struct seen {
	struct bus *bus;         /* borrowed */
	struct loop *loop;       /* borrowed */
	struct bucket strangers; /* all unknown machines together: a DUT may send any number of MACs */
};

struct seen_request {
	struct mac mac;
	struct machine *machine; /* NULL: unknown */
	uint32_t ip;             /* 0: none */
	const char *how;         /* "dhcp", "tftp", "http" */
	bool netboot;
	const struct dhcp_class *class; /* NULL: not a DHCP request */
	const char *file;               /* asked for; NULL: none */
};

/* Tells the machine's job that it asks for a file which is not deployed (boot.wanted). False: it asks for too many. */
bool seen_want(struct seen *seen, struct machine *machine, const char *path, bool tftp);
void seen_tell(struct seen *seen, const struct seen_request *request);

#endif
