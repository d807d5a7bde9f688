/* bucketd.yml as it is now: read at the start and on each edit; one that is not valid changes nothing. Loop thread. */
#ifndef BUCKETD_LIVE_CONFIG_H
#define BUCKETD_LIVE_CONFIG_H

#include "bucketd/config.h"
#include "libmars/live_file.h"

struct live_config {
	struct live_file file;
	struct loop *loop;
	const char *root_user;
	struct bucketd_config config;  /* as it was last read without an error; `boot` alone where there is no file */
	void (*on_change)(void *data); /* `config` is another */
	void *data;
};

/* `path` and `root_user` are borrowed. A folder that is not there is looked for again by live_config_read_again. */
bool live_config_start(struct live_config *live, struct loop *loop, const char *path, const char *root_user, void (*on_change)(void *data),
		       void *data, struct gw_error *err);
bool live_config_check(const char *path, const char *root_user, struct gw_error *err); /* of --check */
void live_config_read_again(struct live_config *live);                                 /* at SIGHUP */
void live_config_finish(struct live_config *live);                                     /* accepts zeroed memory */

#endif
