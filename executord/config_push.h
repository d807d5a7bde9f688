/* Each daemon's part of the database, told at each of its starts and after each edit; and what the daemons tell of their side. */
#ifndef EXECUTORD_CONFIG_PUSH_H
#define EXECUTORD_CONFIG_PUSH_H

#include "libmars/marsdb.h"

struct executord;

void config_push_start(struct executord *ex); /* watches pdud, bootsd, saladd, artifactd and gitlabd */
/* What changed, to those that it concerns; DUTs with another name (boot_due) too. */
void config_push_edit(struct executord *ex, const struct mars_changes *changes);
void config_push_pdud(struct executord *ex);
void config_push_bootsd(struct executord *ex); /* a discovery began or ended too */

/* Events of pdud and saladd (bus handlers). */
struct bus_call;
void config_on_port_state(void *owner, const void *body, struct bus_call *call);
void config_on_pdu_state(void *owner, const void *body, struct bus_call *call);
void config_on_console_changed(void *owner, const void *body, struct bus_call *call);

#endif
