/* The leases on disk, STATE/bootsd/leases: a line for each change, "MAC ADDRESS END" (seconds since the epoch; 0: given back), the last of
 * an address counts. Lines are written before the answers that they stand for are sent, so a killed bootsd forgets nothing; what a loss of
 * power may cost is the last second. When most lines are outdated the file is written anew beside it. Both are done by a thread.
 *
 * A full or broken disk is logged once, and DHCP goes on without the journal. */
#ifndef BOOTSD_LEASE_JOURNAL_H
#define BOOTSD_LEASE_JOURNAL_H

#include "bootsd/dhcp_leases.h"
#include "libgateway/buffer.h"
#include "libgateway/loop.h"

struct lease_journal {
	struct leases *leases; /* borrowed */
	struct loop *loop;     /* borrowed */
	char *path;
	int fd;              /* 0: not open */
	struct buffer lines; /* not written yet */
	struct buffer late;  /* written while the file is being written anew: they follow it */
	size_t n_lines;      /* in the file */
	bool failed;         /* and logged */
	bool dirty;          /* written since the last sync */
	struct loop_timer sync;
	struct lease_journal_work *work; /* what the thread does now; NULL: nothing */
};

/* Reads what there is into `leases` (lines that do not parse are logged and left out) and listens to its changes from then on. */
bool lease_journal_open(struct lease_journal *journal, const char *path, struct leases *leases, struct loop *loop, struct gw_error *err);
void lease_journal_flush(struct lease_journal *journal);  /* writes the changes; to be called before the answers are sent */
void lease_journal_finish(struct lease_journal *journal); /* waits for the thread. Accepts zeroed memory */

/* Pure, for tests: one line, without its end. */
bool lease_line_decode(const char *line, struct mac *mac, uint32_t *ip, uint64_t *end);

#endif
