/* bucketd.yml: users, groups and farm buckets, edited live.
 *
 *     users:                       # who may be named by `executorctl run --minio-auth NAME:SECRET`
 *       alice: {secret: ...}       # 8 to 128 printable characters without spaces
 *     groups:
 *       mesa: {users: [alice], buckets: {mesa-traces: read, mesa-results: write}}   # write includes read
 *     buckets:                     # are made when they are missing; `public`: all may read
 *       boot: {public: true}
 *
 * A bucket that a group or `buckets` names is made at start or when it is added; none is ever removed for not being named. */
#ifndef BUCKETD_CONFIG_H
#define BUCKETD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"

struct bucket_user {
	char *name, *secret; /* owned */
};
struct bucket_grant {
	char *bucket; /* owned */
	bool write;
};
struct bucket_group {
	char *name, **users; /* owned */
	size_t n_users;
	struct bucket_grant *grants; /* owned */
	size_t n_grants;
};
struct farm_bucket {
	char *name; /* owned */
	bool is_public;
};
struct bucketd_config {
	struct bucket_user *users;
	struct bucket_group *groups;
	struct farm_bucket *buckets;
	size_t n_users, n_groups, n_buckets;
};

/* Bounds: 1 MiB of text, 10,000 of each. All errors with line, column and what is accepted (the first in `err`, their number behind it);
 * unknown keys, a group's unknown user, and names that no bucket may have are errors. After a failure nothing needs freeing.
 * No user may have `root_user`'s name (NULL: none is known), nor one that ends like the keys of jobs, in -client or -dut. No secret is in
 * an error. `boot` is always there, public unless it is named otherwise. */
bool bucketd_config_decode(struct bucketd_config *config, const char *path, const char *text, size_t len, const char *root_user,
			   struct gw_error *err);
void bucketd_config_finish(struct bucketd_config *config); /* accepts zeroed memory */

#endif
