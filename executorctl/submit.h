/* A job's submission: the form that the gateway is sent, and the port that it calls back. */
#ifndef EXECUTORCTL_SUBMIT_H
#define EXECUTORCTL_SUBMIT_H

#include <stdint.h>

#include "executorctl/ctl.h"

/* What is sent. */
struct submission {
	const char *job; /* its description */
	size_t len;
	int tar; /* what its bucket holds at first; -1: nothing */
};

/* The socket that the gateway connected to, owned by the caller. -1 with the server's reason. */
int submit_job(const struct ctl *ctl, const struct ctl_args *args, const struct submission *sent, struct gw_error *err);
/* The metadata as JSON text, which the caller frees. NULL: an option is wrong. */
char *submit_metadata(const struct ctl_args *args, uint16_t port, struct gw_error *err);

#endif
