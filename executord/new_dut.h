/* The edits that make a machine an entry of the database. */
#ifndef EXECUTORD_NEW_DUT_H
#define EXECUTORD_NEW_DUT_H

#include <stddef.h>

#include "libgateway/shared_bounds.h"
#include "libmars/edit.h"

struct executord;

#define NEW_DUT_EDITS_MAX 24

struct new_dut { /* owns the texts that its edits borrow */
	char first_seen[40];
	struct mars_member gitlab[GITLAB_INSTANCES_MAX], exposed;
	char pdu[129], port[129];
	size_t n;
	struct mars_edit edits[NEW_DUT_EDITS_MAX];
};

/* What every new entry gets: first_seen, an exposed entry for each GitLab instance; in a discovery its port, the PDU's off delay and the
 * time that its firmware took. `id` is borrowed until the edits are given away. */
void new_dut_init(struct new_dut *new, struct executord *ex, const char *id);
void new_dut_set(struct new_dut *new, const char *id, const char *field, struct mars_value value);
double new_dut_off_delay(const char *driver); /* seconds, by the PDU's driver */

#endif
