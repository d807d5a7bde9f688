/* nbdkit, which speaks the protocol of network block devices. jobd accepts the connections to a device, of its machine alone, and starts an
 * nbdkit for each: our children, which live no longer than we do, whatever ends us. Loop thread. */
#ifndef JOBD_NBDKIT_H
#define JOBD_NBDKIT_H

#include <netinet/in.h>

#include "libgateway/loop.h"

struct nbdkit_device {
	const char *path;      /* of the image; borrowed */
	struct in_addr client; /* who may connect */
	bool readonly;
	int max_connections;
};

typedef void nbdkit_failed(void *data, const char *how); /* one ended, and not as its client wished: "signal 11 (Segmentation fault)" */

struct nbdkit_connection;
struct nbdkit { /* zeroed memory: nothing is served */
	struct loop *loop;
	struct nbdkit_device device;
	int listener; /* 0: none */
	struct loop_fd accepts;
	struct nbdkit_connection *first; /* owned */
	nbdkit_failed *failed;
	void *data;
};

bool nbdkit_is_installed(struct gw_error *err); /* else `err` names the package */
/* Serves the device on a port of `address`. `failed` may run until nbdkit_stop. */
bool nbdkit_serve(struct nbdkit *k, struct loop *loop, const char *address, const struct nbdkit_device *device, nbdkit_failed *failed,
		  void *data, struct gw_error *err);
uint16_t nbdkit_port(const struct nbdkit *k); /* of one that is served */
void nbdkit_cut(struct nbdkit *k);            /* ends all connections at once */
void nbdkit_stop(struct nbdkit *k);           /* the same, and nobody is served any more. Accepts zeroed memory */

#endif
