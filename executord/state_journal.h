/* The files of state_store.h, and how they are read. duts.json has all DUTs; duts.journal what has changed since it was written, a line a
 * save, so that a change costs what it changes and not the farm. The line names the duts.json that it belongs to:
 *
 *   {"journal": "NAME", "duts": {"ID": {...}, "ID OF ONE THAT IS GONE": null}, "discovery": {...} or null or absent: as before}
 *
 * Whenever a daemon is killed both are usable: duts.json is replaced as a whole, under a new name, by which the lines of the one before
 * mean nothing any more; a last line that was not written to its end does not count. */
#ifndef EXECUTORD_STATE_JOURNAL_H
#define EXECUTORD_STATE_JOURNAL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "libgateway/error.h"

struct kept_record {
	const char *id;    /* borrowed from the JSON */
	const cJSON *json; /* null: it is gone */
	size_t at;         /* the last one counts */
};

struct kept {          /* what a killed executord knew */
	cJSON *all;    /* owned; NULL: nothing is kept */
	cJSON **lines; /* owned */
	size_t n_lines;
	struct kept_record *records; /* owned; by id, then in their order */
	size_t n_records;
	const cJSON *discovery; /* NULL: none */
};

/* Takes `all`, which may be NULL: the journal then belongs to nothing. Returns how many bytes of the journal count or belong to another
 * duts.json: less than `len` when its end is torn. */
size_t kept_read(struct kept *kept, cJSON *all, const char *journal, size_t len);
const cJSON *kept_dut(const struct kept *kept, const char *id); /* NULL: not kept */
void kept_finish(struct kept *kept);

#endif
