/* What happens in the farm, told as it happens to whoever watches: GET /api/v1/events, server-sent events (docs/events.md).
 *
 * Objects (dut, pdu) are told whole, once for all changes of a moment; steps and jobs each for itself. A watcher that does not read is
 * told less, never queued for: it loses events, and once it reads again it is told so (gap). Without watchers nothing is made. Loop thread
 * only. */
#ifndef EXECUTORD_EVENTS_H
#define EXECUTORD_EVENTS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "libgateway/http_server.h"
#include "libgateway/loop.h"
#include "libmars/dut_state.h"

#define EVENTS_WATCHERS_MAX 64
#define EVENTS_UNREAD_MAX   (256U << 10) /* bytes that a watcher may leave unread before it loses events */

struct dut;
struct executord;
struct job;
struct pdu;
struct watcher;

struct events {
	struct watcher *watchers; /* owned */
	size_t n_watchers;
	uint64_t last; /* the number of the last event; a client compares it with full-state's */
	bool duts_due, pdus_due, database_due, discovery_due, alarms_due;
	uint64_t alarms_hash; /* of those that were told last */
	struct loop_timer flush, heartbeat;
};

http_handler rest_get_events;
void events_finish(struct executord *ex); /* after the HTTP server has stopped */

void events_dut(struct executord *ex, struct dut *dut); /* something that REST shows of it has changed */
void events_pdu(struct executord *ex, struct pdu *pdu);
void events_dut_gone(struct executord *ex, const char *id);
void events_pdu_gone(struct executord *ex, const char *name);
void events_database(struct executord *ex); /* it was read: valid or not */
void events_discovery(struct executord *ex);
void events_alarms(struct executord *ex); /* a job has begun, or ceased, to wait for its port; those of PDUs are noticed here */
void events_step(struct dut *dut, enum dut_state from, enum dut_event event, const char *cause);
void events_job(const struct job *job, const char *state); /* "started", "running", "ended" */

cJSON *events_jobs(struct executord *ex); /* for full-state: the jobs that have a machine, by id. The caller deletes it */

#endif
