#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libmars/dut_state.h"

static void promise_17_every_pair_of_state_and_event_is_decided(void **state)
{
	int undecided = 0;

	for (int s = 0; s < DUT_STATES; s++)
		for (int e = 0; e < DUT_EVENTS; e++)
			if (!dut_step_is_decided((enum dut_state)s, (enum dut_event)e)) {
				print_error("undecided: %s, %s\n", dut_state_name((enum dut_state)s), dut_event_name((enum dut_event)e));
				undecided++;
			}
	assert_int_equal(undecided, 0);
}

/* The transitions that the reference text and protocols.md name. */
static const struct {
	enum dut_state from;
	enum dut_event event;
	enum dut_state to;
	const char *actions;
} named[] = {
	{DUT_WAIT_FOR_CONFIG, DUT_EV_ACTIVATE_CHECK, DUT_QUICK_CHECK, "START_QUICK_CHECK EXPOSE_RUNNERS"},
	{DUT_WAIT_FOR_CONFIG, DUT_EV_ACTIVATE_TRAIN, DUT_TRAINING, "START_TRAINING RESET_TRAINING"},
	{DUT_WAIT_FOR_CONFIG, DUT_EV_ACTIVATE_READY, DUT_IDLE, "EXPOSE_RUNNERS"},
	{DUT_WAIT_FOR_CONFIG, DUT_EV_RETIRE, DUT_RETIRED, "UNEXPOSE_RUNNERS"},
	{DUT_QUICK_CHECK, DUT_EV_QUICK_CHECK_PASSED, DUT_IDLE, "EXPOSE_RUNNERS"},
	{DUT_QUICK_CHECK, DUT_EV_QUICK_CHECK_FAILED, DUT_TRAINING, "START_TRAINING RESET_TRAINING CLEAR_READY UNEXPOSE_RUNNERS"},
	{DUT_QUICK_CHECK, DUT_EV_RETIRE, DUT_QUICK_CHECK, "CANCEL_JOB UNEXPOSE_RUNNERS"},
	{DUT_QUICK_CHECK, DUT_EV_ENDED_RETIRED, DUT_RETIRED, "UNEXPOSE_RUNNERS"},
	{DUT_TRAINING, DUT_EV_REGISTERED, DUT_TRAINING, "START_TRAINING"},
	{DUT_TRAINING, DUT_EV_REGISTRATION_FAILED, DUT_TRAINING, "WAIT_RETRIAL"},
	{DUT_TRAINING, DUT_EV_RETRY, DUT_TRAINING, "START_TRAINING"},
	{DUT_TRAINING, DUT_EV_LOOP_DONE, DUT_TRAINING, "START_TRAINING"},
	{DUT_TRAINING, DUT_EV_LOOPS_FAILED, DUT_TRAINING, "START_TRAINING RESET_TRAINING"},
	{DUT_TRAINING, DUT_EV_TRAINING_PASSED, DUT_IDLE, "SET_READY EXPOSE_RUNNERS"},
	{DUT_TRAINING, DUT_EV_READY_SET, DUT_TRAINING, "CANCEL_JOB STOP_RETRIAL"},
	{DUT_TRAINING, DUT_EV_JOB_ENDED, DUT_IDLE, "STOP_RETRIAL EXPOSE_RUNNERS"},
	{DUT_IDLE, DUT_EV_JOB_ACCEPTED, DUT_QUEUED, "START_JOB"},
	{DUT_IDLE, DUT_EV_RETIRE, DUT_RETIRED, "UNEXPOSE_RUNNERS"},
	{DUT_IDLE, DUT_EV_QUICK_CHECK_REQUESTED, DUT_QUICK_CHECK, "START_QUICK_CHECK"},
	{DUT_IDLE, DUT_EV_READY_CLEARED, DUT_TRAINING, "START_TRAINING RESET_TRAINING UNEXPOSE_RUNNERS"},
	{DUT_IDLE, DUT_EV_REMOVED, DUT_WAIT_FOR_CONFIG, "UNEXPOSE_RUNNERS FORGET"},
	{DUT_IDLE, DUT_EV_UNCONFIGURED, DUT_WAIT_FOR_CONFIG, "UNEXPOSE_RUNNERS"},
	{DUT_QUEUED, DUT_EV_JOB_STARTED, DUT_RUNNING, ""},
	{DUT_QUEUED, DUT_EV_JOB_LOST, DUT_QUEUED, "REVOKE_LEASE"},
	{DUT_RUNNING, DUT_EV_JOB_ENDED, DUT_IDLE, ""},
	{DUT_RUNNING, DUT_EV_JOB_ENDED_CHECK, DUT_QUICK_CHECK, "START_QUICK_CHECK"},
	{DUT_RUNNING, DUT_EV_JOB_ENDED_UNFIT, DUT_TRAINING, "START_TRAINING RESET_TRAINING CLEAR_READY UNEXPOSE_RUNNERS"},
	{DUT_RUNNING, DUT_EV_JOB_LOST, DUT_RUNNING, "REVOKE_LEASE"},
	{DUT_RUNNING, DUT_EV_CANCEL, DUT_RUNNING, "CANCEL_JOB"},
	{DUT_RUNNING, DUT_EV_RETIRE, DUT_RUNNING, "UNEXPOSE_RUNNERS"},
	{DUT_RUNNING, DUT_EV_REMOVED, DUT_RUNNING, "CANCEL_JOB UNEXPOSE_RUNNERS"},
	{DUT_RUNNING, DUT_EV_UNFIT, DUT_RUNNING, "CLEAR_READY UNEXPOSE_RUNNERS"},
	{DUT_RUNNING, DUT_EV_QUICK_CHECK_REQUESTED, DUT_RUNNING, "QUEUE_QUICK_CHECK"},
	{DUT_RUNNING, DUT_EV_ACTIVATE_CHECK, DUT_RUNNING, "QUEUE_QUICK_CHECK EXPOSE_RUNNERS"},
	{DUT_QUICK_CHECK, DUT_EV_CUT_SHORT, DUT_QUICK_CHECK, "START_QUICK_CHECK EXPOSE_RUNNERS"},
	{DUT_TRAINING, DUT_EV_CUT_SHORT, DUT_TRAINING, "START_TRAINING STOP_RETRIAL"},
	{DUT_RETIRED, DUT_EV_ACTIVATE_CHECK, DUT_QUICK_CHECK, "START_QUICK_CHECK EXPOSE_RUNNERS"},
	{DUT_RETIRED, DUT_EV_ACTIVATE_TRAIN, DUT_TRAINING, "START_TRAINING RESET_TRAINING"},
	{DUT_RETIRED, DUT_EV_ACTIVATE_WAIT, DUT_WAIT_FOR_CONFIG, ""},
};

static void named_transitions_are_as_the_text_says(void **state)
{
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		struct dut_step step;
		char actions[256], got[512], want[512];
		bool counts = dut_step(named[i].from, named[i].event, &step);

		snprintf(got, sizeof(got), "%s %s -> %s [%s] %d", dut_state_name(named[i].from), dut_event_name(named[i].event),
			 dut_state_name(step.state), dut_actions_text(step.actions, actions, sizeof(actions)), counts);
		snprintf(want, sizeof(want), "%s %s -> %s [%s] 1", dut_state_name(named[i].from), dut_event_name(named[i].event),
			 dut_state_name(named[i].to), named[i].actions);
		assert_string_equal(got, want);
	}
}

static void a_job_is_refused_by_all_but_an_idle_machine(void **state)
{
	static const char *const why[DUT_STATES] = {
		[DUT_WAIT_FOR_CONFIG] = "the machine waits for its power port to be configured",
		[DUT_QUICK_CHECK] = "the machine is being checked",
		[DUT_TRAINING] = "the machine is in training",
		[DUT_QUEUED] = "the machine was just given to another job",
		[DUT_RUNNING] = "the machine is running a job",
		[DUT_RETIRED] = "the machine is retired",
	};

	for (int s = 0; s < DUT_STATES; s++) {
		struct dut_step step;

		assert_int_equal(dut_step((enum dut_state)s, DUT_EV_JOB_ACCEPTED, &step), s == DUT_IDLE);
		if (s == DUT_IDLE)
			continue;
		assert_string_equal(step.refused, why[s]);
		assert_int_equal(step.state, s);
		assert_int_equal(step.actions, 0);
	}
}

static void cancel_is_refused_unless_there_is_a_job(void **state)
{
	for (int s = 0; s < DUT_STATES; s++) {
		struct dut_step step;
		bool has_one = s == DUT_QUEUED || s == DUT_RUNNING;

		assert_int_equal(dut_step((enum dut_state)s, DUT_EV_CANCEL, &step), has_one);
		if (has_one)
			assert_true(step.actions & DO_CANCEL_JOB);
		else
			assert_string_equal(step.refused, "no job is running");
	}
}

static void names_read_back_as_the_states_they_name(void **state)
{
	enum dut_state found;

	for (int s = 0; s < DUT_STATES; s++) {
		assert_true(dut_state_from_name(dut_state_name((enum dut_state)s), &found));
		assert_int_equal(found, s);
	}
	assert_false(dut_state_from_name("ASLEEP", &found));
}

/* --- What depends on numbers -------------------------------------------------------------------------------------------------------- */

static const struct dut_situation farm = {.has_port = true, .boot_count = 100, .qualifying = 100, .quick_checks = true};

static void activation_depends_on_the_database_and_the_options(void **state)
{
	struct dut_situation now = farm;

	assert_int_equal(dut_activation(&now), DUT_EV_ACTIVATE_TRAIN);
	now.ready_for_service = true;
	assert_int_equal(dut_activation(&now), DUT_EV_ACTIVATE_CHECK);
	now.quick_checks = false;
	assert_int_equal(dut_activation(&now), DUT_EV_ACTIVATE_READY);
	now.has_port = false;
	assert_int_equal(dut_activation(&now), DUT_EV_ACTIVATE_WAIT);
	now.is_retired = true;
	assert_int_equal(dut_activation(&now), DUT_EV_RETIRE);
}

static void a_negative_boot_count_disables_training_and_checks(void **state)
{
	struct dut_situation now = farm;

	now.boot_count = -1;
	assert_false(dut_training_enabled(&now));
	assert_int_equal(dut_activation(&now), DUT_EV_ACTIVATE_READY);
	assert_int_equal(dut_after_job(&now, DUT_JOB_USER, DUT_PASSED, true), DUT_EV_JOB_ENDED);
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_FAILED, false), DUT_EV_JOB_ENDED);
	assert_int_equal(dut_after_job(&now, DUT_JOB_REGISTRATION, DUT_FAILED, false), DUT_EV_JOB_ENDED);
}

static void a_boot_count_of_0_needs_registration_alone(void **state)
{
	struct dut_situation now = farm;

	now.boot_count = 0;
	assert_int_equal(dut_activation(&now), DUT_EV_ACTIVATE_TRAIN);
	assert_int_equal(dut_after_job(&now, DUT_JOB_REGISTRATION, DUT_PASSED, false), DUT_EV_TRAINING_PASSED);
	assert_int_equal(dut_after_job(&now, DUT_JOB_REGISTRATION, DUT_FAILED, false), DUT_EV_REGISTRATION_FAILED);
}

static void loops_qualify_a_machine_when_enough_passed(void **state)
{
	struct dut_situation now = farm;

	now.boot_count = 5;
	now.qualifying = 4;
	assert_int_equal(dut_after_job(&now, DUT_JOB_REGISTRATION, DUT_PASSED, false), DUT_EV_REGISTERED);
	now.loops_done = now.loops_passed = 4;
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_PASSED, false), DUT_EV_LOOP_DONE);
	now.loops_done = 5;
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_FAILED, false), DUT_EV_TRAINING_PASSED);
	now.loops_passed = 3;
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_PASSED, false), DUT_EV_LOOPS_FAILED);
	now.qualifying = 50; /* more than there are loops: all of them */
	now.loops_passed = 5;
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_PASSED, false), DUT_EV_TRAINING_PASSED);
}

static void what_the_admin_did_meanwhile_comes_before_a_jobs_verdict(void **state)
{
	struct dut_situation now = farm;

	now.ready_for_service = true;
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_FAILED, false), DUT_EV_JOB_ENDED); /* made ready by hand */
	now.is_retired = true;
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_PASSED, false), DUT_EV_ENDED_RETIRED);
	now.is_retired = false;
	now.has_port = false;
	assert_int_equal(dut_after_job(&now, DUT_JOB_USER, DUT_PASSED, false), DUT_EV_ENDED_UNCONFIGURED);
	now.removed = true;
	assert_int_equal(dut_after_job(&now, DUT_JOB_USER, DUT_PASSED, false), DUT_EV_ENDED_REMOVED);
}

static void a_users_job_leads_to_idle_a_check_or_training(void **state)
{
	struct dut_situation now = farm;

	now.ready_for_service = true;
	assert_int_equal(dut_after_job(&now, DUT_JOB_USER, DUT_FAILED, false), DUT_EV_JOB_ENDED);
	now.quick_check_queued = true;
	assert_int_equal(dut_after_job(&now, DUT_JOB_USER, DUT_PASSED, false), DUT_EV_JOB_ENDED_CHECK);
	assert_int_equal(dut_after_job(&now, DUT_JOB_USER, DUT_PASSED, true), DUT_EV_JOB_ENDED_UNFIT);
}

static void a_quick_check_fails_by_its_verdict_or_by_an_unfit_machine(void **state)
{
	struct dut_situation now = farm;

	now.ready_for_service = true;
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_PASSED, false), DUT_EV_QUICK_CHECK_PASSED);
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_FAILED, false), DUT_EV_QUICK_CHECK_FAILED);
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_PASSED, true), DUT_EV_QUICK_CHECK_FAILED);
}

static void what_the_gateway_cut_short_is_done_again(void **state)
{
	struct dut_situation now = farm;

	assert_int_equal(dut_after_job(&now, DUT_JOB_REGISTRATION, DUT_CUT_SHORT, false), DUT_EV_CUT_SHORT);
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_CUT_SHORT, false), DUT_EV_CUT_SHORT);
	now.ready_for_service = true; /* retired and activated again within one check: it is as ready as before */
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_CUT_SHORT, false), DUT_EV_CUT_SHORT);
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_CUT_SHORT, true), DUT_EV_QUICK_CHECK_FAILED);
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_CUT_SHORT, false), DUT_EV_JOB_ENDED);
	now.ready_for_service = false;
	assert_int_equal(dut_after_job(&now, DUT_JOB_QUICK_CHECK, DUT_CUT_SHORT, false), DUT_EV_QUICK_CHECK_FAILED);
	now.is_retired = true;
	assert_int_equal(dut_after_job(&now, DUT_JOB_LOOP, DUT_CUT_SHORT, false), DUT_EV_ENDED_RETIRED);
}

#define RETIRED  1
#define UNPLACED 2
#define READY    4
#define GONE     8
#define MOVED    16 /* to another port */

static const struct edit_row {
	int before, now;
	const char *events;
} edit_rows[] = {
	{0, 0, ""},
	{0, RETIRED, "RETIRE"},
	{RETIRED, 0, "ACTIVATE_TRAIN"},
	{RETIRED | READY, READY, "ACTIVATE_CHECK"},
	{RETIRED, RETIRED | READY, ""},
	{0, READY, "READY_SET"},
	{READY, 0, "READY_CLEARED"},
	{READY, READY | UNPLACED, "UNCONFIGURED"},
	{READY | UNPLACED, READY, "ACTIVATE_CHECK"},
	{UNPLACED, 0, "ACTIVATE_TRAIN"},
	{READY, READY | MOVED, "UNCONFIGURED ACTIVATE_CHECK"},
	{READY, READY | RETIRED | UNPLACED, "UNCONFIGURED RETIRE"},
	{READY | RETIRED, READY | RETIRED | UNPLACED, "UNCONFIGURED"}, /* its last job may run still: not at that port any more */
	{READY | RETIRED, READY | RETIRED | MOVED, "UNCONFIGURED RETIRE"},
	{READY | RETIRED, READY | MOVED, "UNCONFIGURED ACTIVATE_CHECK"},
	{READY | RETIRED, READY | UNPLACED, "UNCONFIGURED ACTIVATE_WAIT"},
	{READY, GONE, "REMOVED"},
	{RETIRED, GONE, "REMOVED"},
	{GONE, GONE, ""},
	{GONE, READY, "ACTIVATE_CHECK"},
	{GONE, UNPLACED, "ACTIVATE_WAIT"},
	{GONE, RETIRED, "RETIRE"},
};

static struct dut_situation situation(int facts)
{
	struct dut_situation s = farm;

	s.is_retired = facts & RETIRED;
	s.ready_for_service = facts & READY;
	s.removed = facts & GONE;
	s.has_port = !(facts & (UNPLACED | GONE));
	return s;
}

static void an_edit_leads_to_the_events_that_it_means(void **state)
{
	for (size_t i = 0; i < sizeof(edit_rows) / sizeof(edit_rows[0]); i++) {
		const struct edit_row *row = &edit_rows[i];
		struct dut_situation before = situation(row->before), now = situation(row->now);
		enum dut_event events[DUT_EDIT_EVENTS];
		size_t n = dut_after_edit(&before, &now, row->now & MOVED, events);
		char got[200] = "";

		for (size_t e = 0; e < n; e++)
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s", e ? " " : "", dut_event_name(events[e]));
		if (strcmp(got, row->events) != 0)
			fail_msg("row %zu: '%s', expected: '%s'", i, got, row->events);
	}
}

/* --- A random walk ------------------------------------------------------------------------------------------------------------------ */

/* The world around the machine: who has its power, and what can happen next. */
struct world {
	uint32_t random;
	enum dut_state state;
	struct dut_situation db; /* what the admin has written by now */
	enum dut_job_kind kind;
	bool job;      /* a job of it is there, with a jobd that is not known to be dead */
	bool revoking; /* its jobd died and executord has the port switched off */
	bool power;
	bool waiting; /* for a new try of registration */
	bool end_due; /* CANCEL_JOB without a job */
	bool cancelled;
	bool registered, unfit;
	long visits[DUT_STATES], events[DUT_EVENTS];
};

static uint32_t roll(struct world *w, uint32_t n)
{
	w->random = w->random * 1664525 + 1013904223;
	return (w->random >> 8) % n;
}

static bool may_have_a_job(enum dut_state state)
{
	return state == DUT_QUICK_CHECK || state == DUT_TRAINING || state == DUT_QUEUED || state == DUT_RUNNING;
}

static void start(struct world *w, enum dut_job_kind kind)
{
	assert_false(w->job || w->revoking); /* never two jobs at once */
	w->job = true;
	w->kind = kind;
	w->unfit = w->cancelled = false;
}

static void act(struct world *w, uint32_t actions)
{
	if (actions & DO_RESET_TRAINING) {
		w->registered = false;
		w->db.loops_done = w->db.loops_passed = 0;
	}
	if (actions & DO_STOP_RETRIAL)
		w->waiting = false;
	if (actions & DO_START_JOB)
		start(w, DUT_JOB_USER);
	if (actions & DO_START_QUICK_CHECK)
		start(w, DUT_JOB_QUICK_CHECK);
	if (actions & DO_START_TRAINING)
		start(w, w->registered ? DUT_JOB_LOOP : DUT_JOB_REGISTRATION);
	if (actions & DO_WAIT_RETRIAL)
		w->waiting = true;
	if (actions & DO_CANCEL_JOB) {
		w->cancelled = true;
		w->end_due = !w->job && !w->revoking;
	}
	if (actions & DO_SET_READY)
		w->db.ready_for_service = true;
	if (actions & DO_CLEAR_READY)
		w->db.ready_for_service = false;
	if (actions & DO_QUEUE_QUICK_CHECK)
		w->db.quick_check_queued = true;
}

static void send(struct world *w, enum dut_event event)
{
	struct dut_step step;

	if (event == DUT_EV_JOB_LOST) {
		w->revoking = true;
		w->job = false;
	}
	dut_step(w->state, event, &step);
	if (event == DUT_EV_JOB_LOST)
		assert_true(step.actions & DO_REVOKE_LEASE); /* nobody else would switch it off */
	w->state = step.state;
	act(w, step.actions);
	w->visits[w->state]++;
	w->events[event]++;
	assert_true(!w->power || w->job || w->revoking);
	assert_true((!w->job && !w->revoking && !w->waiting) || may_have_a_job(w->state));
	assert_true(w->job || w->revoking || w->waiting || w->end_due || !may_have_a_job(w->state)); /* nothing is waited for in vain */
}

/* A job that was cancelled tells nothing more often than not. */
static enum dut_verdict verdict(struct world *w)
{
	if (roll(w, 3) != 0)
		return DUT_PASSED;
	return w->cancelled || roll(w, 8) == 0 ? DUT_CUT_SHORT : DUT_FAILED;
}

static void end_job(struct world *w)
{
	enum dut_verdict how = w->end_due ? DUT_CUT_SHORT : verdict(w);
	enum dut_job_kind kind = w->end_due ? DUT_JOB_REGISTRATION : w->kind;

	w->power = w->job = w->revoking = w->end_due = w->cancelled = false; /* a job's end is said once its port is off */
	if (kind == DUT_JOB_LOOP && how != DUT_CUT_SHORT) {
		w->db.loops_done++;
		w->db.loops_passed += how == DUT_PASSED;
	}
	w->registered |= kind == DUT_JOB_REGISTRATION && how == DUT_PASSED;
	send(w, dut_after_job(&w->db, kind, how, w->unfit));
	w->db.quick_check_queued = false;
}

/* One save of an editor may change several facts at once. */
static void admin_edits(struct world *w)
{
	struct dut_situation before = w->db;
	enum dut_event events[DUT_EDIT_EVENTS];
	bool moved = roll(w, 6) == 0;
	size_t n;

	if (roll(w, 3) == 0)
		w->db.is_retired = !w->db.is_retired;
	if (roll(w, 3) == 0)
		w->db.has_port = !w->db.has_port;
	if (roll(w, 3) == 0)
		w->db.ready_for_service = !w->db.ready_for_service;
	if (roll(w, 5) == 0)
		w->db.removed = !w->db.removed;
	if (roll(w, 5) == 0 && !may_have_a_job(w->state))
		w->db.boot_count = (int)roll(w, 4) - 1; /* an option: executord was restarted */
	n = dut_after_edit(&before, &w->db, moved && before.has_port && w->db.has_port, events);
	for (size_t i = 0; i < n; i++)
		send(w, events[i]);
}

static void machine_or_user(struct world *w)
{
	static const enum dut_event any[] = {DUT_EV_BOOT_SEEN, DUT_EV_CANCEL, DUT_EV_JOB_ACCEPTED, DUT_EV_QUICK_CHECK_REQUESTED};
	enum dut_event event = any[roll(w, 4)];

	if (event == DUT_EV_QUICK_CHECK_REQUESTED && !dut_training_enabled(&w->db))
		return; /* refused before */
	if (event == DUT_EV_JOB_ACCEPTED && (w->db.removed || w->db.is_retired))
		return; /* admission does not see it */
	send(w, event);
}

static void job_goes_on(struct world *w)
{
	switch (roll(w, 6)) {
	case 0:
		if (w->job)
			send(w, DUT_EV_JOB_STARTED);
		return;
	case 1:
		w->power |= w->job;
		return;
	case 2:
		w->power &= !w->job; /* between two boots */
		return;
	case 3:
		w->unfit |= w->job;
		if (w->job)
			send(w, DUT_EV_UNFIT);
		return;
	case 4:
		if (w->job)
			send(w, DUT_EV_JOB_LOST);
		return;
	default:
		if (w->job || w->revoking)
			end_job(w);
	}
}

static void promise_17_a_random_walk_never_leaves_power_on_without_an_owner(void **state)
{
	struct world w = {.random = 20241124, .state = DUT_WAIT_FOR_CONFIG, .db = farm};

	w.db.boot_count = 2;
	w.db.qualifying = 1;
	send(&w, dut_activation(&w.db));
	for (int i = 0; i < 1000000; i++) {
		if (w.end_due)
			end_job(&w);
		else if (w.waiting && roll(&w, 4) == 0) {
			w.waiting = false;
			send(&w, DUT_EV_RETRY);
		} else if (roll(&w, 20) == 0)
			admin_edits(&w);
		else if (roll(&w, 3) == 0)
			machine_or_user(&w);
		else
			job_goes_on(&w);
	}
	for (int s = 0; s < DUT_STATES; s++)
		assert_true(w.visits[s] > 1000); /* the walk was everywhere */
	for (int e = 0; e < DUT_EVENTS; e++)
		if (w.events[e] < 20)
			fail_msg("%s happened %ld times", dut_event_name((enum dut_event)e), w.events[e]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_17_every_pair_of_state_and_event_is_decided),
		cmocka_unit_test(named_transitions_are_as_the_text_says),
		cmocka_unit_test(a_job_is_refused_by_all_but_an_idle_machine),
		cmocka_unit_test(cancel_is_refused_unless_there_is_a_job),
		cmocka_unit_test(names_read_back_as_the_states_they_name),
		cmocka_unit_test(activation_depends_on_the_database_and_the_options),
		cmocka_unit_test(a_negative_boot_count_disables_training_and_checks),
		cmocka_unit_test(a_boot_count_of_0_needs_registration_alone),
		cmocka_unit_test(loops_qualify_a_machine_when_enough_passed),
		cmocka_unit_test(what_the_admin_did_meanwhile_comes_before_a_jobs_verdict),
		cmocka_unit_test(a_users_job_leads_to_idle_a_check_or_training),
		cmocka_unit_test(a_quick_check_fails_by_its_verdict_or_by_an_unfit_machine),
		cmocka_unit_test(what_the_gateway_cut_short_is_done_again),
		cmocka_unit_test(an_edit_leads_to_the_events_that_it_means),
		cmocka_unit_test(promise_17_a_random_walk_never_leaves_power_on_without_an_owner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
