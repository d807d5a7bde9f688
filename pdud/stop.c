/* SIGTERM: what is being switched OFF is finished, for a while; leases go on, since their jobs do. */
#include "libgateway/log.h"
#include "pdud/lease.h"
#include "pdud/pdud.h"

static bool owes_anything(const struct pdud *d)
{
	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next)
		for (size_t i = 0; i < pdu->n_ports; i++)
			if (port_owes(pdu->ports[i]))
				return true;
	return false;
}

void stop_if_done(struct pdud *d)
{
	if (d->stopping && !owes_anything(d) && keeper_is_idle(&d->records_file) && keeper_is_idle(&d->configuration_file))
		loop_stop(&d->loop);
}

static void on_patience(void *data)
{
	struct pdud *d = data;

	if (owes_anything(d))
		log_error("stopping, though an OFF is not confirmed yet: it is tried again at the next start");
	loop_stop(&d->loop);
}

void on_stop(void *owner)
{
	struct pdud *d = owner;

	d->stopping = true;
	loop_timer_start(&d->loop, &d->stop_timer, STOP_PATIENCE_MS, on_patience, d);
	stop_if_done(d);
}

void pdus_finish(struct pdud *d)
{
	struct gw_error why = {0};
	struct pdu *pdu;

	gw_fail(&why, GW_UNREACHABLE, "pdud stops");
	records_collected(d); /* remember_finish has just written them */
	records_saved(d);
	while ((pdu = d->pdus)) {
		d->pdus = pdu->next;
		for (size_t i = 0; i < pdu->n_ports; i++)
			waiters_fail(pdu->ports[i], &why);
		pdu_stop(pdu);
		pdu_destroy(pdu);
	}
	loop_timer_finish(&d->stop_timer);
}
