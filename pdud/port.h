/* A power port, without I/O: what was read back of it, what is wished, and what to ask its device for next. Time is an argument, so that
 * tables can test it. Who may wish what is in lease.h.
 *
 * A state is what the device said, never what was wished. A wish is fulfilled once the device did as it was told and then reads so. OFF is
 * wished until it is confirmed; ON is given up after PORT_ON_TRIES.
 */
#ifndef PDUD_PORT_H
#define PDUD_PORT_H

#include <stdbool.h>
#include <stdint.h>

#define PORT_ON_TRIES     3
#define PORT_RETRY_MIN_MS 250
#define PORT_RETRY_MAX_MS 10000
#define PORT_NO_WAIT      INT64_MAX /* until something happens */

struct port_time {
	int64_t mono_ms; /* the loop's: leases and retries */
	int64_t boot_ms; /* CLOCK_BOOTTIME: goes on in a suspended gateway, as a port's being OFF does */
	double wall;     /* seconds since the epoch: only ever shown */
};

enum port_state { PORT_UNKNOWN, PORT_OFF, PORT_ON, PORT_REBOOT };
const char *port_state_name(enum port_state state); /* "UNKNOWN" */

enum port_wish { WISH_NOTHING, WISH_OFF, WISH_ON };

struct port {
	char *id;    /* owned */
	char *where; /* owned: "port 3 of PDU 'APC'", for messages */
	char *label; /* owned; NULL: the device gives none */
	bool listed; /* the device has it; false too while it was never asked */

	int64_t min_off_ms;
	bool reserved; /* never touched */
	bool assigned; /* a DUT's: ON and nobody's, it is switched OFF */

	enum port_state state;
	double last_polled, last_shutdown; /* seconds since the epoch; 0: never */
	bool off_known;                    /* it has been OFF since off_since at the latest */
	int64_t off_since;                 /* boot_ms */

	char *job;           /* owned: who holds the lease, or held it while `owed`; NULL: nobody */
	int64_t lease_until; /* mono_ms; meaningless while owed */
	int64_t left_until;  /* mono_ms: its holder has left it as it was, and it goes OFF then; 0: not so */
	bool owed;           /* OFF is owed: nobody is given the port before it is confirmed */
	bool pinned;         /* an admin switched it ON */
	bool pinned_before;  /* what `pinned` was before the ON under way */
	enum port_saved { PORT_SAVED, PORT_UNSAVED, PORT_BEING_SAVED } saved; /* whose it is: no ON before it is on the disk */

	enum port_wish wish;
	bool told;          /* the device did as the wish says: what is read now counts */
	bool busy;          /* an ask is under way at the device */
	bool due;           /* wants to be read */
	bool alarm;         /* an OFF that is wished could not be confirmed */
	unsigned tries;     /* failed ones since the wish */
	char *why;          /* owned: what went wrong last at the device; NULL: nothing */
	int64_t not_before; /* mono_ms: the next try */

	struct waiter *waiters; /* owned by whoever waits (requests.c): not looked at here */
};

/* `where` is owned from now on; the rest is copied. */
void port_init(struct port *p, const char *id, char *where, int64_t min_off_ms);
void port_finish(struct port *p);

enum port_step { STEP_NONE, STEP_READ, STEP_ON, STEP_OFF };
/* What to ask the device for now. STEP_NONE: nothing for `*wait_ms` more. */
enum port_step port_next(const struct port *p, struct port_time now, int64_t *wait_ms);
void port_asked(struct port *p, enum port_step step); /* the ask has gone to the device */

/* What came of it: a set of these. */
enum port_outcome {
	PORT_SAME = 0,
	PORT_CHANGED = 1 << 0,   /* something that others see */
	PORT_FULFILLED = 1 << 1, /* the wish */
	PORT_GIVEN_UP = 1 << 2,  /* the wish for ON */
	PORT_FREED = 1 << 3,     /* an OFF that was owed is confirmed: worth saving */
};
/* The device has said that it is done, or that it cannot: either way reading it tells. */
void port_told(struct port *p, enum port_step step);
unsigned port_read(struct port *p, enum port_state state, struct port_time now); /* the device says that it is so */
unsigned port_failed(struct port *p, struct port_time now);                      /* it said nonsense or nothing: the state is UNKNOWN */
void port_forget_ask(struct port *p);               /* what is under way is never answered: its driver has gone */
void port_explain(struct port *p, const char *why); /* what the device said last, for messages; NULL: nothing */

/* A new wish: what was tried for the last one no longer counts. */
void port_wish(struct port *p, enum port_wish wish);

#endif
