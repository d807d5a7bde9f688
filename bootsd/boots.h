/* The boots DB in use: the user's file and the default one, read again when they change, and what they lead to for a machine's request.
 *
 * A file that is not valid is told of, with line and field, and changes nothing: the last good text stays. Loop thread only; bounded: a
 * file has at most BOOTS_TEXT_MAX bytes, a template's own limits hold, and a machine's requests are looked up anew a few times a second at
 * most. */
#ifndef BOOTSD_BOOTS_H
#define BOOTSD_BOOTS_H

#include "bootsd/boots_choice.h"
#include "bootsd/boots_names.h"
#include "bootsd/machines.h"
#include "libgateway/loop.h"

#define BOOTS_TEXT_MAX (256 * 1024)

struct boots_source {
	char *path;
	char *text;       /* NULL: there is no such file */
	char read_at[16]; /* "14:02:11" */
	int watch;        /* inotify's; -1: none */
};

struct boots {
	struct boots_place place;
	struct boots_source sources[2]; /* the user's, then the default one */
	uint64_t generation;            /* of their texts */
	int inotify;
	struct loop_fd events;
};

/* Reads both; a missing user's file is fine. False: a file is not valid; each error is logged but the last, which is `err`. */
bool boots_load(struct boots *boots, const char *user, const char *dflt, const struct boots_place *place, struct gw_error *err);
void boots_watch(struct boots *boots, struct loop *loop); /* from now on their edits count; what cannot be watched is told of */
void boots_read_again(struct boots *boots);
void boots_finish(struct boots *boots); /* accepts zeroed memory */

/* Of a netboot request of a machine that has a deployment. Borrowed until the machine's next request, deployment or end; NULL: nothing can
 * be said. */
const struct boots_choice *boots_choose(struct boots *boots, struct machine *machine, const struct dhcp_class *class, uint64_t now_ms);

#endif
