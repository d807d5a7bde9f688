/* A boot of a run: OFF and the deployment, the console's reset, ON, and what the machine then says. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/utf8.h"
#include "libjob/run_internal.h"

#define OFF_PATIENCE_MS     (5 * 60 * 1000)
#define RESET_PATIENCE_MS   (40 * 1000)
#define ON_PATIENCE_MS      (3700 * 1000) /* the longest minimum off time, and some */
#define SHOWN_LINE_MAX      1024          /* bytes of a line that matched, in metadata */
#define QUICK_CHECK_RETRIES 2             /* of firmware_boot, used up: the firmware is slow or deaf */

void run_begin_boot(struct run *run)
{
	unsigned boot = ++run->result.boots;

	run_timers_stop_boot(run);
	patterns_new_boot(run->patterns);
	run->matched[JOB_SESSION_REBOOT] = false;
	run->booted = run->line_seen = run->drew = false;
	run->on_at = RUN_NEVER;
	run->deployed = false;
	run->ever_deployed = true;
	run->phase = RUN_OFF;
	run_timer_start_ms(run, RUN_TIMER_STEP, OFF_PATIENCE_MS);
	run_say(run, 1, 200, NULL, "Boot %u: power cycle the machine", boot);
	if (!run->off) /* before the first boot it was switched off already */
		run_do(run, RUN_DO_POWER_OFF);
	run_do_boot(run, boot);
}

static void off_and_deployed(struct run *run)
{
	if (!run->off || !run->deployed)
		return;
	run->phase = RUN_RESET;
	run_timer_start_ms(run, RUN_TIMER_STEP, RESET_PATIENCE_MS);
	run_do(run, RUN_DO_RESET_CONSOLE);
}

void run_boot_off(struct run *run)
{
	run->off = true;
	off_and_deployed(run);
}

void run_boot_deployed(struct run *run)
{
	run->deployed = true;
	off_and_deployed(run);
}

static void switch_on(struct run *run)
{
	run->phase = RUN_ON;
	run->off = false;
	run->powered = true;
	run_timer_start_ms(run, RUN_TIMER_STEP, ON_PATIENCE_MS);
	run_say(run, 1, 0, NULL, "Power up the machine, after its minimum time off");
	run_do(run, RUN_DO_POWER_ON);
}

void run_boot_console(struct run *run, const struct run_event *event)
{
	if (event->text)
		run_say(run, 2, 0, NULL, "The console could not be reset: %s", event->text);
	switch_on(run);
}

/* Silence before the first newline is first_console_activity's alone: noise at power-up must not start the other one. */
static void console_timers(struct run *run)
{
	if (run->line_seen)
		run_timer_stop(run, JOB_FIRST_CONSOLE_ACTIVITY);
	if (run->line_seen && run->phase == RUN_BOOTED)
		run_timer_start(run, JOB_CONSOLE_ACTIVITY);
}

/* What the machine did before its port's ON was read back counts: those timers are not started any more. */
void run_boot_on(struct run *run)
{
	run->phase = RUN_BOOTED;
	run->on_at = run->now;
	run_timer_stop(run, RUN_TIMER_STEP);
	run_say(run, 1, 201, NULL, "Boot %u: the machine is powered", run->result.boots);
	run_timer_start(run, JOB_BOOT_CYCLE);
	if (!run->booted)
		run_timer_start(run, JOB_FIRMWARE_BOOT);
	if (!run->line_seen)
		run_timer_start(run, JOB_FIRST_CONSOLE_ACTIVITY);
	console_timers(run);
}

static void learn(struct run *run, int64_t took_ms)
{
	if ((double)took_ms <= run->known_firmware_boot_time * 1000)
		return;
	run->result.learnt_firmware_boot_time = (int)ceil((double)took_ms / 1000);
	run->known_firmware_boot_time = run->result.learnt_firmware_boot_time;
	run_do_learn(run, run->result.learnt_firmware_boot_time);
}

void run_boot_request(struct run *run, const struct run_event *event)
{
	int64_t took_ms = run->on_at == RUN_NEVER ? 0 : run->now - run->on_at;

	if (run->booted)
		return;
	run->booted = run->result.firmware_booted = true;
	run_timer_stop(run, JOB_FIRMWARE_BOOT);
	run->timers[JOB_FIRMWARE_BOOT].retried = 0;
	run_say(run, 1, 301, NULL, "The firmware has booted: %s request after %.1f s", event->text ? event->text : "netboot",
		(double)took_ms / 1000);
	learn(run, took_ms);
}

void run_boot_power_sequence(struct run *run)
{
	if (!run->drew)
		run_say(run, 1, 300, NULL, "The machine's power draw shows that it boots");
	run->drew = true;
}

void run_boot_expired(struct run *run, size_t timer)
{
	bool retrying = run_timer_hit(run, timer);

	if (timer == JOB_FIRMWARE_BOOT && run->timers[timer].retried >= QUICK_CHECK_RETRIES)
		run->result.want_quick_check = true;
	if (retrying)
		run_begin_boot(run);
	else
		run_fail(run, "the timeout %s%s of %g s was hit", timer >= RUN_TIMER_WATCHDOGS ? "watchdogs." : "", run->timers[timer].name,
			 (double)run->timers[timer].ms / 1000);
}

/* ---- lines ---- */

static enum run_status verdict(const struct run *run)
{
	if (!run->job->patterns[JOB_SUCCESS])
		return RUN_COMPLETE;
	if (!run->matched[JOB_SUCCESS])
		return RUN_FAIL;
	return run->matched[JOB_WARN] ? RUN_WARN : RUN_PASS;
}

/* A line as text: what is not UTF-8 becomes '?', the end of line goes. */
static char *shown_line(const char *line, size_t n)
{
	char *text;

	while (n && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	n = n < SHOWN_LINE_MAX ? n : SHOWN_LINE_MAX;
	text = gw_calloc(1, n + 1);
	memcpy(text, line, n);
	for (size_t at = 0; at < n;) {
		size_t step = text[at] ? utf8_sequence(text + at, n - at) : 0;
		if (step == 0)
			text[at++] = '?';
		at += step;
	}
	return text;
}

static void add_name(cJSON *names, const char *name, const char *part)
{
	char text[160];

	snprintf(text, sizeof(text), "%.120s%s%s", name, part ? "." : "", part ? part : "");
	cJSON_AddItemToArray(names, cJSON_CreateString(text));
}

/* What a line does to a watchdog: reset and stop mean nothing before start, and start nothing after it. */
static void watchdog_line(struct run *run, size_t i, const bool hit[PATTERN_PARTS], cJSON *names)
{
	size_t timer = RUN_TIMER_WATCHDOGS + i;
	const char *name = run->job->watchdogs[i].name;

	if (run->phase != RUN_BOOTED && run->phase != RUN_ON)
		return;
	if (!run_timer_active(run, timer)) {
		if (hit[PATTERN_START])
			run_timer_start(run, timer), add_name(names, name, "start");
	} else if (hit[PATTERN_RESET]) {
		run_timer_start(run, timer), add_name(names, name, "reset");
	} else if (hit[PATTERN_STOP]) {
		run_timer_stop(run, timer), add_name(names, name, "stop");
	}
}

/* Remembers what matched; each is told once, so that a machine which repeats its line for ever does not flood its submitter. */
static void remember(struct run *run, const struct pattern_match *match)
{
	cJSON *metadata = cJSON_CreateObject(), *names = cJSON_AddArrayToObject(metadata, "patterns");
	char *line;

	for (int p = 0; p < JOB_PATTERNS; p++) {
		if (match->hit[p] && !run->matched[p])
			add_name(names, job_pattern_names[p], NULL);
		run->matched[p] |= match->hit[p];
	}
	for (size_t i = 0; i < match->n_watchdogs; i++)
		watchdog_line(run, i, match->watchdogs[i], names);
	if (cJSON_GetArraySize(names) == 0) {
		cJSON_Delete(metadata);
		return;
	}
	line = shown_line(match->line, match->n);
	cJSON_AddStringToObject(metadata, "line", line);
	free(line);
	line = cJSON_PrintUnformatted(names);
	run_say(run, 1, 401, metadata, "Matched the patterns %s", line);
	free(line);
}

static void reboot(struct run *run)
{
	struct run_timer *cycle = &run->timers[JOB_BOOT_CYCLE];

	if (cycle->retried >= cycle->retries) {
		run_fail(run, "session_reboot matched, and boot_cycle has no retries left (%d of %d used)", cycle->retried, cycle->retries);
		return;
	}
	cycle->retried++;
	run_begin_boot(run);
}

static void line_seen(struct run *run, const struct pattern_match *match)
{
	if (!match->any)
		return;
	remember(run, match);
	if (match->hit[JOB_UNFIT])
		run->result.unfit = true;
	if (match->hit[JOB_SESSION_END])
		run_end(run, verdict(run), "session_end matched");
	else if (match->hit[JOB_UNFIT])
		run_fail(run, "machine_unfit_for_service matched");
	else if (match->hit[JOB_SESSION_REBOOT])
		reboot(run);
}

void run_boot_bytes(struct run *run, const struct run_event *event)
{
	enum run_phase phase = run->phase;
	unsigned boot = run->result.boots;
	size_t at = 0;

	if (memchr(event->bytes, '\n', event->n))
		run->line_seen = run->result.console_seen = true;
	console_timers(run);
	while (at < event->n && run->phase == phase && run->result.boots == boot) { /* what follows an end or a reboot is dropped */
		struct pattern_match match;
		struct gw_error err = {0};
		bool is_line = false;

		at += patterns_feed(run->patterns, event->bytes + at, event->n - at, &is_line, &match, &err);
		if (err.kind != GW_OK)
			run_fail(run, "%s", err.text);
		else if (is_line)
			line_seen(run, &match);
	}
}
