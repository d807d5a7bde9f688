/* Files for the bodies of uploads, made ahead on a thread: a request's head is answered on the loop, which must not wait for the disk. */
#ifndef BUCKETD_UPLOADS_H
#define BUCKETD_UPLOADS_H

#include "bucketd/store.h"
#include "bucketd/work.h"

enum { UPLOADS_READY = 128 };

struct uploads {
	struct work *work; /* borrowed */
	struct store *store;
	struct store_upload ready[UPLOADS_READY];
	unsigned n;
	bool filling;
	struct s3_error err; /* of the last filling; S3_OK: none */
};

void uploads_init(struct uploads *uploads, struct work *work, struct store *store); /* and makes the first */
/* Hands one over. S3_BUSY: none is ready just now; or what kept the last from being made (S3_FULL). */
bool uploads_take(struct uploads *uploads, struct store_upload *upload, struct s3_error *err);
void uploads_drop(struct uploads *uploads, struct store_upload *upload); /* on a thread; `upload` is copied */
void uploads_finish(struct uploads *uploads);                            /* after work_finish. Accepts zeroed memory */

#endif
