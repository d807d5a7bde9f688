/* What time does to leases: one that is not renewed ends; and some time after pdud's start, what nobody has claimed is switched OFF. */
#include "libgateway/log.h"
#include "pdud/lease.h"
#include "pdud/pdud.h"

#define LATE_MS 1000 /* so late is our own timer only when we were stopped: the holders' renewals wait in our sockets */

int64_t pdud_grace_ms(const struct pdud *d)
{
	return (int64_t)(env_number(&d->env, OPT_PDUD_LEASE_GRACE) * 1000);
}

static void each_port(struct pdud *d, void (*fn)(struct pdud *d, struct pdu *pdu, struct port *port, struct port_time now))
{
	struct port_time now = pdu_now(&d->loop);

	for (struct pdu *pdu = d->pdus; pdu; pdu = pdu->next)
		for (size_t i = 0; i < pdu->n_ports; i++)
			fn(d, pdu, pdu->ports[i], now);
}

static void give_time(struct pdud *d, struct pdu *pdu, struct port *port, struct port_time now)
{
	if (lease_has_expired(port, now))
		port->lease_until = now.mono_ms + pdud_grace_ms(d) / 2;
}

static void switch_off(struct pdud *d, struct pdu *pdu, struct port *port, const char *why)
{
	log_warning("%s: %s: OFF", port->where, why);
	port_off_is_due(port);
	keeper_touch(&d->records_file);
	pdu_kick(pdu);
}

static void expire(struct pdud *d, struct pdu *pdu, struct port *port, struct port_time now)
{
	if (lease_has_expired(port, now))
		end_lease(d, pdu, port, "it was not renewed in time");
	else if (lease_is_live(port))
		expiry_expect(d, port->lease_until);
	else if (lease_left_is_over(port, now))
		switch_off(d, pdu, port, "it was left ON and nobody took it");
	else if (port->left_until)
		expiry_expect(d, port->left_until);
}

void expiry_look_at(struct pdud *d, struct port *port)
{
	int64_t until = pdu_now(&d->loop).mono_ms + pdud_grace_ms(d);

	if (!port_found_on(port, until))
		return;
	log_info("%s: it is ON and nobody's: OFF in %g s, unless somebody takes it", port->where, (double)pdud_grace_ms(d) / 1000);
	expiry_expect(d, until);
	keeper_touch(&d->records_file);
}

static void sweep_port(struct pdud *d, struct pdu *pdu, struct port *port, struct port_time now)
{
	if (port_unclaimed(port))
		switch_off(d, pdu, port, "nobody has claimed it since pdud's start");
}

static void on_timer(void *data)
{
	struct pdud *d = data;
	int64_t now = pdu_now(&d->loop).mono_ms;

	if (now - d->lease_timer_at > LATE_MS) {
		log_warning("pdud was stopped for a while: leases get half a grace more");
		each_port(d, give_time);
	}
	if (d->sweep_at && now >= d->sweep_at) {
		d->sweep_at = 0;
		each_port(d, sweep_port);
	}
	each_port(d, expire);
	if (d->sweep_at)
		expiry_expect(d, d->sweep_at);
}

void expiry_expect(struct pdud *d, int64_t at)
{
	int64_t now = pdu_now(&d->loop).mono_ms;

	if (loop_timer_active(&d->lease_timer) && d->lease_timer_at <= at)
		return;
	d->lease_timer_at = at;
	loop_timer_start(&d->loop, &d->lease_timer, at > now ? (uint64_t)(at - now) : 0, on_timer, d);
}

void sweep_arm(struct pdud *d)
{
	d->sweep_at = pdu_now(&d->loop).mono_ms + pdud_grace_ms(d);
	expiry_expect(d, d->sweep_at);
}

void expiry_finish(struct pdud *d)
{
	loop_timer_finish(&d->lease_timer);
}
