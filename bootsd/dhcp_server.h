/* The DHCP server's socket: packets in, answers out, a batch a system call. */
#ifndef BOOTSD_DHCP_SERVER_H
#define BOOTSD_DHCP_SERVER_H

#include "bootsd/dhcp_answer.h"
#include "bootsd/lease_journal.h"
#include "bootsd/seen.h"
#include "libgateway/loop.h"

struct dhcp_server {
	struct loop *loop; /* borrowed */
	struct dhcp_context ctx;
	struct lease_journal *journal; /* borrowed */
	struct seen *seen;             /* borrowed */
	int fd;                        /* owned; 0: not open */
	struct loop_fd watch;
	struct dhcp_batch *batch; /* owned */
	struct bucket complaints; /* lines in the log that anybody on the network can cause */
};

/* `fd`: a bound socket from systemd (taken over), or -1: opens its own on `ctx`'s interface. `ctx` is copied. */
bool dhcp_server_start(struct dhcp_server *server, struct loop *loop, int fd, const struct dhcp_context *ctx, struct lease_journal *journal,
		       struct seen *seen, struct gw_error *err);
void dhcp_server_stop(struct dhcp_server *server); /* accepts zeroed memory */

#endif
