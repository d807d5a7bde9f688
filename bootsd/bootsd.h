/* All that bootsd has, in one zeroed struct. */
#ifndef BOOTSD_BOOTSD_H
#define BOOTSD_BOOTSD_H

#include "bootsd/boots.h"
#include "bootsd/dhcp_server.h"
#include "bootsd/peer.h"
#include "bootsd/router_advert.h"
#include "bootsd/static_files.h"
#include "bootsd/tftp_server.h"
#include "libbus/bus.h"
#include "libbus/ended_jobs.h"
#include "libgateway/activation.h"
#include "libgateway/env.h"
#include "libgateway/files.h"
#include "libgateway/http_server.h"

struct bootsd {
	struct env env;
	struct loop loop;
	struct activation fds;
	struct interface net;
	struct dhcp_range range;
	struct static_files statics;
	struct machines machines;
	struct boots boots;
	struct leases leases;
	struct file_lock lock; /* of STATE/bootsd: two must not share it */
	struct lease_journal journal;
	struct peers peers;
	struct bus bus;
	struct seen seen;
	struct dhcp_server dhcp;
	struct tftp_server tftp;
	struct router_advert ra;
	struct http_server *http;
	uint16_t http_port;
	char *artifacts;      /* the artifact root's path */
	char *capability_key; /* executord's; NULL: not told yet */
	struct ended_jobs ended;
};

/* boot_bus.c: the bus's side. */
extern const struct bus_handler boot_bus_handlers[];

/* boot_http.c: what DUTs fetch by HTTP. */
bool boot_http_start(struct bootsd *b, struct gw_error *err);
void boot_http_stop(struct bootsd *b);
/* `file` (taken; NULL: there is none) for all who wait for it by HTTP. */
void boot_http_give(struct deployment *deployment, const char *path, struct boot_file *file);

#endif
