/* The requests: find, allow, do, answer. The rules are lease.h's. */
#include <string.h>

#include "libbus/capability.h"
#include "libgateway/log.h"
#include "pdud/lease.h"
#include "pdud/pdud.h"

/* What a request is about. */
struct target {
	struct pdu *pdu;
	struct port *port;
	struct capability cap;
};

static bool find_port(const struct pdud *d, const char *pdu, const char *port, struct target *t, struct gw_error *err)
{
	t->pdu = pdud_pdu(d, pdu);
	if (!t->pdu)
		return gw_fail(err, GW_NOT_FOUND, "there is no PDU '%.128s'", pdu);
	if (!t->pdu->device)
		return gw_fail(err, GW_UNREACHABLE, "PDU '%s': %s", pdu, t->pdu->error ? t->pdu->error : "it has no driver");
	t->port = pdu_port(t->pdu, port);
	if (t->pdu->listed_once && !(t->port && t->port->listed))
		return gw_fail(err, GW_NOT_FOUND, "PDU '%s' has no port '%.128s'", pdu, port);
	if (!t->port)
		t->port = pdu_port_make(t->pdu, port);
	return true;
}

static bool find_by_any_capability(const struct pdud *d, const char *text, struct target *t, struct gw_error *err)
{
	if (!d->configuration)
		return gw_fail(err, GW_UNREACHABLE, "pdud has heard nothing of executord yet; try again");
	return capability_check(d->configuration->capability_key, text, &t->cap, err) && find_port(d, t->cap.pdu, t->cap.port, t, err);
}

static bool find_by_capability(const struct pdud *d, const char *text, struct target *t, struct gw_error *err)
{
	if (!find_by_any_capability(d, text, t, err))
		return false;
	return !job_is_revoked(d, t->cap.job) || gw_fail(err, GW_REFUSED, "job %s has ended: its lease on port %s of PDU '%s' was revoked",
							 t->cap.job, t->cap.port, t->cap.pdu);
}

static int64_t lease_until(struct pdud *d)
{
	int64_t until = pdu_now(&d->loop).mono_ms + pdud_grace_ms(d);

	expiry_expect(d, until);
	return until;
}

static void answer_lease(struct pdud *d, const struct target *t, struct bus_call *call)
{
	bus_answer(call, &(struct msg_lease){.grace_ms = pdud_grace_ms(d), .state = (char *)port_state_name(t->port->state)});
}

/* Whose the port is, or what is wished of it, has changed. */
static void settle(struct pdud *d, const struct target *t)
{
	keeper_touch(&d->records_file);
	publish_port(d, t->pdu, t->port);
	pdu_kick(t->pdu);
}

/* Those who wait for a wish that has given way to another wait in vain. */
static void fail_earlier(struct port *port, enum port_wish before, const char *whose)
{
	struct gw_error why = {0};

	if (before == WISH_NOTHING || port->wish == before)
		return;
	gw_fail(&why, GW_REFUSED, "%s: %s wants something else meanwhile", port->where, whose);
	waiters_fail(port, &why);
}

void on_pdu_snapshot(void *owner, const void *body, struct bus_call *call)
{
	answer_snapshot(owner, call);
}

void on_port_set(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_port_set *want = body;
	struct pdud *d = owner;
	struct gw_error err = {0};
	struct target t = {0};
	bool found = find_port(d, want->pdu, want->port, &t, &err);
	enum port_wish before = found ? t.port->wish : WISH_NOTHING;

	if (!found || !port_set(t.port, want->on, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	log_info("%s: an admin switches it %s", t.port->where, want->on ? "ON; it is pinned" : "OFF");
	fail_earlier(t.port, before, "an admin");
	settle(d, &t);
	wait_for_port(t.pdu, t.port, call);
}

void on_lease_take(void *owner, const void *body, struct bus_call *call)
{
	struct pdud *d = owner;
	struct gw_error err = {0};
	struct target t = {0};
	bool found = find_by_capability(d, ((const struct msg_capability *)body)->capability, &t, &err);
	enum port_wish before = found ? t.port->wish : WISH_NOTHING;

	if (!found || !lease_take(t.port, t.cap.job, lease_until(d), &err)) {
		bus_answer_error(call, &err);
		return;
	}
	log_info("%s%s: the job holds it", log_job(t.cap.job), t.port->where);
	fail_earlier(t.port, before, "a job");
	settle(d, &t);
	answer_lease(d, &t, call);
}

void on_lease_renew(void *owner, const void *body, struct bus_call *call)
{
	struct pdud *d = owner;
	struct gw_error err = {0};
	struct target t = {0};

	if (find_by_capability(d, ((const struct msg_capability *)body)->capability, &t, &err) &&
	    lease_renew(t.port, t.cap.job, lease_until(d), &err))
		answer_lease(d, &t, call);
	else
		bus_answer_error(call, &err);
}

void on_lease_power(void *owner, const void *body, struct bus_call *call)
{
	const struct msg_lease_power *want = body;
	struct pdud *d = owner;
	struct gw_error err = {0};
	struct target t = {0};
	bool found = find_by_capability(d, want->capability, &t, &err);
	enum port_wish before = found ? t.port->wish : WISH_NOTHING;

	if (!found || !lease_power(t.port, t.cap.job, want->on, lease_until(d), &err)) {
		bus_answer_error(call, &err);
		return;
	}
	fail_earlier(t.port, before, "the job");
	pdu_kick(t.pdu);
	wait_for_port(t.pdu, t.port, call);
}

/* Of a revoked job, too: its jobd gives the lease back while executord ends the job. */
void on_lease_release(void *owner, const void *body, struct bus_call *call)
{
	struct pdud *d = owner;
	struct gw_error err = {0};
	struct target t = {0};
	bool found = find_by_any_capability(d, ((const struct msg_capability *)body)->capability, &t, &err);
	enum port_wish before = found ? t.port->wish : WISH_NOTHING;

	if (!found || !lease_release(t.port, t.cap.job, &err)) {
		bus_answer_error(call, &err);
		return;
	}
	log_info("%s%s: the job gives it back", log_job(t.cap.job), t.port->where);
	fail_earlier(t.port, before, "the end of the job");
	settle(d, &t);
	wait_for_records_and_port(d, t.pdu, t.port, call);
}

void on_lease_leave(void *owner, const void *body, struct bus_call *call)
{
	struct pdud *d = owner;
	struct gw_error err = {0};
	struct target t = {0};
	bool found = find_by_capability(d, ((const struct msg_capability *)body)->capability, &t, &err);
	enum port_wish before = found ? t.port->wish : WISH_NOTHING;

	if (!found || !lease_leave(t.port, t.cap.job, lease_until(d), &err)) {
		bus_answer_error(call, &err);
		return;
	}
	log_info("%s%s: the job leaves it as it is", log_job(t.cap.job), t.port->where);
	fail_earlier(t.port, before, "the end of the job");
	settle(d, &t);
	bus_answer(call, NULL);
}

void lose_lease(struct pdud *d, struct pdu *pdu, struct port *port, const char *job, const char *reason)
{
	log_warning("%s%s: the job has lost it: %s", log_job(job), port->where, reason);
	bus_publish(&d->bus, MSG_LEASE_LOST,
		    &(struct msg_lease_lost){.job = (char *)job, .pdu = pdu->name, .port = port->id, .reason = (char *)reason});
}

void end_lease(struct pdud *d, struct pdu *pdu, struct port *port, const char *reason)
{
	struct target t = {.pdu = pdu, .port = port};
	enum port_wish before = port->wish;

	lose_lease(d, pdu, port, port->job, reason);
	lease_end(port);
	fail_earlier(port, before, "the end of the lease");
	settle(d, &t);
}

/* The job is over, its port OFF: executord was faster than the jobd that gives the lease back. */
static void end_quietly(struct pdud *d, struct pdu *pdu, struct port *port)
{
	struct target t = {.pdu = pdu, .port = port};

	lease_end(port);
	settle(d, &t);
}

/* All ports of the job, those too whose lease has ended and whose OFF is still under way. */
void on_lease_revoke(void *owner, const void *body, struct bus_call *call)
{
	const char *job = ((const struct msg_lease_revoke *)body)->job;
	struct together *t = together_begin(call);
	struct pdud *d = owner;

	job_revoke(d, job);
	together_await_records(d, t); /* a pdud that is killed after its answer must not believe that job again */
	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next) {
		for (size_t i = 0; i < pdu->n_ports; i++) {
			struct port *port = pdu->ports[i];
			if (!port->job || strcmp(port->job, job) != 0)
				continue;
			if (lease_is_live(port) && port->state == PORT_OFF && port->wish == WISH_NOTHING)
				end_quietly(d, pdu, port);
			else if (lease_is_live(port))
				end_lease(d, pdu, port, "it was revoked");
			together_add(t, port);
		}
	}
	together_ready(t);
}
