/* Whose a port is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pdud/lease.h"

static struct port p;
static struct port_time now;
static struct gw_error err;

static int setup(void **state)
{
	port_init(&p, "3", gw_strdup("port 3 of PDU 'X'"), 0);
	p.listed = true;
	now = (struct port_time){.mono_ms = 1000, .boot_ms = 1000};
	err = (struct gw_error){0};
	return 0;
}

static int teardown(void **state)
{
	port_finish(&p);
	return 0;
}

static void refused(bool ok, enum gw_error_kind kind, const char *text)
{
	assert_false(ok);
	assert_int_equal(err.kind, kind);
	assert_string_equal(err.text, text);
}

static void take(const char *job)
{
	assert_true(lease_take(&p, job, 2000, &err));
}

/* The device does what is wished. */
static void device_obeys(void)
{
	enum port_step step;
	int64_t wait;

	p.saved = PORT_SAVED;
	while ((step = port_next(&p, now, &wait)) != STEP_NONE) {
		enum port_state becomes = p.wish == WISH_ON ? PORT_ON : p.wish == WISH_OFF ? PORT_OFF : p.state;
		port_asked(&p, step);
		if (step == STEP_READ)
			port_read(&p, p.told ? becomes : p.state ? p.state : PORT_OFF, now);
		else
			port_told(&p, step);
	}
}

static void a_held_port_is_refused_with_the_holders_name(void **state)
{
	take("17");
	assert_int_equal(p.saved, PORT_UNSAVED);
	refused(lease_take(&p, "18", 9000, &err), GW_BUSY, "port 3 of PDU 'X' is held by job 17");
	refused(lease_renew(&p, "18", 9000, &err), GW_BUSY, "port 3 of PDU 'X' is held by job 17");
	refused(lease_power(&p, "18", true, 9000, &err), GW_BUSY, "port 3 of PDU 'X' is held by job 17");
	refused(lease_release(&p, "18", &err), GW_BUSY, "port 3 of PDU 'X' is held by job 17");
	refused(port_set(&p, true, &err), GW_BUSY, "port 3 of PDU 'X' is held by job 17");
	refused(port_set(&p, false, &err), GW_BUSY, "port 3 of PDU 'X' is held by job 17");
	assert_string_equal(p.job, "17");
	assert_int_equal(p.wish, WISH_NOTHING);
	assert_int_equal(p.lease_until, 2000);
}

static void taking_twice_is_renewing_and_keeps_the_wish(void **state)
{
	take("17");
	assert_true(lease_power(&p, "17", true, 2000, &err));
	assert_true(lease_take(&p, "17", 3000, &err));
	assert_int_equal(p.lease_until, 3000);
	assert_int_equal(p.wish, WISH_ON);
}

static void a_lease_ends_when_it_is_not_renewed_in_time(void **state)
{
	take("17");
	now.mono_ms = 1999;
	assert_false(lease_has_expired(&p, now));
	now.mono_ms = 2000;
	assert_true(lease_has_expired(&p, now));
	assert_true(lease_renew(&p, "17", 4000, &err));
	assert_false(lease_has_expired(&p, now));
	now.wall = 4e9; /* the wall clock ends nothing */
	assert_false(lease_has_expired(&p, now));
}

static void switching_renews(void **state)
{
	take("17");
	assert_true(lease_power(&p, "17", false, 5000, &err));
	assert_int_equal(p.lease_until, 5000);
	assert_int_equal(p.wish, WISH_OFF);
}

static void a_lease_that_has_ended_owes_off_and_nobody_gets_the_port_before(void **state)
{
	take("17");
	lease_end(&p);
	assert_int_equal(p.wish, WISH_OFF);
	assert_false(lease_is_live(&p));
	assert_false(lease_has_expired(&p, now));
	refused(lease_renew(&p, "17", 9000, &err), GW_REFUSED, "job 17 holds no lease on port 3 of PDU 'X'");
	refused(lease_take(&p, "18", 9000, &err), GW_BUSY, "port 3 of PDU 'X' is not confirmed OFF yet after job 17");
	refused(lease_take(&p, "17", 9000, &err), GW_BUSY, "port 3 of PDU 'X' is not confirmed OFF yet after job 17");
	refused(port_set(&p, true, &err), GW_BUSY, "port 3 of PDU 'X' is not confirmed OFF yet after job 17");
	assert_true(port_set(&p, false, &err)); /* off said twice is off */
	device_obeys();
	assert_null(p.job);
	assert_false(p.owed);
	assert_true(lease_take(&p, "18", 9000, &err));
}

static void a_released_lease_can_be_released_again(void **state)
{
	take("17");
	assert_true(lease_release(&p, "17", &err));
	assert_true(lease_release(&p, "17", &err));
	assert_true(p.owed);
	device_obeys();
	assert_true(lease_release(&p, "17", &err));
	assert_int_equal(p.wish, WISH_OFF);
}

static void a_late_release_leaves_alone_what_is_somebodys_meanwhile(void **state)
{
	assert_true(port_set(&p, true, &err));
	device_obeys();
	assert_true(lease_release(&p, "17", &err));
	assert_int_equal(p.wish, WISH_NOTHING);
	assert_true(p.pinned);
}

static void an_admins_on_pins_and_his_off_unpins(void **state)
{
	assert_true(port_set(&p, true, &err));
	assert_true(p.pinned);
	assert_int_equal(p.wish, WISH_ON);
	assert_int_equal(p.saved, PORT_UNSAVED);
	device_obeys();
	assert_int_equal(p.state, PORT_ON);
	assert_true(port_set(&p, false, &err));
	assert_false(p.pinned);
	refused(lease_take(&p, "18", 9000, &err), GW_BUSY, "port 3 of PDU 'X' is not confirmed OFF yet");
	device_obeys();
	assert_int_equal(p.state, PORT_OFF);
	take("18");
}

static void a_job_that_takes_a_pinned_port_ends_the_pin(void **state)
{
	assert_true(port_set(&p, true, &err));
	take("17");
	assert_false(p.pinned);
	assert_int_equal(p.wish, WISH_NOTHING); /* and what is still on its way */
}

static void an_admins_on_that_never_came_is_taken_back(void **state)
{
	assert_true(port_set(&p, true, &err));
	port_wish(&p, WISH_NOTHING);
	port_on_given_up(&p);
	assert_false(p.pinned);
	assert_true(p.owed);
	assert_int_equal(p.wish, WISH_OFF);
}

static void but_a_port_that_was_pinned_before_stays_so(void **state)
{
	assert_true(port_set(&p, true, &err));
	device_obeys();
	assert_true(port_set(&p, true, &err));
	port_wish(&p, WISH_NOTHING);
	port_on_given_up(&p);
	assert_true(p.pinned);
	assert_false(p.owed);
}

static void a_jobs_on_that_never_came_is_the_jobs_affair(void **state)
{
	take("17");
	port_on_given_up(&p);
	assert_true(lease_is_live(&p));
	assert_int_equal(p.wish, WISH_NOTHING);
}

static void a_reserved_port_is_never_touched(void **state)
{
	p.reserved = p.assigned = true;
	p.state = PORT_ON;
	refused(lease_take(&p, "17", 9000, &err), GW_REFUSED, "port 3 of PDU 'X' is reserved");
	refused(port_set(&p, true, &err), GW_REFUSED, "port 3 of PDU 'X' is reserved");
	refused(port_set(&p, false, &err), GW_REFUSED, "port 3 of PDU 'X' is reserved");
	assert_true(lease_release(&p, "17", &err));
	assert_false(port_unclaimed(&p));
	assert_int_equal(p.wish, WISH_NOTHING);
}

static void a_disowned_port_is_nobodys_and_stays_as_it_is(void **state)
{
	take("17");
	lease_end(&p);
	port_disown(&p);
	assert_null(p.job);
	assert_false(port_owes(&p));
}

static void what_nobody_claims_is_switched_off(void **state)
{
	static const struct {
		bool assigned, pinned, held;
		enum port_state state;
		bool off;
	} rows[] = {
		{.assigned = true, .state = PORT_ON, .off = true},
		{.assigned = true, .state = PORT_UNKNOWN, .off = true}, /* unknown is the dangerous state */
		{.assigned = true, .state = PORT_REBOOT, .off = true},
		{.assigned = true, .state = PORT_OFF},
		{.assigned = true, .state = PORT_ON, .pinned = true},
		{.assigned = true, .state = PORT_ON, .held = true},
		{.state = PORT_ON}, /* nobody's machine: an admin's coffee maker */
		{.state = PORT_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		teardown(state);
		setup(state);
		p.assigned = rows[i].assigned;
		p.pinned = rows[i].pinned;
		p.state = rows[i].state;
		if (rows[i].held)
			take("17");
		assert_int_equal(port_unclaimed(&p), rows[i].off);
		assert_int_equal(p.wish == WISH_OFF, rows[i].off);
	}
}

/* Random requests, devices that obey or fail, and time: whatever happens, a port that nobody holds is not wished ON, and one that was given
 * back is not given out before it was read OFF. */
static void no_sequence_leaves_a_port_wished_on_without_an_owner(void **state)
{
	static const char *const jobs[] = {"1", "2", "3"};
	uint32_t seed = 4711;

	for (int i = 0; i < 300000; i++) {
		uint32_t r = seed = seed * 1664525 + 1013904223;
		const char *job = jobs[r >> 8 & 1];
		bool was_owed = p.owed;
		int64_t wait;

		r >>= 16;
		switch (r % 12) {
		case 0:
			lease_take(&p, job, now.mono_ms + 100, NULL);
			break;
		case 1:
			lease_renew(&p, job, now.mono_ms + 100, NULL);
			break;
		case 2:
			lease_power(&p, job, r & 64, now.mono_ms + 100, NULL);
			break;
		case 3:
			lease_release(&p, job, NULL);
			break;
		case 4:
			port_set(&p, r & 64, NULL);
			break;
		case 5:
			now.mono_ms += r & 127;
			now.boot_ms += r & 127;
			break;
		case 6:
			p.saved = PORT_SAVED;
			break;
		default: {
			enum port_step step = port_next(&p, now, &wait);
			unsigned outcome;
			if (step == STEP_NONE)
				break;
			port_asked(&p, step);
			if (step != STEP_READ) {
				port_told(&p, step);
				break;
			}
			outcome = r & 32 ? port_failed(&p, now) : port_read(&p, r & 64 ? PORT_ON : PORT_OFF, now);
			if (outcome & PORT_GIVEN_UP)
				port_on_given_up(&p);
			assert_true(!was_owed || p.owed || p.state == PORT_OFF);
		}
		}
		if (lease_has_expired(&p, now))
			lease_end(&p);
		assert_true(p.wish != WISH_ON || lease_is_live(&p) || p.pinned);
		assert_true(!p.owed || p.wish == WISH_OFF);
		assert_false(p.pinned && lease_is_live(&p));
		assert_true(p.alarm ? p.wish == WISH_OFF : true);
	}
}

static void a_port_that_is_left_goes_off_unless_somebody_takes_it(void **state)
{
	take("discovery-1");
	assert_true(lease_power(&p, "discovery-1", true, 2000, &err));
	device_obeys();
	refused(lease_leave(&p, "17", 3000, &err), GW_BUSY, "port 3 of PDU 'X' is held by job discovery-1");
	assert_true(lease_leave(&p, "discovery-1", 3000, &err));
	assert_null(p.job);
	assert_int_equal(p.state, PORT_ON);
	now.mono_ms = 2999;
	assert_false(lease_left_is_over(&p, now));
	now.mono_ms = 3000;
	assert_true(lease_left_is_over(&p, now));
	take("17");
	assert_false(lease_left_is_over(&p, now));
	assert_int_equal(p.state, PORT_ON);
	assert_true(lease_leave(&p, "17", 3000, &err));
	port_off_is_due(&p);
	device_obeys();
	assert_int_equal(p.state, PORT_OFF);
	assert_false(lease_left_is_over(&p, now));
}

static void a_port_that_was_reserved_and_is_on_is_the_admins_or_its_machines(void **state)
{
	port_read(&p, PORT_ON, now);
	port_unreserved(&p, 3000);
	assert_true(p.pinned);
	assert_int_equal(p.left_until, 0);
	p.assigned = true;
	port_unreserved(&p, 3000);
	assert_false(p.pinned);
	assert_int_equal(p.left_until, 3000);
	port_off_is_due(&p);
	device_obeys();
	port_unreserved(&p, 3000);
	assert_int_equal(p.left_until, 0);
}

static void a_machines_port_that_is_found_on_goes_off_unless_somebody_takes_it(void **state)
{
	static const struct {
		bool assigned, reserved, pinned, held, owed;
		enum port_state state;
		bool found;
	} rows[] = {
		{.assigned = true, .state = PORT_ON, .found = true},
		{.assigned = true, .state = PORT_REBOOT, .found = true},
		{.assigned = true, .state = PORT_OFF},
		{.assigned = true, .state = PORT_UNKNOWN}, /* of a PDU that does not answer: seen when it does */
		{.assigned = true, .state = PORT_ON, .reserved = true},
		{.assigned = true, .state = PORT_ON, .pinned = true},
		{.assigned = true, .state = PORT_ON, .held = true},
		{.assigned = true, .state = PORT_ON, .owed = true},
		{.state = PORT_ON}, /* nobody's machine */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		teardown(state);
		setup(state);
		p.assigned = rows[i].assigned;
		p.reserved = rows[i].reserved;
		p.pinned = rows[i].pinned;
		p.state = rows[i].state;
		if (rows[i].held || rows[i].owed)
			take("17");
		if (rows[i].owed)
			lease_end(&p);
		assert_int_equal(port_found_on(&p, 3000), rows[i].found);
		now.mono_ms = 3000;
		assert_int_equal(lease_left_is_over(&p, now), rows[i].found);
	}
	teardown(state);
	setup(state);
	p.assigned = true;
	p.state = PORT_ON;
	assert_true(port_found_on(&p, 3000));
	assert_false(port_found_on(&p, 9000)); /* seen again: the time goes on */
	take("17");
	now.mono_ms = 3000;
	assert_false(lease_left_is_over(&p, now));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_machines_port_that_is_found_on_goes_off_unless_somebody_takes_it),
		TEST(a_held_port_is_refused_with_the_holders_name),
		TEST(taking_twice_is_renewing_and_keeps_the_wish),
		TEST(a_lease_ends_when_it_is_not_renewed_in_time),
		TEST(switching_renews),
		TEST(a_lease_that_has_ended_owes_off_and_nobody_gets_the_port_before),
		TEST(a_released_lease_can_be_released_again),
		TEST(a_late_release_leaves_alone_what_is_somebodys_meanwhile),
		TEST(an_admins_on_pins_and_his_off_unpins),
		TEST(a_job_that_takes_a_pinned_port_ends_the_pin),
		TEST(an_admins_on_that_never_came_is_taken_back),
		TEST(but_a_port_that_was_pinned_before_stays_so),
		TEST(a_jobs_on_that_never_came_is_the_jobs_affair),
		TEST(a_reserved_port_is_never_touched),
		TEST(a_disowned_port_is_nobodys_and_stays_as_it_is),
		TEST(what_nobody_claims_is_switched_off),
		TEST(no_sequence_leaves_a_port_wished_on_without_an_owner),
		TEST(a_port_that_is_left_goes_off_unless_somebody_takes_it),
		TEST(a_port_that_was_reserved_and_is_on_is_the_admins_or_its_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
