/* The tar that a job brings for its bucket. Untrusted: bounded in entries, in the length of keys and in bytes. */
#ifndef BUCKETD_JOBS_TAR_H
#define BUCKETD_JOBS_TAR_H

#include "bucketd/store_internal.h"

struct tar_items {
	struct store_item *v; /* owned */
	size_t n, size;
};
/* Its regular files become data files, durable but not named by any row yet. False: those made so far are in `items` too. */
bool tar_read(struct store *store, const char *path, struct tar_items *items, struct s3_error *err);
void tar_items_finish(struct tar_items *items); /* leaves the files */

#endif
