/* A jobd before its job: the connection that says that it is wanted, and hello to executord. */
#ifndef JOBD_SPARE_H
#define JOBD_SPARE_H

#include "libgateway/loop.h"

struct jobd;
struct spare {
	int fd; /* -1: none was handed over */
	struct loop_fd watch;
};

/* Takes the descriptor handed over as "connection". Without one (started by hand) the jobd waits for its job for ever. */
bool spare_start(struct jobd *j, struct gw_error *err);
bool peers_start(struct jobd *j); /* listens to the daemons that a job needs; true */
void spare_finish(struct jobd *j);

#endif
