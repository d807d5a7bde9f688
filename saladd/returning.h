/* Which machines have a client, kept over a restart of saladd (RUNTIME/saladd.clients, an id a line). After one, the machine and its client
 * both connect again; where the machine is first, what it writes is kept for the client, so that a job misses nothing. Nobody else's client
 * gets it: what was written before somebody connects is otherwise not his. */
#ifndef SALADD_RETURNING_H
#define SALADD_RETURNING_H

#include "saladd/machines.h"

void returning_save(const struct machines *all); /* a failure is logged: nothing else depends on it */
void returning_load(struct machines *all);       /* makes these machines and expects their clients for MACHINE_RETURN_MS */

#endif
