/* Reading bucketd.yml: private to config.c and config_read.c. */
#ifndef BUCKETD_CONFIG_INTERNAL_H
#define BUCKETD_CONFIG_INTERNAL_H

#include "bucketd/config.h"
#include "libmars/tree.h"

struct reading {
	const struct tree *tree;
	const char *name, *root_user;
	struct gw_errors *errs;
	struct bucketd_config *config;
	const struct tree_node *users; /* the mapping */
};

/* All of r->tree into r->config; what is wrong goes to r->errs. */
void config_read(struct reading *r);

#endif
