#include "jobd/power.h"

#include <string.h>

#include "jobd/jobd.h"
#include "libgateway/log.h"

#define RENEWALS_A_GRACE 4

static void ask_power(struct jobd *j);

static struct msg_capability capability_of(struct jobd *j)
{
	return (struct msg_capability){.capability = j->go->capability};
}

/* ---- the lease ---- */

static void lease_is_lost(struct jobd *j, const char *why)
{
	struct power *p = &j->power;

	if (p->lease != POWER_LEASE_HELD)
		return;
	p->lease = POWER_NO_LEASE;
	loop_timer_stop(&p->renewal);
	ask_cancel(&p->renew);
	ask_cancel(&p->set);
	drive_happened(j, RUN_LEASE_LOST, why);
}

static void renew(void *data);

static void renew_later(struct jobd *j, int64_t grace_ms)
{
	uint64_t in_ms = grace_ms > RENEWALS_A_GRACE ? (uint64_t)grace_ms / RENEWALS_A_GRACE : 1;

	loop_timer_start(&j->loop, &j->power.renewal, in_ms, renew, j);
}

static void on_renewed(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;
	const struct msg_lease *lease = answer;

	j->power.renew = NULL;
	if (lease)
		renew_later(j, lease->grace_ms);
	else if (err->kind == GW_UNREACHABLE || err->kind == GW_BUSY)
		renew_later(j, RENEWALS_A_GRACE * 1000); /* pdud is there but does not answer: soon again */
	else
		lease_is_lost(j, err->text);
}

static void renew(void *data)
{
	struct jobd *j = data;
	struct msg_capability body = capability_of(j);

	loop_timer_stop(&j->power.renewal);
	if (!j->power.renew)
		j->power.renew = ask_start(&j->asks, "pdud", MSG_LEASE_RENEW, &body, on_renewed, j);
}

static void on_taken(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;
	const struct msg_lease *lease = answer;
	struct power *p = &j->power;

	p->take = NULL;
	if (!lease) {
		p->lease = POWER_NO_LEASE;
		drive_happened(j, RUN_LEASE_FAILED, err->text);
		return;
	}
	p->lease = POWER_LEASE_HELD;
	renew_later(j, lease->grace_ms);
	if (p->wished)
		ask_power(j);
	drive_happened(j, RUN_LEASE_TAKEN, NULL);
}

void power_take_lease(struct jobd *j)
{
	struct msg_capability body = capability_of(j);

	if (j->power.take)
		return;
	j->power.lease = POWER_LEASE_ASKED;
	j->power.take = ask_start(&j->asks, "pdud", MSG_LEASE_TAKE, &body, on_taken, j);
}

/* pdud kept the lease over its restart, but wants to hear soon that we live. */
void power_pdud_up(struct jobd *j)
{
	if (j->power.lease == POWER_LEASE_HELD)
		renew(j);
}

void power_on_lease_lost(struct jobd *j, const struct msg_lease_lost *lost)
{
	if (strcmp(lost->job, j->go->job) == 0)
		lease_is_lost(j, lost->reason);
}

static void on_released(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;

	j->power.release = NULL;
	if (!answer)
		log_warning("job=%s the lease could not be given back, and ends by itself: %s", j->go->job, err->text);
	report_released(j);
}

void power_release(struct jobd *j)
{
	struct msg_capability body = capability_of(j);
	struct power *p = &j->power;

	p->lease = POWER_NO_LEASE;
	loop_timer_stop(&p->renewal);
	ask_cancel(&p->take);
	ask_cancel(&p->renew);
	ask_cancel(&p->set);
	if (!p->release)
		p->release = ask_start(&j->asks, "pdud", MSG_LEASE_RELEASE, &body, on_released, j);
}

/* ---- ON and OFF ---- */

static void on_set(void *data, const void *answer, const struct gw_error *err)
{
	struct jobd *j = data;
	const struct msg_port_state *port = answer;
	const char *wished = j->power.wish_on ? "ON" : "OFF";
	char text[400];

	j->power.set = NULL;
	j->power.wished = false;
	if (!port) {
		drive_happened(j, RUN_POWER_FAILED, err->text);
	} else if (strcmp(port->state, wished) == 0) {
		drive_happened(j, j->power.wish_on ? RUN_POWER_IS_ON : RUN_POWER_IS_OFF, NULL);
	} else {
		snprintf(text, sizeof(text), "%s port %s was to be %s and is %s", port->pdu, port->port, wished, port->state);
		drive_happened(j, RUN_POWER_FAILED, text);
	}
}

static void ask_power(struct jobd *j)
{
	struct msg_lease_power body = {.capability = j->go->capability, .on = j->power.wish_on};

	ask_cancel(&j->power.set);
	j->power.set = ask_start(&j->asks, "pdud", MSG_LEASE_POWER, &body, on_set, j);
}

void power_set(struct jobd *j, bool on)
{
	j->power.wished = true;
	j->power.wish_on = on;
	if (j->power.lease == POWER_LEASE_HELD)
		ask_power(j);
	else if (j->power.lease == POWER_NO_LEASE)
		drive_happened(j, RUN_POWER_FAILED, "there is no lease of the port");
}

void power_finish(struct jobd *j)
{
	loop_timer_finish(&j->power.renewal);
}
