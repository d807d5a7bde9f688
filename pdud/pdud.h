/* pdud: everything it has. Who the ports belong to, and what their PDUs do, is in lease.h and pdu.h. */
#ifndef PDUD_PDUD_H
#define PDUD_PDUD_H

#include "libbus/bus.h"
#include "libgateway/env.h"
#include "libgateway/loop.h"
#include "pdud/keeper.h"
#include "pdud/pdu.h"
#include "pdud/records.h"

#define STOP_PATIENCE_MS 5000 /* a stop waits that long for what is being switched OFF */

struct pdud {
	struct env env;
	struct loop loop;
	struct bus bus;
	struct pdu *pdus;                        /* owned, in the order of the database */
	struct msg_pdu_configure *configuration; /* owned: the last one; NULL: none yet */
	bool heard;                              /* it is executord's of now, not what was kept of an earlier life */
	struct records *before;   /* owned: of an earlier life; what is left belongs to PDUs that are not there yet. NULL: none */
	struct bus_texts revoked; /* owned, newest last */
	struct keeper records_file, configuration_file;
	struct saving *unsaved, *being_saved; /* owned (waiting.c): calls that wait for the records to be on the disk */
	struct loop_timer lease_timer;        /* the next lease that may have to end, or the sweep */
	int64_t lease_timer_at;               /* mono_ms */
	int64_t sweep_at;                     /* mono_ms: when what nobody has claimed is switched OFF; 0: done */
	bool stopping;
	struct loop_timer stop_timer;
};

int64_t pdud_grace_ms(const struct pdud *d);

/* stop.c: a stop finishes what is being switched OFF first; leases outlive it */
void on_stop(void *owner);
void stop_if_done(struct pdud *d);
void pdus_finish(struct pdud *d);

/* configure.c */
void on_pdu_configure(void *owner, const void *body, struct bus_call *call);
void on_pdu_change(void *owner, const void *body, struct bus_call *call);
bool configure(struct pdud *d, const struct msg_pdu_configure *want, struct gw_error *err); /* `want` is borrowed */
struct pdu *pdud_pdu(const struct pdud *d, const char *name);                               /* in the database; NULL */
void remove_if_done(struct pdud *d, struct pdu *pdu); /* of a removed PDU: once its ports owe nothing */
extern const struct pdu_events pdud_pdu_events;       /* events.c */

/* remember.c: what outlives pdud */
bool remember_start(struct pdud *d, struct gw_error *err); /* reads the files: a damaged one is put aside, with an error in the log */
bool remember_check(struct pdud *d, struct gw_error *err); /* only reads them: for --check */
void remember_port(struct pdud *d, const struct pdu *pdu, struct port *port); /* gives a port what was kept of it */
void remember_forget_rest(struct pdud *d);                                    /* executord has told all PDUs: the others are no more */
void remember_finish(struct pdud *d);
bool job_is_revoked(const struct pdud *d, const char *job);
void job_revoke(struct pdud *d, const char *job);

/* requests.c */
void on_pdu_snapshot(void *owner, const void *body, struct bus_call *call);
void on_port_set(void *owner, const void *body, struct bus_call *call);
void on_lease_take(void *owner, const void *body, struct bus_call *call);
void on_lease_renew(void *owner, const void *body, struct bus_call *call);
void on_lease_power(void *owner, const void *body, struct bus_call *call);
void on_lease_release(void *owner, const void *body, struct bus_call *call);
void on_lease_leave(void *owner, const void *body, struct bus_call *call);
void on_lease_revoke(void *owner, const void *body, struct bus_call *call);
void lose_lease(struct pdud *d, struct pdu *pdu, struct port *port, const char *job, const char *reason); /* tells; changes nothing */
void end_lease(struct pdud *d, struct pdu *pdu, struct port *port, const char *reason); /* a live one: tells, and the port goes OFF */

/* waiting.c: who waits for a port's wish */
void wait_for_port(struct pdu *pdu, struct port *port, struct bus_call *call); /* answered with the port's state */
/* The same, and what is true now is to be on the disk before: a killed pdud must not give the port back to its former holder. */
void wait_for_records_and_port(struct pdud *d, const struct pdu *pdu, const struct port *port, struct bus_call *call);
struct together; /* one call that waits for several ports */
struct together *together_begin(struct bus_call *call);
void together_add(struct together *t, struct port *port);
void together_await_records(struct pdud *d, struct together *t); /* what is true now is to be on the disk before */
void records_collected(struct pdud *d);
void records_saved(struct pdud *d);                               /* or cannot be */
void together_ready(struct together *t);                          /* no more will be added: answers now if none is left */
void waiters_answer(struct pdu *pdu, struct port *port);          /* the wish is fulfilled */
void waiters_fail(struct port *port, const struct gw_error *why); /* it will not be */

/* expiry.c */
void expiry_expect(struct pdud *d, int64_t at);         /* a lease may have to end then */
void expiry_look_at(struct pdud *d, struct port *port); /* what it reads, or whose it is, has changed: nobody's ON ends after a grace */
void sweep_arm(struct pdud *d);                         /* a grace from now */
void expiry_finish(struct pdud *d);

/* report.c */
void fill_port_state(struct msg_port_state *state, const struct pdu *pdu, const struct port *port); /* borrows */
void answer_snapshot(struct pdud *d, struct bus_call *call);
void answer_pdus(struct pdud *d, const struct msg_pdu_change *named, struct bus_call *call);
void publish_port(struct pdud *d, const struct pdu *pdu, const struct port *port);
void publish_pdu(struct pdud *d, const struct pdu *pdu);

#endif
