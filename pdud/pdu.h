/* A PDU: its driver's device, its state, its ports; asks the device for what the ports want next, and tries again when it fails. A PDU
 * never waits for another. Loop thread only. */
#ifndef PDUD_PDU_H
#define PDUD_PDU_H

#include "pdud/driver.h"
#include "pdud/port.h"

#define PDU_RETRY_MIN_MS 500
#define PDU_RETRY_MAX_MS 30000
#define PDU_MIN_OFF_MS   30000 /* of a PDU whose driver is not known */

enum pdu_state { PDU_CREATED, PDU_INITIALIZING, PDU_ERROR, PDU_STOPPED, PDU_OK };
const char *pdu_state_name(enum pdu_state state);

struct pdu;
/* Told last of all by whoever tells: the PDU may be destroyed inside. */
struct pdu_events {
	void (*port)(void *owner, struct pdu *pdu, struct port *port, unsigned outcome); /* of enum port_outcome, not PORT_SAME */
	void (*gone)(void *owner, struct pdu *pdu, struct port *port); /* the device no longer has it; forgotten afterwards if nobody's */
	void (*changed)(void *owner, struct pdu *pdu);                 /* its state, error or list of ports */
};

struct pdu {
	struct pdu *next; /* in pdud.pdus */
	struct loop *loop;
	const struct pdu_events *events;
	void *owner;

	char *name, *driver_name, *config; /* owned */
	const struct driver *driver;       /* NULL: there is none of that name */
	void *device;                      /* owned; NULL: none could be made, and none can with this configuration */
	enum pdu_state state;
	char *error;  /* owned; NULL: none */
	bool removed; /* no longer in the database: it stays until its ports owe nothing */

	struct port **ports; /* owned; those that are listed first and in the device's order */
	size_t n_ports;
	bool listed_once;    /* by this device: what is not listed then, is not there */
	struct asked *asked; /* owned: under way */
	unsigned n_asked;
	size_t turn;               /* the port that is next in turn */
	unsigned failures;         /* since it last did what it should */
	int64_t retry_at, poll_at; /* mono_ms */
	struct loop_timer timer;
};

struct pdu *pdu_create(struct loop *loop, const char *name, const struct pdu_events *events, void *owner);
void pdu_stop(struct pdu *pdu);    /* pdud ends: nothing is asked any more */
void pdu_destroy(struct pdu *pdu); /* NULL is fine. Nothing is told any more */
/* Makes its device, or makes it anew, when these are not what they were. Its ports keep their holders. */
void pdu_configure(struct pdu *pdu, const char *driver, const char *config);
int64_t pdu_min_off_ms(const struct pdu *pdu); /* of ports of which the database says nothing */

struct port *pdu_port(const struct pdu *pdu, const char *id);      /* borrowed; NULL */
struct port *pdu_port_make(struct pdu *pdu, const char *id);       /* known before the device was asked */
bool pdu_has_port(const struct pdu *pdu, const struct port *port); /* as far as is known */

void pdu_kick(struct pdu *pdu); /* something may be wished now */

struct port_time pdu_now(struct loop *loop);

#endif
