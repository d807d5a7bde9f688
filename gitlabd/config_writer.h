/* Keeps gitlab-runner's config.toml true: several changes at once are one write. Loop thread only. */
#ifndef GITLABD_CONFIG_WRITER_H
#define GITLABD_CONFIG_WRITER_H

#include "gitlabd/config_toml.h"
#include "libgateway/loop.h"

struct config_writer {
	struct loop *loop;
	const struct env *env;
	const struct model *model;
	struct config_host host;
	struct loop_timer timer;
	char *error; /* why the file is not as it should be; NULL: it is */
};

void config_writer_soon(void *writer); /* the model changed */
void config_writer_finish(struct config_writer *writer);

#endif
