#include "pdud/lease.h"

#include <stdlib.h>
#include <string.h>

bool lease_is_live(const struct port *p)
{
	return p->job && !p->owed;
}

static bool held_by(const struct port *p, const char *job)
{
	return lease_is_live(p) && strcmp(p->job, job) == 0;
}

static bool not_reserved(const struct port *p, struct gw_error *err)
{
	return !p->reserved || gw_fail(err, GW_REFUSED, "%s is reserved", p->where);
}

static bool nothing_owed(const struct port *p, struct gw_error *err)
{
	if (!p->owed)
		return true;
	if (p->job)
		return gw_fail(err, GW_BUSY, "%s is not confirmed OFF yet after job %s", p->where, p->job);
	return gw_fail(err, GW_BUSY, "%s is not confirmed OFF yet", p->where);
}

static bool not_held_by_another(const struct port *p, const char *job, struct gw_error *err)
{
	if (lease_is_live(p) && (!job || strcmp(p->job, job) != 0))
		return gw_fail(err, GW_BUSY, "%s is held by job %s", p->where, p->job);
	return true;
}

static bool must_hold(const struct port *p, const char *job, struct gw_error *err)
{
	if (held_by(p, job))
		return true;
	return not_held_by_another(p, job, err) && gw_fail(err, GW_REFUSED, "job %s holds no lease on %s", job, p->where);
}

bool lease_take(struct port *p, const char *job, int64_t until, struct gw_error *err)
{
	if (!not_reserved(p, err) || !nothing_owed(p, err) || !not_held_by_another(p, job, err))
		return false;
	if (!p->job) {
		p->job = gw_strdup(job);
		p->pinned = false;
		p->saved = PORT_UNSAVED;
		port_wish(p, WISH_NOTHING);
	}
	p->left_until = 0;
	p->lease_until = until;
	return true;
}

bool lease_renew(struct port *p, const char *job, int64_t until, struct gw_error *err)
{
	if (!must_hold(p, job, err))
		return false;
	p->lease_until = until;
	return true;
}

bool lease_power(struct port *p, const char *job, bool on, int64_t until, struct gw_error *err)
{
	enum port_wish wish = on ? WISH_ON : WISH_OFF;

	if (!lease_renew(p, job, until, err))
		return false;
	if (p->wish != wish)
		port_wish(p, wish);
	return true;
}

static void owe_off(struct port *p)
{
	p->left_until = 0;
	p->owed = true;
	if (p->wish != WISH_OFF)
		port_wish(p, WISH_OFF);
}

bool lease_release(struct port *p, const char *job, struct gw_error *err)
{
	if (!not_held_by_another(p, job, err))
		return false;
	if (!p->reserved && !p->pinned)
		owe_off(p);
	return true;
}

bool lease_leave(struct port *p, const char *job, int64_t until, struct gw_error *err)
{
	if (!must_hold(p, job, err))
		return false;
	free(p->job);
	p->job = NULL;
	p->left_until = until;
	port_wish(p, WISH_NOTHING);
	return true;
}

bool lease_left_is_over(const struct port *p, struct port_time now)
{
	return p->left_until && now.mono_ms >= p->left_until;
}

void port_unreserved(struct port *p, int64_t until)
{
	if (p->state == PORT_OFF)
		return;
	p->pinned = !p->assigned;
	p->left_until = p->assigned ? until : 0;
	p->saved = PORT_UNSAVED;
}

void port_off_is_due(struct port *p)
{
	owe_off(p);
}

bool lease_has_expired(const struct port *p, struct port_time now)
{
	return lease_is_live(p) && now.mono_ms >= p->lease_until;
}

void lease_end(struct port *p)
{
	owe_off(p);
}

bool port_set(struct port *p, bool on, struct gw_error *err)
{
	if (!not_reserved(p, err) || !not_held_by_another(p, NULL, err) || (on && !nothing_owed(p, err)))
		return false;
	if (!on) {
		p->pinned = false;
		owe_off(p);
		return true;
	}
	if (p->wish != WISH_ON) {
		p->pinned_before = p->pinned;
		port_wish(p, WISH_ON);
	}
	p->left_until = 0;
	p->pinned = true;
	p->saved = PORT_UNSAVED;
	return true;
}

/* An ON that could not be confirmed may still have come: without a holder who would see to it, it is taken back. */
void port_on_given_up(struct port *p)
{
	if (lease_is_live(p) || p->pinned_before)
		return;
	p->pinned = false;
	owe_off(p);
}

void port_disown(struct port *p)
{
	free(p->job);
	p->job = NULL;
	p->owed = p->pinned = false;
	p->left_until = 0;
	port_wish(p, WISH_NOTHING);
}

bool port_owes(const struct port *p)
{
	return p->owed || p->wish == WISH_OFF;
}

/* A machine's port that is nobody's. */
static bool is_stray(const struct port *p)
{
	return p->assigned && !p->reserved && !p->pinned && !p->job && !p->owed && !p->left_until;
}

bool port_unclaimed(struct port *p)
{
	if (!is_stray(p) || p->state == PORT_OFF)
		return false;
	owe_off(p);
	return true;
}

bool port_found_on(struct port *p, int64_t until)
{
	if (!is_stray(p) || p->wish != WISH_NOTHING || (p->state != PORT_ON && p->state != PORT_REBOOT))
		return false;
	p->left_until = until;
	return true;
}
