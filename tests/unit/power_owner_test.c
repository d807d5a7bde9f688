/* Promise 17 over the rules as they are: a machine's life (libmars/dut_state.h), its ports and leases (pdud/lease.h, pdud/port.h), with an
 * admin who edits, pins and reserves, discoveries, jobs, a device that fails and lies, and processes that are killed between any two steps,
 * each with what it has on the disk at that moment. What executord, pdud and jobd do around those rules is played here.
 *
 * A port that is ON has an owner: one who will switch it OFF, or an admin. The test's argument, or POWER_WALK, is how many steps it goes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "libmars/dut_state.h"
#include "pdud/lease.h"

#define PORTS      2
#define GRACE      2000
#define REVOKED    256
#define NOWHERE    (-1)
#define NAME_BYTES 16

struct on_disk { /* of a port */
	char job[NAME_BYTES];
	bool owed, pinned, assigned, reserved;
};

struct facts {
	bool removed, is_retired, ready;
	int port; /* NOWHERE: none */
};

struct job {    /* and its jobd */
	int id; /* 0: there is none */
	enum dut_job_kind kind;
	int port;
	bool went, alive, leased, ended, passed, cancelled;
};

struct coordinator { /* what executord has in memory, and keeps on the disk */
	enum dut_state state;
	struct facts known;
	bool registered, waiting, check_queued;
	int loops, passed;
	int job; /* id; 0: none */
	bool settling;
	int discovery, discovery_port; /* id, 0: none */
	bool discovery_ends, discovery_leaves;
};

struct world {
	uint32_t random;
	struct port_time now;
	struct facts db;
	bool reserved[PORTS];
	int boot_count;
	/* pdud */
	bool pdud;
	struct port port[PORTS];
	bool on[PORTS];      /* what the device really is */
	bool by_hand[PORTS]; /* somebody at the device switched it ON, and pdud has not read it yet or it is no machine's */
	struct on_disk disk[PORTS];
	int revoked[REVOKED];
	unsigned n_revoked;
	int64_t sweep_at;
	/* executord and the jobds */
	bool executord;
	struct coordinator ex, kept;
	bool dirty, end_unsaved;
	struct job jobs[4]; /* the last ones */
	int last_id;
	long visits[DUT_STATES], was_on, kills, adopted, discoveries, left, pins, hands;
};

static uint32_t roll(struct world *w, uint32_t n)
{
	w->random = w->random * 1664525 + 1013904223;
	return (w->random >> 8) % n;
}

static struct job *job_of(struct world *w, int id)
{
	struct job *job = &w->jobs[id % 4];

	return id && job->id == id ? job : NULL;
}

static const char *name_of(int id)
{
	static char name[NAME_BYTES];

	snprintf(name, sizeof(name), "%d", id);
	return name;
}

/* ---- pdud ---- */

static bool is_revoked(const struct world *w, int id)
{
	for (unsigned i = 0; i < REVOKED && i < w->n_revoked; i++)
		if (w->revoked[i] == id)
			return true;
	return false;
}

static bool may_ask(const struct world *w, int id)
{
	return w->pdud && !is_revoked(w, id);
}

static void pdud_save(struct world *w)
{
	for (int i = 0; i < PORTS; i++) {
		struct port *p = &w->port[i];

		w->disk[i] = (struct on_disk){
			.owed = p->owed || p->left_until, .pinned = p->pinned, .assigned = p->assigned, .reserved = p->reserved};
		snprintf(w->disk[i].job, NAME_BYTES, "%s", p->job ? p->job : "");
		p->saved = PORT_SAVED;
	}
}

/* As pdud's events and edits do: what reads ON and is a machine's, but nobody's, goes OFF. */
static void pdud_looks_at(struct world *w, int i)
{
	port_found_on(&w->port[i], w->now.mono_ms + GRACE);
	if (!w->on[i] || (w->port[i].assigned && w->port[i].state == PORT_ON))
		w->by_hand[i] = false;
}

/* What executord tells it of the database; kept over its restarts. */
static void pdud_configure(struct world *w)
{
	for (int i = 0; i < PORTS; i++) {
		bool before = w->port[i].reserved;

		w->port[i].assigned = !w->db.removed && w->db.port == i;
		w->port[i].reserved = w->reserved[i];
		if (w->reserved[i] && !before)
			port_disown(&w->port[i]);
		else if (!w->reserved[i] && before)
			port_unreserved(&w->port[i], w->now.mono_ms + GRACE);
		pdud_looks_at(w, i);
	}
}

static void pdud_start(struct world *w)
{
	for (int i = 0; i < PORTS; i++) {
		struct port *p = &w->port[i];

		port_finish(p);
		port_init(p, "0", gw_strdup("a port"), 0);
		p->listed = true;
		p->assigned = w->disk[i].assigned;
		p->reserved = w->disk[i].reserved;
		p->job = w->disk[i].job[0] ? gw_strdup(w->disk[i].job) : NULL;
		p->pinned = w->disk[i].pinned;
		if (w->disk[i].owed)
			lease_end(p);
		else if (p->job)
			p->lease_until = w->now.mono_ms + GRACE;
	}
	w->sweep_at = w->now.mono_ms + GRACE;
	w->pdud = true;
}

/* One ask of the device. It may fail, with or without having done what was asked. */
static void device_step(struct world *w, int i)
{
	struct port *p = &w->port[i];
	int64_t wait;
	enum port_step step = port_next(p, w->now, &wait);
	unsigned outcome;

	if (step == STEP_NONE)
		return;
	port_asked(p, step);
	if (roll(w, 10) != 0 || roll(w, 2) == 0)
		w->on[i] = step == STEP_ON || (step != STEP_OFF && w->on[i]);
	if (roll(w, 10) == 0)
		outcome = port_failed(p, w->now);
	else if (step == STEP_READ)
		outcome = port_read(p, w->on[i] ? PORT_ON : PORT_OFF, w->now);
	else {
		port_told(p, step);
		return;
	}
	pdud_looks_at(w, i);
	if (outcome & PORT_GIVEN_UP)
		port_on_given_up(p);
}

static void pdud_time(struct world *w)
{
	for (int i = 0; i < PORTS; i++) {
		struct port *p = &w->port[i];

		if (w->sweep_at && w->now.mono_ms >= w->sweep_at)
			port_unclaimed(p);
		if (lease_has_expired(p, w->now))
			lease_end(p);
		else if (lease_left_is_over(p, w->now))
			port_off_is_due(p);
	}
	if (w->sweep_at && w->now.mono_ms >= w->sweep_at)
		w->sweep_at = 0;
}

static void pdud_revoke(struct world *w, int id)
{
	w->revoked[w->n_revoked++ % REVOKED] = id;
	for (int i = 0; i < PORTS; i++)
		if (w->port[i].job && strcmp(w->port[i].job, name_of(id)) == 0 && lease_is_live(&w->port[i]))
			lease_end(&w->port[i]);
}

static bool pdud_holds(const struct world *w, int id)
{
	for (int i = 0; i < PORTS; i++)
		if (w->port[i].job && strcmp(w->port[i].job, name_of(id)) == 0)
			return true;
	return false;
}

/* ---- executord ---- */

static struct dut_situation situation(const struct world *w, const struct facts *facts)
{
	bool held = w->ex.discovery && w->ex.discovery_port == facts->port;

	return (struct dut_situation){.removed = facts->removed,
				      .has_port = !facts->removed && facts->port != NOWHERE && !held,
				      .is_retired = !facts->removed && facts->is_retired,
				      .ready_for_service = !facts->removed && facts->ready,
				      .quick_check_queued = w->ex.check_queued,
				      .boot_count = w->boot_count,
				      .qualifying = 1,
				      .quick_checks = w->boot_count != 1,
				      .loops_done = w->ex.loops,
				      .loops_passed = w->ex.passed};
}

static void step(struct world *w, enum dut_event event);

static void start_job(struct world *w, enum dut_job_kind kind)
{
	int id = ++w->last_id;

	assert_int_equal(w->ex.job, 0);
	w->jobs[id % 4] = (struct job){.id = id, .kind = kind, .port = w->db.port, .alive = true};
	w->ex.job = id;
}

static void job_over(struct world *w, enum dut_verdict verdict);

static void cancel_job(struct world *w)
{
	struct job *job = job_of(w, w->ex.job);

	if (!w->ex.job)
		job_over(w, DUT_CUT_SHORT);
	else if (job && !job->went) {
		job->alive = false;
		job_over(w, DUT_CUT_SHORT);
	} else if (job)
		job->cancelled = true;
}

static void act(struct world *w, uint32_t actions)
{
	if (actions & DO_RESET_TRAINING) {
		w->ex.registered = false;
		w->ex.loops = w->ex.passed = 0;
	}
	if (actions & DO_STOP_RETRIAL)
		w->ex.waiting = false;
	if (actions & DO_SET_READY)
		w->db.ready = w->ex.known.ready = true;
	if (actions & DO_CLEAR_READY)
		w->db.ready = w->ex.known.ready = false;
	if (actions & DO_QUEUE_QUICK_CHECK)
		w->ex.check_queued = true;
	if (actions & DO_REVOKE_LEASE)
		w->ex.settling = true;
	if (actions & DO_CANCEL_JOB)
		cancel_job(w);
	if (actions & DO_START_JOB)
		start_job(w, DUT_JOB_USER);
	if (actions & DO_START_TRAINING)
		start_job(w, w->ex.registered ? DUT_JOB_LOOP : DUT_JOB_REGISTRATION);
	if (actions & DO_START_QUICK_CHECK)
		start_job(w, DUT_JOB_QUICK_CHECK);
	if (actions & DO_WAIT_RETRIAL)
		w->ex.waiting = true;
}

static bool has_a_job_by_its_state(enum dut_state state)
{
	return state == DUT_QUICK_CHECK || state == DUT_TRAINING || state == DUT_QUEUED || state == DUT_RUNNING;
}

static void step(struct world *w, enum dut_event event)
{
	struct dut_step s;

	dut_step(w->ex.state, event, &s);
	w->ex.state = s.state;
	w->dirty = true;
	act(w, s.actions);
	w->visits[w->ex.state]++;
}

static enum dut_job_kind kind_of(enum dut_state state)
{
	return state == DUT_QUICK_CHECK ? DUT_JOB_QUICK_CHECK : state == DUT_TRAINING ? DUT_JOB_REGISTRATION : DUT_JOB_USER;
}

static void job_over(struct world *w, enum dut_verdict verdict)
{
	struct job *job = job_of(w, w->ex.job);
	enum dut_job_kind kind = job ? job->kind : kind_of(w->ex.state);
	struct dut_situation now;
	enum dut_event event;

	if (job && job->went) { /* promise 12: a machine is not given out before its port was read back OFF */
		assert_false(pdud_holds(w, job->id));
		w->end_unsaved = true;
	}
	if (job)
		job->alive = false;
	w->ex.job = 0;
	w->ex.settling = false;
	if (verdict == DUT_PASSED && kind == DUT_JOB_REGISTRATION)
		w->ex.registered = true;
	if (verdict != DUT_CUT_SHORT && kind == DUT_JOB_LOOP) {
		w->ex.loops++;
		w->ex.passed += verdict == DUT_PASSED;
	}
	now = situation(w, &w->db);
	event = dut_after_job(&now, kind, verdict, roll(w, 20) == 0);
	if (event == DUT_EV_JOB_ENDED_CHECK || kind == DUT_JOB_QUICK_CHECK)
		w->ex.check_queued = false;
	step(w, event);
}

static void settle(struct world *w)
{
	struct dut_situation before = situation(w, &w->ex.known), now;
	enum dut_event events[DUT_EDIT_EVENTS];
	bool moved = w->ex.known.port != NOWHERE && w->db.port != NOWHERE && w->ex.known.port != w->db.port;
	size_t n;

	w->ex.known = w->db;
	now = situation(w, &w->db);
	if (w->ex.discovery && w->ex.discovery_port == w->db.port)
		w->ex.known.port = NOWHERE; /* it has it when the discovery is over */
	n = dut_after_edit(&before, &now, moved && before.has_port && now.has_port, events);
	for (size_t i = 0; i < n; i++)
		step(w, events[i]);
	w->dirty = true;
}

static void executord_save(struct world *w)
{
	w->kept = w->ex;
	w->dirty = w->end_unsaved = false;
}

/* All jobds that live are heard before anything else is done. */
static void executord_start(struct world *w)
{
	w->ex = w->kept;
	w->executord = true;
	w->end_unsaved = false;
	if (w->pdud)
		pdud_configure(w);
	settle(w);
	for (int i = 0; i < 4; i++) {
		struct job *job = &w->jobs[i];
		struct dut_step s;
		bool fits = job->kind == DUT_JOB_USER ? w->ex.state == DUT_QUEUED || dut_step(w->ex.state, DUT_EV_JOB_ACCEPTED, &s)
						      : (w->ex.state == DUT_TRAINING || w->ex.state == DUT_QUICK_CHECK) && !w->ex.waiting;

		if (!job->id || !job->alive || job->id == w->ex.job)
			continue;
		if (!job->went) {
			job->alive = false; /* a spare whose connection ended */
		} else if (w->ex.job || !fits) {
			job->cancelled = true; /* it is sent away, and ends by itself */
		} else {
			w->ex.job = job->id;
			w->adopted++;
			if (job->kind == DUT_JOB_USER && w->ex.state != DUT_QUEUED)
				w->ex.state = DUT_QUEUED;
		}
	}
	if (!w->ex.job && has_a_job_by_its_state(w->ex.state)) {
		struct dut_situation now = situation(w, &w->db);

		if (!(w->ex.state == DUT_TRAINING && w->ex.waiting && now.has_port && !now.is_retired && !now.ready_for_service))
			job_over(w, DUT_CUT_SHORT);
	}
}

static bool port_is_used(struct world *w, const struct job *job)
{
	for (int i = 0; i < 4; i++)
		if (&w->jobs[i] != job && w->jobs[i].id == w->ex.job && w->jobs[i].went && w->jobs[i].port == job->port)
			return true;
	return false;
}

static void executord_works(struct world *w)
{
	struct job *job = job_of(w, w->ex.job);

	if (w->ex.job && !job) { /* of long ago */
		if (w->pdud)
			pdud_revoke(w, w->ex.job);
		if (w->pdud && !pdud_holds(w, w->ex.job))
			job_over(w, DUT_FAILED);
	} else if (job && job->alive && !job->went && !w->end_unsaved && !port_is_used(w, job)) {
		job->went = true;
	} else if (job && !job->alive && !job->ended && !w->ex.settling) {
		step(w, DUT_EV_JOB_LOST);
		w->ex.settling = true;
	} else if (job && w->ex.settling && w->pdud) {
		if (!is_revoked(w, job->id))
			pdud_revoke(w, job->id);
		if (!pdud_holds(w, job->id))
			job_over(w, job->cancelled ? DUT_CUT_SHORT : DUT_FAILED);
	} else if (job && job->ended) {
		if (w->pdud)
			pdud_revoke(w, job->id); /* its capability is good for nothing any more */
		job_over(w, job->passed ? DUT_PASSED : job->cancelled ? DUT_CUT_SHORT : DUT_FAILED);
	} else if (w->ex.waiting && roll(w, 3) == 0) {
		w->ex.waiting = false;
		step(w, DUT_EV_RETRY);
	}
}

/* ---- discoveries: executord's own lease ---- */

static void discovery_works(struct world *w)
{
	struct gw_error err = {0};
	int id = w->ex.discovery;
	struct port *p = &w->port[w->ex.discovery_port];

	if (!id || !may_ask(w, id))
		return;
	if (!w->ex.discovery_ends && lease_take(p, name_of(id), w->now.mono_ms + GRACE, &err)) {
		lease_power(p, name_of(id), true, w->now.mono_ms + GRACE, &err);
		w->ex.discovery_ends = roll(w, 10) == 0; /* found, cancelled, or too late */
		return;
	}
	w->ex.discovery_ends = true;
	if (w->ex.discovery_leaves)
		w->left += lease_leave(p, name_of(id), w->now.mono_ms + GRACE, &err);
	else if (pdud_holds(w, id) && lease_is_live(p))
		lease_release(p, name_of(id), &err);
	if (pdud_holds(w, id))
		return; /* until OFF is read back */
	w->ex.discovery = 0;
	settle(w);
}

static void discovery_begins(struct world *w)
{
	int port = (int)roll(w, PORTS);

	if (w->ex.discovery || w->reserved[port] || w->port[port].state != PORT_OFF || (!w->db.removed && w->db.port == port))
		return;
	w->ex.discovery = ++w->last_id;
	w->jobs[w->last_id % 4] = (struct job){0};
	w->ex.discovery_port = port;
	w->ex.discovery_ends = w->ex.discovery_leaves = false;
	executord_save(w); /* before the lease is asked for */
	w->discoveries++;
}

/* ---- a jobd ---- */

static void jobd_ends(struct world *w, struct job *job, struct port *p)
{
	struct gw_error err = {0};

	if (job->leased && may_ask(w, job->id)) {
		lease_power(p, name_of(job->id), false, w->now.mono_ms + GRACE, &err);
		if (p->state != PORT_OFF || p->wish == WISH_OFF)
			return; /* until OFF is read back */
		lease_release(p, name_of(job->id), &err);
		job->leased = false;
	} else if (w->pdud && !pdud_holds(w, job->id)) {
		job->ended = true; /* executord takes the result when it is there */
	}
}

static void jobd_works(struct world *w, struct job *job)
{
	struct port *p = &w->port[job->port];
	struct gw_error err = {0};

	if (!job->id || !job->alive || !job->went || job->ended)
		return;
	job->cancelled |= job->leased && w->pdud && !(p->job && strcmp(p->job, name_of(job->id)) == 0 && lease_is_live(p));
	if (job->cancelled || job->passed) {
		jobd_ends(w, job, p);
	} else if (!may_ask(w, job->id)) {
		job->cancelled |= is_revoked(w, job->id);
	} else if (!job->leased) {
		job->leased = lease_take(p, name_of(job->id), w->now.mono_ms + GRACE, &err);
		job->cancelled = !job->leased;
	} else if (roll(w, 3) == 0) {
		lease_power(p, name_of(job->id), roll(w, 3) != 0, w->now.mono_ms + GRACE, &err);
	} else if (roll(w, 6) == 0) {
		job->passed = true;
	} else {
		lease_renew(p, name_of(job->id), w->now.mono_ms + GRACE, &err);
	}
	if (w->executord && job->id == w->ex.job && roll(w, 3) == 0 && !w->ex.settling)
		step(w, DUT_EV_JOB_STARTED);
}

/* ---- the admin ---- */

static void edits(struct world *w)
{
	if (roll(w, w->db.is_retired ? 2 : 8) == 0)
		w->db.is_retired = !w->db.is_retired;
	if (roll(w, 4) == 0)
		w->db.port = (int)roll(w, PORTS + 1) - 1;
	if (roll(w, 4) == 0)
		w->db.ready = !w->db.ready;
	if (w->ex.discovery && roll(w, 3) == 0)
		w->db.port = w->ex.discovery_port;
	if (roll(w, w->db.removed ? 2 : 30) == 0)
		w->db.removed = !w->db.removed;
	if (roll(w, 8) == 0) {
		int i = (int)roll(w, PORTS);
		w->reserved[i] = !w->reserved[i] && w->db.port != i;
	}
	if (!w->executord)
		return;
	if (w->pdud)
		pdud_configure(w);
	if (w->ex.discovery && !w->db.removed && w->db.port == w->ex.discovery_port && !w->ex.discovery_ends)
		w->ex.discovery_ends = w->ex.discovery_leaves = true;
	settle(w);
}

/* Allowed at a port that is nobody's, or a retired machine's. */
static void switches(struct world *w)
{
	struct gw_error err = {0};
	int i = (int)roll(w, PORTS);

	if (!w->executord || !w->pdud || (w->ex.discovery && w->ex.discovery_port == i) ||
	    (!w->db.removed && w->db.port == i && w->ex.state != DUT_RETIRED))
		return;
	w->pins += port_set(&w->port[i], roll(w, 2) == 0, &err);
}

static void admin(struct world *w)
{
	switch (roll(w, 6)) {
	case 0:
		return edits(w);
	case 1:
		return switches(w);
	case 2:
	case 3:
		if (w->executord && w->pdud)
			discovery_begins(w);
		return;
	case 4:
		if (w->executord && !w->db.removed && !w->db.is_retired)
			step(w, DUT_EV_JOB_ACCEPTED);
		return;
	default:
		if (w->executord && w->boot_count >= 0)
			step(w, roll(w, 2) ? DUT_EV_QUICK_CHECK_REQUESTED : DUT_EV_CANCEL);
	}
}

/* ---- deaths ---- */

static void kills(struct world *w)
{
	w->kills++;
	switch (roll(w, 4)) {
	case 0:
		w->executord = false;
		return;
	case 1:
		w->pdud = false;
		return;
	case 2:
		w->jobs[roll(w, 4)].alive = false;
		return;
	default: /* all at once */
		w->executord = w->pdud = false;
		for (int i = 0; i < 4; i++)
			w->jobs[i].alive &= roll(w, 2);
	}
}

/* A PDU is read now and then. */
static void somebody_presses_a_button(struct world *w)
{
	int i = (int)roll(w, PORTS);

	if (w->on[i] || w->port[i].reserved)
		return;
	w->on[i] = w->by_hand[i] = true;
	w->port[i].due = true;
	w->hands++;
}

/* ---- what must hold ---- */

static bool has_an_owner(const struct world *w, int i)
{
	const struct port *p = &w->port[i];
	const struct on_disk *disk = &w->disk[i];

	if (w->by_hand[i])
		return true;
	if (!w->pdud)
		return disk->job[0] || disk->owed || disk->pinned || disk->assigned || disk->reserved;
	return p->reserved || (p->job || p->owed || p->pinned || p->left_until || p->wish == WISH_OFF || (w->sweep_at && p->assigned));
}

static void check(struct world *w)
{
	for (int i = 0; i < PORTS; i++) {
		w->was_on += w->on[i];
		if (w->on[i] && !has_an_owner(w, i))
			fail_msg("port %d is ON and nobody's: pdud %d, state %s, reading %s, assigned %d", i, w->pdud,
				 dut_state_name(w->ex.state), port_state_name(w->port[i].state), w->port[i].assigned);
	}
	if (w->executord && !w->ex.job && !w->ex.waiting && has_a_job_by_its_state(w->ex.state))
		fail_msg("%s waits for nothing", dut_state_name(w->ex.state));
}

/* All are dead but pdud, which is started if it is: after its graces whatever is not an admin's is OFF. */
static void everybody_dies(struct world *w)
{
	w->executord = false;
	for (int i = 0; i < 4; i++)
		w->jobs[i].alive = false;
	if (!w->pdud)
		pdud_start(w);
	for (int t = 0; t < 400; t++) {
		w->now.mono_ms += GRACE / 10;
		w->now.boot_ms += GRACE / 10;
		pdud_time(w);
		pdud_save(w);
		for (int i = 0; i < PORTS; i++)
			device_step(w, i);
	}
	for (int i = 0; i < PORTS; i++)
		if (w->on[i] && !w->by_hand[i] && !w->port[i].reserved && !w->port[i].pinned &&
		    !(w->port[i].wish == WISH_OFF && w->port[i].alarm))
			fail_msg("port %d is ON though all are dead", i);
}

static void tick(struct world *w)
{
	uint32_t ms = roll(w, 100);

	w->now.mono_ms += ms;
	w->now.boot_ms += ms;
	if (!w->pdud && roll(w, 4) == 0) {
		pdud_start(w);
		if (w->executord)
			pdud_configure(w);
	}
	if (!w->executord && roll(w, 4) == 0)
		executord_start(w);
	if (w->pdud) {
		pdud_time(w);
		if (roll(w, 2))
			pdud_save(w);
		device_step(w, (int)roll(w, PORTS));
	}
	if (w->executord) {
		executord_works(w);
		discovery_works(w);
		if (roll(w, 10) == 0)
			executord_save(w);
	}
	for (int i = 0; i < 4; i++)
		jobd_works(w, &w->jobs[i]);
	if (roll(w, 20) == 0)
		admin(w);
	if (roll(w, 60) == 0)
		kills(w);
	if (roll(w, 200) == 0)
		somebody_presses_a_button(w);
}

static long steps_wanted = 1000000;

static void promise_17_no_port_is_on_without_an_owner_whatever_dies(void **state)
{
	static struct world w;
	struct facts nowhere = {.removed = true, .port = NOWHERE};

	w = (struct world){.random = 20251125, .now = {.mono_ms = 100000, .boot_ms = 100000}, .boot_count = 2};
	w.db = w.kept.known = nowhere;
	w.db = (struct facts){.port = 0};
	for (int i = 0; i < PORTS; i++)
		port_init(&w.port[i], "0", gw_strdup("a port"), 0);
	for (long i = 0; i < steps_wanted; i++) {
		tick(&w);
		check(&w);
		if (i % 5000 == 4999)
			everybody_dies(&w);
		if (i % 50000 == 49999)
			w.boot_count = (int)roll(&w, 4) - 1;
	}
	for (int i = 0; i < PORTS; i++)
		port_finish(&w.port[i]);
	for (int s = 0; s < DUT_STATES; s++)
		if (w.visits[s] < steps_wanted / 10000)
			fail_msg("%s was visited %ld times", dut_state_name((enum dut_state)s), w.visits[s]);
	if (w.was_on < steps_wanted / 20 || w.kills < steps_wanted / 1000 || w.adopted < 10 || w.discoveries < 100 || w.left < 10 ||
	    w.pins < 100 || w.hands < 100)
		fail_msg("the walk saw too little: on %ld, kills %ld, adopted %ld, discoveries %ld, left %ld, pins %ld, hands %ld",
			 w.was_on, w.kills, w.adopted, w.discoveries, w.left, w.pins, w.hands);
}

int main(int argc, char **argv)
{
	const char *given = argc > 1 ? argv[1] : getenv("POWER_WALK");
	const struct CMUnitTest tests[] = {cmocka_unit_test(promise_17_no_port_is_on_without_an_owner_whatever_dies)};

	if (given)
		steps_wanted = atol(given);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
