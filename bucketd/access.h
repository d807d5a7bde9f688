/* Who asks, and what they may do. Pure. */
#ifndef BUCKETD_ACCESS_H
#define BUCKETD_ACCESS_H

#include <netinet/in.h>

#include "bucketd/config.h"
#include "bucketd/store.h"

struct access {
	const struct bucketd_config *config; /* borrowed */
	const char *root_user, *root_password;
	const struct store_job *jobs; /* those whose buckets there are */
	size_t n_jobs;
};

enum access_verb { ACCESS_READ, ACCESS_WRITE, ACCESS_LIST_BUCKETS, ACCESS_MAKE_BUCKET, ACCESS_REMOVE_BUCKET };

/* The secret of an access key, borrowed: the administrator's, a user's, or BUCKET-client's and BUCKET-dut's of a job. NULL: unknown. */
const char *access_secret(const struct access *access, const char *key);
/* Whether `key` (NULL: nobody in particular) from `peer` may do that to `bucket` (NULL for ACCESS_LIST_BUCKETS). The administrator may do
 * all; a user what groups grant; a job's client its own bucket; the DUT, from its own address alone, that and what its job's groups grant;
 * all may read public buckets. Buckets are listed to whoever has a key: the answer is to name those alone that it may read. */
bool access_allows(const struct access *access, const char *key, const struct sockaddr *peer, const char *bucket, enum access_verb verb);
/* Whether the user's secret is right and they are in each group: GW_REFUSED names which is not so. Fine: no user and no groups. */
bool access_check_groups(const struct access *access, const char *user, const char *secret, const char *const *groups, size_t n,
			 struct gw_error *err);

#endif
