/* A discovery: a port is switched ON under executord's own lease, and the first unknown machine that netboots or registers becomes the DUT
 * at that port. That boot leads nowhere: the lease is given back (OFF), and only then the machine's training begins. One at a time. */
#ifndef EXECUTORD_DISCOVERY_H
#define EXECUTORD_DISCOVERY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "libbus/capability.h"
#include "libgateway/error.h"
#include "libgateway/http_server.h"
#include "libgateway/loop.h"

struct executord;

enum discovery_phase {
	DISCOVERY_NONE,
	DISCOVERY_TAKING,    /* the lease is asked for, or will be when pdud is there */
	DISCOVERY_LISTENING, /* ON, or about to be */
	DISCOVERY_FOUND,     /* the machine is being written to the database */
	DISCOVERY_RELEASING, /* OFF is awaited */
};

struct discovery_ask {
	char pdu[129], port[129];
	double timeout; /* seconds */
};

struct discovery {
	enum discovery_phase phase;
	struct discovery_ask ask;
	double started_at; /* seconds since the epoch */
	uint64_t deadline; /* loop_now_ms */
	uint64_t on_at;    /* loop_now_ms; 0: not ON yet */
	unsigned counter;
	char job[64]; /* the lease's holder: "discovery-N" */
	char capability[CAPABILITY_TEXT_MAX + 1];
	struct http_request *answer; /* of the POST; NULL: answered */
	bool leave;                  /* at its end the port stays as it is: an edit has given it to a machine */
	struct loop_timer timeout, renewal;
	struct discovery_deletion *deletions; /* owned: DELETEs that wait for its end */
	struct loop_timer deletion_patience;
	void (*released)(void *data); /* see discovery_stop */
	void *released_data;
};

#define DISCOVERY_TIMEOUT     150.0 /* seconds, when none is asked for */
#define DISCOVERY_TIMEOUT_MAX 86400.0

/* What a POST may say: GW_BAD_INPUT names the field. `json` has pdu, port_id (or pdu_port_id) and maybe timeout. */
bool discovery_ask_decode(const cJSON *json, struct discovery_ask *ask, struct gw_error *err);
struct discovery_facts {      /* what discovery_allowed decides on; borrowed */
	const char *running;  /* the port that a discovery goes on at; NULL: none does */
	const char *assigned; /* the machine that has the port; NULL: none */
	bool reserved;
	bool alarm;        /* it could not be switched OFF yet */
	bool ending;       /* the discovery that runs is over but for its port */
	const char *state; /* the port's */
};
bool discovery_allowed(const struct discovery_ask *ask, const struct discovery_facts *facts, struct gw_error *err);

void discovery_begin(struct executord *ex, const struct discovery_ask *ask, struct http_request *rq); /* answers */
void discovery_cancel(struct executord *ex);
void discovery_delete(struct executord *ex, struct http_request *rq); /* answers when it is over, but within 10 s */
void discovery_on_edit(struct executord *ex);                         /* the port may be a machine's now */
cJSON *discovery_json(struct executord *ex, bool with_expiry);        /* {} when none runs; the caller deletes it */
bool discovery_listens(struct executord *ex);                         /* an unknown machine would be taken */
bool discovery_holds(struct executord *ex, const char *pdu, const char *port);
/* A machine that registers takes the port: `done` is said before the machine loses its power. */
void discovery_found_by_rest(struct executord *ex);
double discovery_seconds_since_on(struct executord *ex); /* whole ones, at least 1; 0: not ON yet */
/* Gives the lease back; `released` runs once, maybe inside the call. */
void discovery_stop(struct executord *ex, void (*released)(void *data), void *data);
void discovery_finish(struct executord *ex);

/* Over a restart of executord. */
cJSON *discovery_encode(const struct discovery *d); /* NULL: there is none */
bool discovery_decode(struct discovery *d, const cJSON *json, struct gw_error *err);
void discovery_restore(struct executord *ex, const cJSON *json, bool same_boot); /* NULL: there was none */

/* Between the files of this part. */
void discovery_answer(struct executord *ex, const struct gw_error *err); /* the POST, if it waits */
bool discovery_make_capability(struct executord *ex, struct gw_error *err);
void discovery_take(struct executord *ex);
void discovery_release(struct executord *ex);
void discovery_ask_release(struct executord *ex);
void discovery_over(struct executord *ex);
void discovery_give_up(struct executord *ex, const char *why);
void discovery_on_timeout(void *executord);

void discovery_on_pdud_up(struct executord *ex);
struct bus_call;
void discovery_on_boot_seen(void *owner, const void *body, struct bus_call *call);
void discovery_on_lease_lost(void *owner, const void *body, struct bus_call *call);

#endif
