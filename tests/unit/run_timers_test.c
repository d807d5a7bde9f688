/* Every timeout of a job, with retries and without, alone and in pairs: the machine that is driven here answers whatever the run asks for,
 * at once, and does nothing else than what a test has it do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/run.h"

#define SHORT_MS 1000
#define LONG_MS  2000
#define WATCHDOG JOB_TIMEOUTS /* as an index of `kinds` */

/* What sets a timer off, and what stops it, in a boot. */
static const struct kind {
	const char *name;   /* as in reasons and metadata */
	const char *arm;    /* console bytes; NULL: it starts by itself, with the boot */
	const char *disarm; /* console bytes; "dhcp": a netboot request; NULL: nothing does */

} kinds[] = {
	[JOB_OVERALL] = {NULL},
	[JOB_INFRA_SETUP] = {NULL},
	[JOB_INFRA_TEARDOWN] = {NULL},
	[JOB_BOOT_CYCLE] = {"boot_cycle", NULL, NULL},
	[JOB_CONSOLE_ACTIVITY] = {"console_activity", "a line\n", NULL},
	[JOB_FIRST_CONSOLE_ACTIVITY] = {"first_console_activity", NULL, "a line\n"},
	[JOB_FIRMWARE_BOOT] = {"firmware_boot", NULL, "dhcp"},
	[WATCHDOG] = {"watchdogs.hang", "start\n", "stop\n"},
};
#define FIRST_OF_A_BOOT JOB_BOOT_CYCLE

static bool is_line(const char *bytes)
{
	return bytes && strchr(bytes, '\n');
}

struct bench {
	struct job job;
	struct job_watchdog watchdog;
	struct run *run;
	int64_t now;
	bool no_artifacts; /* those never come */
	unsigned hits, deploys, fetches;
	char hit[512]; /* metadata of the last timeout */
	bool done;
	enum run_status status;
};

static char start[] = "^start", reset[] = "^reset", stop[] = "^stop", end[] = "^END", again[] = "^again", name[] = "hang";

static void bench_init(struct bench *b)
{
	*b = (struct bench){.watchdog = {.name = name, .timeout = {.ms = -1}, .start = start, .reset = reset, .stop = stop}};
	for (int t = 0; t < JOB_TIMEOUTS; t++)
		b->job.timeouts[t].ms = -1;
	b->job.patterns[JOB_SESSION_END] = end;
	b->job.patterns[JOB_SESSION_REBOOT] = again;
	b->job.watchdogs = &b->watchdog;
}

static void give(struct bench *b, int kind, int64_t ms, int retries)
{
	struct job_timeout timeout = {.ms = ms, .retries = retries, .given = true};

	if (kind == WATCHDOG) {
		b->watchdog.timeout = timeout;
		b->job.n_watchdogs = 1;
	} else {
		b->job.timeouts[kind] = timeout;
	}
}

static void take_actions(struct bench *b);

static void happens(struct bench *b, enum run_event_kind what, const char *text)
{
	struct run_event event = {.kind = what, .text = text, .bytes = (const unsigned char *)text, .n = text ? strlen(text) : 0};

	run_event(b->run, &event, b->now);
	take_actions(b);
}

/* One after the other: the answer to the first may lead to more. */
static void take_actions(struct bench *b)
{
	static const enum run_event_kind answers[RUN_ACTIONS] = {
		[RUN_DO_CONNECT_CLIENT] = RUN_CLIENT_CONNECTED, [RUN_DO_TAKE_LEASE] = RUN_LEASE_TAKEN, [RUN_DO_FETCH] = RUN_ARTIFACTS_READY,
		[RUN_DO_POWER_OFF] = RUN_POWER_IS_OFF,          [RUN_DO_POWER_ON] = RUN_POWER_IS_ON,   [RUN_DO_DEPLOY] = RUN_DEPLOYED,
		[RUN_DO_RESET_CONSOLE] = RUN_CONSOLE_READY,     [RUN_DO_WITHDRAW] = RUN_WITHDRAWN,
	};
	enum run_event_kind owed[32];
	size_t n = 0;
	struct run_action a;

	while (run_next_action(b->run, &a)) {
		b->deploys += a.kind == RUN_DO_DEPLOY;
		b->fetches += a.kind == RUN_DO_FETCH;
		if (a.kind == RUN_DO_CTRL && a.tag == 400) {
			b->hits++;
			snprintf(b->hit, sizeof(b->hit), "%s", a.metadata);
		} else if (a.kind == RUN_DO_DONE) {
			b->done = true;
			b->status = a.status;
		} else if (answers[a.kind] && !(b->no_artifacts && a.kind == RUN_DO_FETCH)) {
			owed[n++] = answers[a.kind];
		}
	}
	for (size_t i = 0; i < n; i++)
		happens(b, owed[i], NULL);
}

static void bench_start(struct bench *b)
{
	struct run_options options = {0};
	struct gw_error err = {0};

	assert_true(run_create(&b->run, &b->job, &options, &err));
	happens(b, RUN_START, NULL);
}

static void does(struct bench *b, const char *what)
{
	if (what)
		happens(b, strcmp(what, "dhcp") == 0 ? RUN_DUT_REQUEST : RUN_CONSOLE_BYTES, what);
}

/* `ms` later, the run's own deadline at last. */
static void pass(struct bench *b, int64_t ms)
{
	assert_int_equal(run_deadline(b->run), b->now + ms);
	b->now += ms - 1;
	happens(b, RUN_TICK, NULL);
	assert_int_equal(run_deadline(b->run), b->now + 1); /* a millisecond early is too early */
	b->now++;
	happens(b, RUN_TICK, NULL);
}

static void assert_hit(const struct bench *b, const char *which, int64_t ms, int retries, int retried, bool retrying)
{
	char expected[512];

	snprintf(expected, sizeof(expected),
		 "{\"timeout\":{\"name\":\"%s\",\"seconds\":%g,\"retries\":%d,\"retried\":%d,\"is_retrying\":%s}}", which,
		 (double)ms / 1000, retries, retried, retrying ? "true" : "false");
	assert_string_equal(b->hit, expected);
}

static void assert_ended(const struct bench *b, enum run_status status, const char *which, int64_t ms)
{
	char expected[128];

	snprintf(expected, sizeof(expected), "the timeout %s of %g s was hit", which, (double)ms / 1000);
	assert_true(b->done);
	assert_string_equal(run_status_names[b->status], run_status_names[status]);
	assert_string_equal(run_result(b->run)->reason, expected);
	assert_true(run_result(b->run)->off_confirmed);
	assert_int_equal(run_deadline(b->run), INT64_MAX);
}

/* ---- alone ---- */

static void one_alone(int kind, int retries)
{
	const struct kind *k = &kinds[kind];
	struct bench b;

	bench_init(&b);
	give(&b, kind, SHORT_MS, retries);
	bench_start(&b);
	for (int retried = 0; retried <= retries; retried++) {
		bool retrying = retried < retries;

		assert_int_equal(run_phase(b.run), RUN_BOOTED);
		assert_int_equal(run_result(b.run)->boots, (unsigned)retried + 1);
		b.now += 10;
		if (k->arm)
			assert_int_equal(run_deadline(b.run), INT64_MAX); /* it sleeps until something sets it off, in each boot anew */
		does(&b, k->arm);
		pass(&b, k->arm ? SHORT_MS : SHORT_MS - 10);
		assert_hit(&b, k->name, SHORT_MS, retries, retrying ? retried + 1 : retries, retrying);
	}
	assert_ended(&b, RUN_INCOMPLETE, k->name, SHORT_MS);
	assert_int_equal(run_result(b.run)->boots, (unsigned)retries + 1);
	assert_int_equal(run_result(b.run)->want_quick_check, kind == JOB_FIRMWARE_BOOT && retries >= 2);
	run_destroy(b.run);
}

static void each_timeout_of_a_boot_is_hit_once_more_than_it_has_retries(void **state)
{
	for (int kind = FIRST_OF_A_BOOT; kind <= WATCHDOG; kind++)
		for (int retries = 0; retries <= 3; retries++)
			one_alone(kind, retries);
}

static void what_stops_a_timeout_stops_it_for_its_boot(void **state)
{
	for (int kind = FIRST_OF_A_BOOT; kind <= WATCHDOG; kind++) {
		const struct kind *k = &kinds[kind];
		struct bench b;

		if (!k->disarm)
			continue;
		bench_init(&b);
		give(&b, kind, SHORT_MS, 1);
		bench_start(&b);
		does(&b, k->arm);
		b.now += SHORT_MS - 1;
		does(&b, k->disarm);
		assert_int_equal(run_deadline(b.run), INT64_MAX);
		b.now += 10 * SHORT_MS;
		happens(&b, RUN_TICK, NULL);
		assert_int_equal(b.hits, 0);
		assert_int_equal(run_result(b.run)->boots, 1);
		run_destroy(b.run);
	}
}

static void a_timeout_that_is_not_given_never_fires(void **state)
{
	struct bench b;

	bench_init(&b);
	bench_start(&b);
	does(&b, "a line\nstart\n");
	assert_int_equal(run_deadline(b.run), INT64_MAX);
	b.now += INT64_C(366) * 24 * 3600 * 1000;
	happens(&b, RUN_TICK, NULL);
	assert_int_equal(run_phase(b.run), RUN_BOOTED);
	run_destroy(b.run);
}

static void a_timeout_of_nothing_at_all_ends_too(void **state)
{
	for (int kind = FIRST_OF_A_BOOT; kind <= WATCHDOG; kind++) {
		struct bench b;

		bench_init(&b);
		give(&b, kind, 0, 2);
		bench_start(&b);
		for (int i = 0; i < 3; i++) {
			does(&b, kinds[kind].arm);
			b.now++;
			happens(&b, RUN_TICK, NULL);
		}
		assert_ended(&b, RUN_INCOMPLETE, kinds[kind].name, 0);
		run_destroy(b.run);
	}
}

static void infra_setup_is_tried_again_without_a_boot(void **state)
{
	for (int retries = 0; retries <= 3; retries++) {
		struct bench b;

		bench_init(&b);
		b.no_artifacts = true;
		give(&b, JOB_INFRA_SETUP, SHORT_MS, retries);
		bench_start(&b);
		for (int retried = 0; retried <= retries; retried++) {
			assert_int_equal(run_phase(b.run), RUN_SETUP);
			assert_int_equal(b.fetches, retried + 1);
			pass(&b, SHORT_MS);
			assert_hit(&b, "infra_setup", SHORT_MS, retries, retried < retries ? retried + 1 : retries, retried < retries);
		}
		assert_ended(&b, RUN_SETUP_FAIL, "infra_setup", SHORT_MS);
		assert_int_equal(b.deploys, 0);
		run_destroy(b.run);
	}
}

/* ---- in pairs ---- */

/* In odd boots the shorter one is hit, in even ones it is stopped and the longer one is hit: each counts its own retries alone, but for the
 * firmware's, which a boot of the firmware gives back. */
static void a_pair(int a, int b_kind, int retries_a, int retries_b)
{
	const struct kind *k[2] = {&kinds[a], &kinds[b_kind]};
	const int retries[2] = {retries_a, retries_b};
	const int64_t ms[2] = {SHORT_MS, LONG_MS};
	int used[2] = {0, 0};
	struct bench b;

	bench_init(&b);
	give(&b, a, SHORT_MS, retries_a);
	give(&b, b_kind, LONG_MS, retries_b);
	bench_start(&b);
	for (unsigned boot = 1;; boot++) {
		int which = boot % 2 == 0 && k[0]->disarm ? 1 : 0;
		bool retrying = used[which] < retries[which];

		assert_int_equal(run_result(b.run)->boots, boot);
		does(&b, k[0]->arm);
		if (which == 1) {
			does(&b, k[0]->disarm);
			used[0] = a == JOB_FIRMWARE_BOOT ? 0 : used[0];
			does(&b, k[1]->arm);
		}
		b.now = run_deadline(b.run);
		happens(&b, RUN_TICK, NULL);
		assert_int_equal(b.hits, boot);
		used[which] += retrying;
		assert_hit(&b, k[which]->name, ms[which], retries[which], used[which], retrying);
		if (retrying)
			continue;
		assert_ended(&b, RUN_INCOMPLETE, k[which]->name, ms[which]);
		break;
	}
	run_destroy(b.run);
}

static void of_two_timeouts_each_counts_its_own_retries(void **state)
{
	for (int a = FIRST_OF_A_BOOT; a <= WATCHDOG; a++) {
		for (int b = FIRST_OF_A_BOOT; b <= WATCHDOG; b++) {
			bool stopped_with_it = b == JOB_FIRST_CONSOLE_ACTIVITY && (is_line(kinds[a].arm) || is_line(kinds[a].disarm));

			for (int retries = 0; a != b && !stopped_with_it && retries < 9; retries++)
				a_pair(a, b, retries / 3, retries % 3);
		}
	}
}

/* ---- with what else counts ---- */

static void the_overall_timeout_does_not_care_for_retries(void **state)
{
	for (int kind = FIRST_OF_A_BOOT; kind <= WATCHDOG; kind++) {
		struct bench b;

		bench_init(&b);
		give(&b, JOB_OVERALL, 10 * SHORT_MS + SHORT_MS / 2, 0);
		give(&b, kind, SHORT_MS, 1000);
		bench_start(&b);
		for (int i = 0; i < 10; i++) {
			does(&b, kinds[kind].arm);
			b.now += SHORT_MS;
			happens(&b, RUN_TICK, NULL);
		}
		assert_int_equal(b.hits, 10);
		b.now += SHORT_MS / 2;
		happens(&b, RUN_TICK, NULL);
		assert_hit(&b, "overall", 10 * SHORT_MS + SHORT_MS / 2, 0, 0, false);
		assert_ended(&b, RUN_INCOMPLETE, "overall", 10 * SHORT_MS + SHORT_MS / 2);
		run_destroy(b.run);
	}
}

static void reboots_and_timeouts_use_up_the_same_retries_of_boot_cycle(void **state)
{
	struct bench b;

	bench_init(&b);
	give(&b, JOB_BOOT_CYCLE, SHORT_MS, 3);
	bench_start(&b);
	does(&b, "again\n");
	pass(&b, SHORT_MS);
	assert_hit(&b, "boot_cycle", SHORT_MS, 3, 2, true);
	does(&b, "again\n");
	assert_int_equal(run_result(b.run)->boots, 4);
	does(&b, "again\n");
	assert_true(b.done);
	assert_string_equal(run_result(b.run)->reason, "session_reboot matched, and boot_cycle has no retries left (3 of 3 used)");
	run_destroy(b.run);
}

static void no_timeout_of_a_boot_runs_between_boots(void **state)
{
	for (int kind = FIRST_OF_A_BOOT; kind <= WATCHDOG; kind++) {
		struct bench b;
		struct run_event byte = {.kind = RUN_CONSOLE_BYTES, .bytes = (const unsigned char *)"again\n", .n = 6};
		struct run_action a;

		bench_init(&b);
		give(&b, kind, SHORT_MS, 1);
		if (kind != JOB_BOOT_CYCLE)
			give(&b, JOB_BOOT_CYCLE, 1000 * SHORT_MS, 1);
		bench_start(&b);
		does(&b, kinds[kind].arm);
		run_event(b.run, &byte, b.now); /* a reboot, and OFF is not answered */
		while (run_next_action(b.run, &a))
			;
		assert_int_equal(run_phase(b.run), RUN_OFF);
		b.now += 10 * SHORT_MS;
		happens(&b, RUN_TICK, NULL);
		assert_int_equal(b.hits, 0);
		run_destroy(b.run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_timeout_of_a_boot_is_hit_once_more_than_it_has_retries),
		cmocka_unit_test(what_stops_a_timeout_stops_it_for_its_boot),
		cmocka_unit_test(a_timeout_that_is_not_given_never_fires),
		cmocka_unit_test(a_timeout_of_nothing_at_all_ends_too),
		cmocka_unit_test(infra_setup_is_tried_again_without_a_boot),
		cmocka_unit_test(of_two_timeouts_each_counts_its_own_retries),
		cmocka_unit_test(the_overall_timeout_does_not_care_for_retries),
		cmocka_unit_test(reboots_and_timeouts_use_up_the_same_retries_of_boot_cycle),
		cmocka_unit_test(no_timeout_of_a_boot_runs_between_boots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
