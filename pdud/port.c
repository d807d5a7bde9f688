#include "pdud/port.h"

#include <stdlib.h>

#include "libgateway/error.h"

static const char *const state_names[] = {"UNKNOWN", "OFF", "ON", "REBOOT"};

const char *port_state_name(enum port_state state)
{
	return state_names[state];
}

void port_init(struct port *p, const char *id, char *where, int64_t min_off_ms)
{
	*p = (struct port){.id = gw_strdup(id), .where = where, .min_off_ms = min_off_ms, .due = true};
}

void port_finish(struct port *p)
{
	free(p->id);
	free(p->where);
	free(p->label);
	free(p->job);
	free(p->why);
	*p = (struct port){0};
}

/* How long the port has to stay OFF still. It never was seen OFF: whoever asks reads it first. */
static int64_t off_time_left(const struct port *p, struct port_time now)
{
	int64_t left;

	if (!p->off_known)
		return p->min_off_ms;
	left = p->off_since + p->min_off_ms - now.boot_ms;
	return left < 0 ? 0 : left;
}

static enum port_step none(int64_t *wait_ms, int64_t wait)
{
	*wait_ms = wait;
	return STEP_NONE;
}

/* An ON waits: first for the disk to know whose it is, then for the minimum off time. */
static enum port_step next_for_on(const struct port *p, struct port_time now, int64_t *wait_ms)
{
	if (p->saved != PORT_SAVED)
		return none(wait_ms, PORT_NO_WAIT);
	if (p->state == PORT_OFF && off_time_left(p, now))
		return none(wait_ms, off_time_left(p, now));
	return STEP_ON;
}

enum port_step port_next(const struct port *p, struct port_time now, int64_t *wait_ms)
{
	*wait_ms = PORT_NO_WAIT;
	if (p->busy || !p->listed)
		return STEP_NONE;
	if (p->not_before > now.mono_ms)
		return none(wait_ms, p->not_before - now.mono_ms);
	if (p->wish == WISH_OFF)
		return p->told ? STEP_READ : STEP_OFF;
	if (p->due || p->told)
		return STEP_READ;
	return p->wish == WISH_ON ? next_for_on(p, now, wait_ms) : STEP_NONE;
}

void port_asked(struct port *p, enum port_step step)
{
	p->busy = true;
	if (step == STEP_READ)
		p->due = false;
	if (step == STEP_ON) /* whatever comes of it, the port may have been ON */
		p->off_known = false;
}

void port_told(struct port *p, enum port_step step)
{
	p->busy = false;
	p->due = true;
	p->told = (step == STEP_ON && p->wish == WISH_ON) || (step == STEP_OFF && p->wish == WISH_OFF);
}

static unsigned note_state(struct port *p, enum port_state state, struct port_time now)
{
	unsigned changed = p->state != state ? PORT_CHANGED : PORT_SAME;

	if (state == PORT_OFF && !p->off_known) {
		p->off_known = true;
		p->off_since = now.boot_ms;
		p->last_shutdown = now.wall;
	} else if (state == PORT_ON || state == PORT_REBOOT) {
		p->off_known = false;
	}
	p->state = state;
	return changed;
}

static unsigned end_wish(struct port *p, unsigned how)
{
	if (p->alarm)
		how |= PORT_CHANGED;
	if (p->wish == WISH_OFF && p->owed) {
		free(p->job);
		p->job = NULL;
		p->owed = false;
		how |= PORT_FREED;
	}
	port_wish(p, WISH_NOTHING);
	return how;
}

/* A try for the wish has failed. */
static unsigned count_try(struct port *p, struct port_time now)
{
	unsigned how = PORT_SAME;
	int64_t wait = PORT_RETRY_MIN_MS;

	p->told = false;
	for (unsigned i = 0; i < p->tries && wait < PORT_RETRY_MAX_MS; i++)
		wait *= 2;
	p->not_before = now.mono_ms + (wait < PORT_RETRY_MAX_MS ? wait : PORT_RETRY_MAX_MS);
	p->tries++;
	if (p->wish == WISH_ON && p->tries >= PORT_ON_TRIES)
		return end_wish(p, PORT_GIVEN_UP);
	if (p->wish == WISH_OFF && !p->alarm) {
		p->alarm = true;
		how = PORT_CHANGED;
	}
	return how;
}

/* A reading that no wish waited for: whatever failed before it is over. */
static void forgive(struct port *p)
{
	if (p->wish == WISH_NOTHING) {
		p->tries = 0;
		p->not_before = 0;
	}
}

unsigned port_read(struct port *p, enum port_state state, struct port_time now)
{
	unsigned how = note_state(p, state, now);

	p->busy = false;
	p->last_polled = now.wall;
	if (!p->told) {
		forgive(p);
		return how;
	}
	if (state == (p->wish == WISH_ON ? PORT_ON : PORT_OFF))
		return end_wish(p, how | PORT_FULFILLED);
	return how | count_try(p, now);
}

unsigned port_failed(struct port *p, struct port_time now)
{
	unsigned how = note_state(p, PORT_UNKNOWN, now);

	p->busy = false;
	p->due = true;
	return how | count_try(p, now);
}

void port_forget_ask(struct port *p)
{
	p->busy = p->told = false;
	p->due = true;
}

void port_explain(struct port *p, const char *why)
{
	free(p->why);
	p->why = gw_strdup(why);
}

void port_wish(struct port *p, enum port_wish wish)
{
	p->wish = wish;
	p->told = p->alarm = false;
	p->tries = 0;
	p->not_before = 0;
}
