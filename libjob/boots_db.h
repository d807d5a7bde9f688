/* The boots DB: what requests of a kind are served beside their job (protocols.md "Netboot"). A template that renders to
 *
 *	dhcp:
 *	  NAME:
 *	    match: {architecture, firmware, protocol, mac_address, vendor_class, user_class, uuid}   all that is given must match
 *	    defaults: {dhcp, storage: {http, tftp}}                                                  as in a job's deployment
 *
 * No I/O. Read-only once loaded. */
#ifndef LIBJOB_BOOTS_DB_H
#define LIBJOB_BOOTS_DB_H

#include "libjob/job.h"

#define BOOTS_DB_ENTRIES_MAX 256

struct boots_db_entry {
	char *name;
	struct job_dhcp match;          /* its `match` alone */
	struct job_deployment defaults; /* dhcp, http and tftp alone; its artifacts are data, of exact paths */
};

struct boots_db {
	struct boots_db_entry *v; /* owned; in the file's order: the first that matches wins */
	size_t n;
};

/* Renders, parses and checks. False: `errs` has every error ("WHERE:LINE:COLUMN: path: what; accepted: ..."; lines of the rendered text, or
 * of the template if it does not render); nothing needs freeing. */
bool boots_db_load(struct boots_db *db, const char *where, const char *text, size_t n, const struct value *names, struct gw_errors *errs);
void boots_db_finish(struct boots_db *db); /* accepts zeroed memory */

#endif
