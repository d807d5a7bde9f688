/* Whose a port is: a job's or discovery's (a lease, which must be renewed), an admin's (pinned ON), nobody's (reserved), or free. These are
 * the rules alone; they change the port and its wish. Refusals are GW_REFUSED, and GW_BUSY where another holds the port.
 *
 * A lease that ends, however it does, leaves the port owing an OFF: nobody is given it before that is confirmed. All that is changed here
 * is worth saving, but for renewals. */
#ifndef PDUD_LEASE_H
#define PDUD_LEASE_H

#include "libgateway/error.h"
#include "pdud/port.h"

/* `until`: mono_ms. Taking twice is renewing. A pin ends: a machine in service is its jobs'. */
bool lease_take(struct port *p, const char *job, int64_t until, struct gw_error *err);
bool lease_renew(struct port *p, const char *job, int64_t until, struct gw_error *err);
bool lease_power(struct port *p, const char *job, bool on, int64_t until, struct gw_error *err); /* renews too */
/* A lease that is gone can be released again (the answer to the first time was lost), unless the port is somebody's meanwhile. */
bool lease_release(struct port *p, const char *job, struct gw_error *err);
/* The port stays as it is, nobody's: whoever takes it before `until` has it, else it goes OFF then (lease_left_is_over). */
bool lease_leave(struct port *p, const char *job, int64_t until, struct gw_error *err);
bool lease_left_is_over(const struct port *p, struct port_time now);
bool lease_is_live(const struct port *p);                           /* held, and not ended */
bool lease_has_expired(const struct port *p, struct port_time now); /* held, and not renewed in time */
void lease_end(struct port *p);                                     /* of a live lease: revoked, expired, or its port must go */

bool port_set(struct port *p, bool on, struct gw_error *err); /* an admin switches it */
void port_on_given_up(struct port *p);                        /* the ON that was wished never came */
void port_disown(struct port *p);                             /* nobody's, and nothing is wished: it is reserved or not there */
bool port_owes(const struct port *p);                         /* an OFF is under way */
/* pdud has started and nobody has claimed the port: if it is a DUT's and not seen OFF, OFF is owed from now on; true then. */
bool port_unclaimed(struct port *p);
/* A machine's port that is nobody's and reads ON (a power cut of its PDU, somebody at its buttons, an edit that gave it to a machine) goes
 * OFF at `until` unless somebody takes it before; true then. */
bool port_found_on(struct port *p, int64_t until);
/* It is not reserved any more. ON, it is the admin's as before, or a machine's, which takes it before `until` or it goes OFF. */
void port_unreserved(struct port *p, int64_t until);
void port_off_is_due(struct port *p); /* nobody's, and OFF from now on */

#endif
