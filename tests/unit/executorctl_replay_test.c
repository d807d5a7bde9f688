#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "executorctl/replay.h"

static char said[16384];

static void add(const char *text, size_t n)
{
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%.*s", (int)n, text);
}

static void on_message(void *owner, int severity, const char *text)
{
	add(text, strlen(text));
}

static void on_console(void *owner, const char *bytes, size_t n)
{
	add("> ", 2);
	add(bytes, n);
}

static const char job_head[] =
	"version: 1\ntarget: {tags: []}\ndeployment: {start: {kernel: {url: 'http://x/k'}}}\n"
	"console_patterns:\n  session_end: {regex: '^end'}\n  session_reboot: {regex: '^reboot'}\n  job_success: {regex: ok}\n";

/* The status; what was said is in `said`. */
static enum run_status replayed(const char *more, const char *log)
{
	static const struct replay_out out = {on_message, on_console, NULL};
	struct job_options options = {.wall_now = 0};
	struct run_options none = {0};
	struct gw_errors errs = {0};
	struct gw_error err = {0};
	struct job job;
	struct run *run;
	char text[2048];
	enum run_status status;

	snprintf(text, sizeof(text), "%s%s", job_head, more);
	if (!job_decode(&job, text, strlen(text), &options, &errs))
		fail_msg("%s", errs.v[0].text);
	assert_true(run_create(&run, &job, &none, &err));
	said[0] = '\0';
	replay(run, log, strlen(log), &out);
	assert_int_equal(run_phase(run), RUN_DONE);
	status = run_result(run)->status;
	run_destroy(run);
	job_finish(&job);
	return status;
}

#define ASSERT_SAID(text)                                                                                                                  \
	do {                                                                                                                               \
		if (!strstr(said, text))                                                                                                   \
			fail_msg("'%s' was not said, but: %s", text, said);                                                                \
	} while (0)

static void a_log_with_a_kernels_times_passes(void **state)
{
	assert_int_equal(replayed("", "[    0.000000] Linux\n[    4.500000] ok\n[    5.000000] x\nend\n"), RUN_PASS);
	ASSERT_SAID("+5.510s: Matched the patterns [\"job_success\"]");
	ASSERT_SAID("> end\n+6.020s: Matched the patterns [\"session_end\"]");
}

static void times_of_run_are_not_part_of_the_line(void **state)
{
	assert_int_equal(replayed("", "+0.000s: boot\n+7.000s: end\n"), RUN_FAIL);
	ASSERT_SAID("> end\n");
	ASSERT_SAID("+8.010s: Matched the patterns [\"session_end\"]");
}

static void a_silence_lets_timeouts_fire(void **state)
{
	assert_int_equal(
		replayed("timeouts: {console_activity: {seconds: 30, retries: 1}}\n", "[    0.0] a\n[   45.0] never seen in time\n"),
		RUN_INCOMPLETE);
	ASSERT_SAID("console_activity");
}

static void a_reboot_begins_the_machines_clock_anew(void **state)
{
	assert_int_equal(replayed("timeouts: {boot_cycle: {minutes: 5, retries: 2}}\n",
				  "[    0.0] a\n[   20.0] b\nreboot\n[    0.0] c\n[    1.0] ok\nend\n"),
			 RUN_PASS);
	ASSERT_SAID("Boot 2");
	ASSERT_SAID("> [    1.0] ok\n+23.");
}

static void a_log_that_ends_too_early_is_no_endless_wait(void **state)
{
	assert_int_equal(replayed("timeouts: {overall: {}}\n", "just this\n"), RUN_INCOMPLETE);
	assert_int_equal(replayed("", "no line end"), RUN_INCOMPLETE);
}

static void times_are_known_by_their_form(void **state)
{
	static const struct {
		const char *line;
		int64_t ms;
		size_t skip;
	} lines[] = {
		{"+12.345s: x", 12345, 10},
		{"[   12.345678] x", 12346, 0},
		{"[12.5]", 12500, 0},
		{"+12s: x", 12000, 6},
		{"+x", -1, 0},
		{"+1.2.3s: x", -1, 0},
		{"[ OK ] done", -1, 0},
		{"[    ", -1, 0},
		{"plain", -1, 0},
		{"", -1, 0},
		{"+99999999999s: x", -1, 0},
		{"[T1]", -1, 0},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t skip = 99;
		int64_t ms = replay_time(lines[i].line, strlen(lines[i].line), &skip);

		if (ms != lines[i].ms || skip != lines[i].skip)
			fail_msg("'%s': %lld, %zu", lines[i].line, (long long)ms, skip);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_log_with_a_kernels_times_passes),
		cmocka_unit_test(times_of_run_are_not_part_of_the_line),
		cmocka_unit_test(a_silence_lets_timeouts_fire),
		cmocka_unit_test(a_reboot_begins_the_machines_clock_anew),
		cmocka_unit_test(a_log_that_ends_too_early_is_no_endless_wait),
		cmocka_unit_test(times_are_known_by_their_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
