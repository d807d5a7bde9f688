/* Keeps gitlab-runner's config.toml true: several changes at once are one write, and so is an edit of the template. It is rendered and
 * written on a thread of the loop's pool, from a snapshot of the model. In a large farm writes have pauses between them that are ten times
 * as long as a write, so that a core has time for more than these. Loop thread only. */
#ifndef GITLABD_CONFIG_WRITER_H
#define GITLABD_CONFIG_WRITER_H

#include "gitlabd/config_toml.h"
#include "libgateway/loop.h"

struct config_writer {
	struct loop *loop;
	const struct env *env;
	struct model *model;
	struct config_host host;
	struct loop_timer timer;
	struct { /* a write under way */
		uv_work_t uv;
		struct model model;
		struct gw_error err;
		bool written;
		uint64_t took_ms;
	} work;
	bool working, again, finishing; /* again: something has changed since it began */
	char *error;                    /* why the file is not as it should be; NULL: it is */
	bool wanted;                    /* there is a model */
	uint64_t pause_ms;
	struct mars_watch *watch; /* of the template, if it is an admin's; owned */
	struct loop_fd edits;
};

/* Watches the template. One whose folder is not there is not watched, with a warning. */
void config_writer_start(struct config_writer *writer);
void config_writer_soon(void *writer);                   /* the model changed */
void config_writer_finish(struct config_writer *writer); /* waits for a write that is under way */

#endif
