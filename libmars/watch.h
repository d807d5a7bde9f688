/* Watching a file for edits, by whatever means an editor saves.
 *
 * Editors rename over the file: the directory is watched, not the file. So is each directory above it, and each that a symlink on the way
 * leads through: a directory of the path, or a symlink in the place of one, may be replaced by another (`/config -> /config.v2`), and with
 * it the file. A directory above that may not be read is left out; that of the file must be there when the watch is made, and may go and
 * come back later.
 */
#ifndef LIBMARS_WATCH_H
#define LIBMARS_WATCH_H

#include "libgateway/error.h"

struct mars_watch;
struct mars_watch *mars_watch_create(const char *path, struct gw_error *err);
void mars_watch_destroy(struct mars_watch *watch); /* accepts NULL */
int mars_watch_fd(const struct mars_watch *watch); /* poll it for reading; owned by the watch */
/* Takes what is pending, without blocking. True if the file may have changed: it, or what leads to it, was written and closed, moved in or
 * away, made or deleted. A file still being written does not count until it is closed. Our own saves count too: a reload then finds
 * nothing new. */
bool mars_watch_read(struct mars_watch *watch);

#endif
