/* The sockets a daemon serves: handed over by systemd (LISTEN_FDS, LISTEN_FDNAMES) or opened here. */
#ifndef LIBGATEWAY_ACTIVATION_H
#define LIBGATEWAY_ACTIVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "libgateway/error.h"

#define ACTIVATION_MAX 16
struct activation {
	struct {
		char *name;
		int fd;
	} v[ACTIVATION_MAX]; /* owned until taken */
	int n;
};

bool activation_take(struct activation *fds, struct gw_error *err); /* unsets the variables, sets CLOEXEC */
int activation_find(struct activation *fds, const char *name); /* hands the descriptor over (the caller closes it); -1: none of that name */
void activation_finish(struct activation *fds);                /* closes what nobody took */

/* A listening TCP socket (IPv4 or IPv6 literal; NULL or "" or "0.0.0.0": every IPv4 address), close-on-exec, non-blocking, SO_REUSEADDR. */
int activation_tcp_listen(const char *address, uint16_t port, int backlog, struct gw_error *err); /* -1 on failure */
uint16_t activation_port_of(int fd); /* the local port of a socket; 0 if it has none */

#endif
