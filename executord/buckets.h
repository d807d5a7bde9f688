/* Job buckets, as far as executord has to do with them: bucketd is told which jobs there are, and where what a job brings for its bucket
 * lies until bucketd has taken it. A job's own bucket: job_bucket.h. Loop thread only. */
#ifndef EXECUTORD_BUCKETS_H
#define EXECUTORD_BUCKETS_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "libbus/bus.h"
#include "libgateway/error.h"
#include "libgateway/loop.h"
#include "libgateway/url.h"

struct executord;

struct buckets {
	char *uploads;           /* owned: the folder STATE/uploads */
	struct url_host at;      /* MINIO_URL's */
	bool elsewhere;          /* which is another host; false until that has been looked up */
	bool looked;             /* what was found, for the loop to take */
	uv_work_t look;          /* the looking up, which may ask the network */
	int port;                /* bucketd's; 0: it is not there */
	struct loop_timer again; /* bucketd is told once more, since it could not do what it was told */
};

bool buckets_start(struct executord *ex, struct gw_error *err); /* empties the folder */
void buckets_finish(struct executord *ex);
void buckets_on_peer(struct executord *ex, enum bus_peer_event what);
void buckets_configure(struct executord *ex);                         /* tells bucketd which jobs there are, if both are known */
void buckets_configure_later(struct executord *ex);                   /* a bucket could not be removed */
bool buckets_there(const struct executord *ex, struct gw_error *err); /* else why not: GW_REFUSED, or GW_UNREACHABLE for now */
int buckets_port(const struct executord *ex);                         /* where submitters reach them */

#define BUCKETS_RESERVE (8U << 20) /* bytes of the disk that no body may take: the machines' states are saved there */
/* A new file without a name for a body of `size` bytes (0: not known), for which there is room. -1: GW_NO_SPACE or GW_UNREACHABLE. */
int buckets_body_file(const struct executord *ex, uint64_t size, struct gw_error *err);

#endif
