/* A port's wishes and readings, with time in our hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "libgateway/error.h"
#include "pdud/port.h"

#define MIN_OFF 5000

static struct port p;
static struct port_time now;

static int setup(void **state)
{
	port_init(&p, "3", gw_strdup("port 3 of PDU 'X'"), MIN_OFF);
	p.listed = true;
	now = (struct port_time){.mono_ms = 1000000, .boot_ms = 7000000, .wall = 1.7e9};
	return 0;
}

static int teardown(void **state)
{
	port_finish(&p);
	return 0;
}

static void pass(int64_t ms)
{
	now.mono_ms += ms;
	now.boot_ms += ms;
	now.wall += (double)ms / 1000;
}

static void expect_wait(int64_t ms)
{
	int64_t wait;

	assert_int_equal(port_next(&p, now, &wait), STEP_NONE);
	assert_int_equal(wait, ms);
}

/* The port wants this step now, and it goes to the device. */
static void expect_step(enum port_step step)
{
	int64_t wait;

	assert_int_equal(port_next(&p, now, &wait), step);
	port_asked(&p, step);
	assert_int_equal(port_next(&p, now, &wait), STEP_NONE); /* one ask at a time */
}

static unsigned device_reads(enum port_state state)
{
	expect_step(STEP_READ);
	return port_read(&p, state, now);
}

static void device_does(enum port_step step)
{
	expect_step(step);
	port_told(&p, step);
}

static void a_port_is_read_first_and_then_left_alone(void **state)
{
	assert_int_equal(p.state, PORT_UNKNOWN);
	assert_int_equal(device_reads(PORT_ON), PORT_CHANGED);
	assert_int_equal(p.state, PORT_ON);
	assert_true(p.last_polled == now.wall);
	expect_wait(PORT_NO_WAIT);
	p.due = true; /* a poll */
	assert_int_equal(device_reads(PORT_ON), PORT_SAME);
}

static void a_port_that_the_device_does_not_have_is_never_asked_for(void **state)
{
	p.listed = false;
	port_wish(&p, WISH_OFF);
	expect_wait(PORT_NO_WAIT);
}

static void off_is_done_once_it_reads_so(void **state)
{
	device_reads(PORT_ON);
	port_wish(&p, WISH_OFF);
	device_does(STEP_OFF);
	assert_int_equal(p.state, PORT_ON); /* as read back, not as wished */
	assert_int_equal(device_reads(PORT_OFF), PORT_CHANGED | PORT_FULFILLED);
	assert_int_equal(p.wish, WISH_NOTHING);
	assert_true(p.last_shutdown == now.wall);
	expect_wait(PORT_NO_WAIT);
}

static void off_is_said_even_to_a_port_that_reads_off(void **state)
{
	device_reads(PORT_OFF);
	port_wish(&p, WISH_OFF);
	device_does(STEP_OFF);
	assert_int_equal(device_reads(PORT_OFF), PORT_FULFILLED);
}

static void a_reading_from_before_the_command_confirms_nothing(void **state)
{
	expect_step(STEP_READ);
	port_wish(&p, WISH_OFF);
	assert_int_equal(port_read(&p, PORT_OFF, now), PORT_CHANGED);
	assert_int_equal(p.wish, WISH_OFF);
	device_does(STEP_OFF);
	assert_int_equal(device_reads(PORT_OFF), PORT_FULFILLED);
}

static void a_device_that_says_done_and_does_nothing_raises_the_alarm_until_it_obeys(void **state)
{
	int64_t wait = PORT_RETRY_MIN_MS;

	device_reads(PORT_ON);
	port_wish(&p, WISH_OFF);
	device_does(STEP_OFF);
	assert_false(p.alarm);
	assert_int_equal(device_reads(PORT_ON), PORT_CHANGED); /* the alarm is what changed */
	assert_true(p.alarm);
	for (int i = 0; i < 50; i++) { /* never given up */
		expect_wait(wait);
		pass(wait);
		device_does(STEP_OFF);
		assert_int_equal(device_reads(PORT_ON), PORT_SAME);
		wait = wait * 2 < PORT_RETRY_MAX_MS ? wait * 2 : PORT_RETRY_MAX_MS;
	}
	pass(wait);
	device_does(STEP_OFF);
	assert_int_equal(device_reads(PORT_OFF), PORT_CHANGED | PORT_FULFILLED);
	assert_false(p.alarm);
}

static void a_failed_reading_makes_the_state_unknown_and_off_is_said_again(void **state)
{
	device_reads(PORT_ON);
	port_wish(&p, WISH_OFF);
	device_does(STEP_OFF);
	expect_step(STEP_READ);
	assert_int_equal(port_failed(&p, now), PORT_CHANGED);
	assert_int_equal(p.state, PORT_UNKNOWN);
	assert_true(p.alarm);
	pass(PORT_RETRY_MIN_MS);
	device_does(STEP_OFF);
	assert_int_equal(device_reads(PORT_OFF), PORT_CHANGED | PORT_FULFILLED);
}

static void nonsense_without_a_wish_is_asked_again_ever_more_rarely(void **state)
{
	expect_step(STEP_READ);
	port_failed(&p, now);
	assert_false(p.alarm);
	expect_wait(PORT_RETRY_MIN_MS);
	pass(PORT_RETRY_MIN_MS);
	expect_step(STEP_READ);
	port_failed(&p, now);
	expect_wait(2 * PORT_RETRY_MIN_MS);
	pass(2 * PORT_RETRY_MIN_MS);
	assert_int_equal(device_reads(PORT_OFF), PORT_CHANGED);
	assert_int_equal(p.tries, 0);
}

static void on_waits_for_the_whole_minimum_off_time(void **state)
{
	device_reads(PORT_ON);
	port_wish(&p, WISH_OFF);
	device_does(STEP_OFF);
	device_reads(PORT_OFF);
	pass(1000);
	port_wish(&p, WISH_ON);
	expect_wait(MIN_OFF - 1000);
	pass(MIN_OFF - 1001);
	expect_wait(1);
	pass(1);
	device_does(STEP_ON);
	assert_int_equal(device_reads(PORT_ON), PORT_CHANGED | PORT_FULFILLED);
}

static void seen_off_for_the_first_time_the_whole_time_is_waited(void **state)
{
	port_wish(&p, WISH_ON);
	device_reads(PORT_OFF);
	expect_wait(MIN_OFF);
}

static void a_known_time_of_being_off_counts(void **state)
{
	p.off_known = true; /* from an earlier life of pdud */
	p.off_since = now.boot_ms - MIN_OFF + 1;
	port_wish(&p, WISH_ON);
	device_reads(PORT_OFF);
	expect_wait(1);
	pass(1);
	expect_step(STEP_ON);
}

static void a_step_of_the_wall_clock_changes_no_wait(void **state)
{
	device_reads(PORT_OFF);
	now.wall += 10 * 365 * 86400.0;
	port_wish(&p, WISH_ON);
	expect_wait(MIN_OFF);
	now.wall = 0;
	expect_wait(MIN_OFF);
}

static void time_in_suspend_counts_as_being_off(void **state)
{
	device_reads(PORT_OFF);
	now.boot_ms += MIN_OFF; /* and the monotonic clock stood still */
	port_wish(&p, WISH_ON);
	expect_step(STEP_ON);
}

static void seen_on_in_between_the_time_begins_anew(void **state)
{
	device_reads(PORT_OFF);
	pass(MIN_OFF);
	p.due = true;
	device_reads(PORT_ON); /* somebody at its button */
	p.due = true;
	device_reads(PORT_OFF);
	port_wish(&p, WISH_ON);
	expect_wait(MIN_OFF);
}

static void an_on_that_may_have_come_begins_the_time_anew(void **state)
{
	device_reads(PORT_OFF);
	pass(MIN_OFF);
	port_wish(&p, WISH_ON);
	expect_step(STEP_ON);
	port_failed(&p, now); /* it may have been ON, for all we know */
	pass(PORT_RETRY_MIN_MS);
	device_reads(PORT_OFF);
	expect_wait(MIN_OFF);
}

static void on_waits_for_the_disk(void **state)
{
	device_reads(PORT_OFF);
	pass(MIN_OFF);
	p.saved = PORT_UNSAVED;
	port_wish(&p, WISH_ON);
	expect_wait(PORT_NO_WAIT);
	p.saved = PORT_BEING_SAVED;
	expect_wait(PORT_NO_WAIT);
	p.saved = PORT_SAVED;
	expect_step(STEP_ON);
}

static void off_waits_for_nothing(void **state)
{
	p.saved = PORT_UNSAVED;
	port_wish(&p, WISH_OFF);
	expect_step(STEP_OFF);
}

static void an_on_that_never_comes_is_given_up(void **state)
{
	p.min_off_ms = 0;
	device_reads(PORT_OFF);
	port_wish(&p, WISH_ON);
	for (int i = 1; i < PORT_ON_TRIES; i++) {
		device_does(STEP_ON);
		assert_int_equal(device_reads(PORT_OFF), PORT_SAME);
		pass(PORT_RETRY_MAX_MS);
	}
	device_does(STEP_ON);
	assert_int_equal(device_reads(PORT_OFF), PORT_GIVEN_UP);
	assert_int_equal(p.wish, WISH_NOTHING);
	assert_int_equal(p.state, PORT_OFF);
	assert_false(p.alarm);
}

static void off_that_comes_during_on_is_said_after_it(void **state)
{
	p.min_off_ms = 0;
	device_reads(PORT_OFF);
	port_wish(&p, WISH_ON);
	expect_step(STEP_ON);
	port_wish(&p, WISH_OFF);
	port_told(&p, STEP_ON);
	device_does(STEP_OFF);
	assert_int_equal(device_reads(PORT_OFF), PORT_FULFILLED);
}

static void an_ask_that_is_never_answered_leads_to_a_new_one(void **state)
{
	device_reads(PORT_ON);
	port_wish(&p, WISH_OFF);
	expect_step(STEP_OFF);
	port_forget_ask(&p);
	device_does(STEP_OFF);
	device_reads(PORT_OFF);
	assert_int_equal(p.wish, WISH_NOTHING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_port_is_read_first_and_then_left_alone),
		TEST(a_port_that_the_device_does_not_have_is_never_asked_for),
		TEST(off_is_done_once_it_reads_so),
		TEST(off_is_said_even_to_a_port_that_reads_off),
		TEST(a_reading_from_before_the_command_confirms_nothing),
		TEST(a_device_that_says_done_and_does_nothing_raises_the_alarm_until_it_obeys),
		TEST(a_failed_reading_makes_the_state_unknown_and_off_is_said_again),
		TEST(nonsense_without_a_wish_is_asked_again_ever_more_rarely),
		TEST(on_waits_for_the_whole_minimum_off_time),
		TEST(seen_off_for_the_first_time_the_whole_time_is_waited),
		TEST(a_known_time_of_being_off_counts),
		TEST(a_step_of_the_wall_clock_changes_no_wait),
		TEST(time_in_suspend_counts_as_being_off),
		TEST(seen_on_in_between_the_time_begins_anew),
		TEST(an_on_that_may_have_come_begins_the_time_anew),
		TEST(on_waits_for_the_disk),
		TEST(off_waits_for_nothing),
		TEST(an_on_that_never_comes_is_given_up),
		TEST(off_that_comes_during_on_is_said_after_it),
		TEST(an_ask_that_is_never_answered_leads_to_a_new_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
