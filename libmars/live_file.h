/* A file of settings beside MarsDB, named by an option: read at the start and on each edit; one that is not valid changes nothing, and one
 * that is not there is an empty one. Loop thread. */
#ifndef LIBMARS_LIVE_FILE_H
#define LIBMARS_LIVE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"
#include "libgateway/loop.h"

struct mars_watch;

/* Takes the content in: all of it, or nothing and errors with their places. Returned: how many things it says. */
typedef bool live_file_decode(void *owner, const char *text, size_t n, const char *name, size_t *things, struct gw_errors *errs);

struct live_file {          /* zeroed but for the first five: not watched */
	const char *option; /* how messages name it */
	const char *noun;   /* "rules": of the log */
	const char *path;   /* borrowed; NULL: the option is not set, and nothing happens */
	live_file_decode *decode;
	void *owner;
	char since[32];           /* when it was read: "14:02:11" */
	struct mars_watch *watch; /* owned */
	struct loop_fd fd;
};

bool live_file_start(struct live_file *file, struct loop *loop, struct gw_error *err);
bool live_file_check(struct live_file *file, struct gw_error *err); /* of --check: logs all errors but the one in `err` */
void live_file_read_again(struct live_file *file);
void live_file_finish(struct live_file *file); /* takes zeroed memory */

#endif
