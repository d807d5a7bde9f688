/* The virtual PDU's TCP side: reads requests, has the ports do them, answers a byte each. Loop thread only. */
#ifndef PDUD_VPDUD_SERVER_H
#define PDUD_VPDUD_SERVER_H

#include <uv.h>

#include "libgateway/error.h"
#include "pdud/vpdud/port.h"

struct client;
struct server {
	uv_tcp_t *listener;   /* owned; NULL when not started */
	struct port *ports;   /* borrowed, VPDU_PORTS of them */
	struct client *first; /* owned */
	size_t n_clients;
};

/* `bound` gets the address with its port filled in (a request for port 0 gets a free one). */
bool server_start(struct server *s, uv_loop_t *loop, const struct sockaddr_storage *listen, struct port *ports,
		  struct sockaddr_storage *bound, struct gw_error *err);
/* No more connections and requests; one whose switch is still waiting gets no answer. The handles free themselves in the loop. `s` must
 * stay until the loop has ended. */
void server_stop(struct server *s);

#endif
