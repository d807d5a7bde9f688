/* A listening TCP socket that hands over each connection. Loop thread only. */
#ifndef SALADD_LISTENER_H
#define SALADD_LISTENER_H

#include <stdint.h>

#include "libgateway/loop.h"

struct listener {
	struct loop *loop;
	int fd;
	uint16_t port;
	struct loop_fd watch;    /* watch.uv NULL: closed */
	struct loop_timer pause; /* no descriptors are left: accepts again when it has run */
	void (*accepted)(void *data, int fd);
	void *data;
	/* PRIVATE_INTERFACE: connections of its network are closed at once, and the first is logged. NULL: anybody may connect. Borrowed,
	 * set after listener_open. */
	const char *closed_to;
	bool closed_told;
};

/* `accepted` owns its `fd`, which is non-blocking. `fd` -1: opens a socket on `address` and `port` (0: a free one). Zeroed memory is
 * closed. */
bool listener_open(struct listener *l, struct loop *loop, int fd, const char *address, uint16_t port, void (*accepted)(void *data, int fd),
		   void *data, struct gw_error *err);
uint16_t listener_port(const struct listener *l);
void listener_finish(struct listener *l);

#endif
