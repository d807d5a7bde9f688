/* A PDU as pdud tells it, and what the database says of its ports. */
#ifndef EXECUTORD_PDU_H
#define EXECUTORD_PDU_H

#include <stdbool.h>
#include <stdint.h>

#include "executord/printed.h"
#include "libbus/messages.h"
#include "libgateway/error.h"

struct executord;

struct port {
	char *id, *label; /* owned; label NULL: none */
	char state[16];   /* UNKNOWN OFF ON REBOOT, as read back */
	bool pinned, alarm;
	char *holder; /* owned; the lease's job, NULL: none */
	int64_t min_off_ms;
	double last_shutdown, last_polled; /* seconds since the epoch; 0: never */
};

struct port_wish { /* of a port without a DUT, or of a PDU that the file does not have: kept in memory alone */
	char *id;  /* owned */
	bool reserved;
	int64_t min_off_ms; /* -1: the driver's */
};

struct pdu {
	char *name;         /* owned */
	bool in_file;       /* false: EXECUTOR_VPDU_ENDPOINT's alone */
	char state[16];     /* CREATED INITIALIZING ERROR STOPPED OK */
	char *error;        /* owned; NULL: none */
	struct port *ports; /* owned, in pdud's order */
	size_t n_ports;
	size_t n_noted;           /* of them: in alarm or pinned */
	struct port_wish *wishes; /* owned */
	size_t n_wishes;
	bool event_due;         /* of events.h: watchers are to be told of it */
	struct printed printed; /* for REST */
};

static inline bool port_is_noted(const struct port *port)
{
	return port->alarm || port->pinned;
}

struct pdu *pdu_create(const char *name);
void pdu_destroy(struct pdu *pdu);                                            /* NULL is fine */
struct port *pdu_port(struct pdu *pdu, const char *id, struct gw_error *err); /* by id or label; GW_NOT_FOUND */
struct port_wish *pdu_wish(struct pdu *pdu, const char *id);                  /* made if there is none */
const struct port_wish *pdu_wish_find(const struct pdu *pdu, const char *id);

void pdu_take_state(struct pdu *pdu, const struct msg_pdu_state *state);
/* False: it has no such port yet, so the snapshot must be asked for. */
bool pdu_take_port(struct pdu *pdu, const struct msg_port_state *state);
void pdu_is_silent(struct pdu *pdu); /* pdud is gone: nothing is known any more */

#endif
