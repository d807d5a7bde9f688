/* Between s3_client.c and s3_list.c. */
#ifndef EXECUTORCTL_S3_INTERNAL_H
#define EXECUTORCTL_S3_INTERNAL_H

#include "executorctl/s3_client.h"

/* Where requests come from. */
struct s3_source {
	bool (*next)(void *data, struct s3_fetch *fetch);
	void *data;
	const char *query; /* of the bucket itself; NULL: objects are asked for */
};

/* As s3_fetch. */
bool s3_carry_out(struct s3_client *client, const struct s3_source *source, struct gw_error *err);

#endif
