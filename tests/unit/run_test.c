/* Runs of jobs as texts, a line a step:
 *   client                              there is a submitter
 *   learnt SECONDS                      the DUT's firmware_boot_time
 *   shown TEXT                          the job, to be shown
 *   deadline_was DATE                   the job's deadline, which has passed
 *   timeout NAME MS [retries N]         NAME as in a description
 *   pattern NAME REGEX
 *   watchdog NAME MS RETRIES START RESET STOP
 *   at MS EVENT [TEXT] [: ACTION...]    what happens, and all that is to be done about it, ctrl messages aside (TEXT: \n \r \xHH)
 *   says TAG [TEXT]                     the last step led to such a ctrl message; TEXT is somewhere in it or its metadata
 *   silent TAG                          it did not
 *   phase PHASE
 *   deadline MS | never
 *   result STATUS [unfit] [check] [booted] [console] [off] [boots=N] [learnt=N]: exactly these
 *   reason TEXT
 *   status WORD
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libjob/run.h"

#define CTRLS_MAX 64

struct play {
	struct job job;
	struct job_watchdog watchdogs[4];
	struct run_options options;
	struct run *run;
	char *kept[64]; /* texts of the script */
	size_t n_kept;
	char done[1024]; /* what the last step led to */
	struct {
		int tag, severity;
		char *text;
	} ctrls[CTRLS_MAX];
	size_t n_ctrls;
	int64_t now;
	int line;
};

static void wrong(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct play *p, const char *fmt, ...)
{
	char text[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fail_msg("line %d of the run: %s", p->line, text);
}

static char *keep(struct play *p, const char *text)
{
	assert_true(p->n_kept < 64);
	return p->kept[p->n_kept++] = gw_strdup(text);
}

static size_t index_of(struct play *p, const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	wrong(p, "'%s' is not known", name);
	return 0;
}

static void forget_ctrls(struct play *p)
{
	for (size_t i = 0; i < p->n_ctrls; i++)
		free(p->ctrls[i].text);
	p->n_ctrls = 0;
}

static void add_done(struct play *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add_done(struct play *p, const char *fmt, ...)
{
	size_t n = strlen(p->done);
	va_list ap;

	if (n)
		p->done[n++] = ' ';
	va_start(ap, fmt);
	vsnprintf(p->done + n, sizeof(p->done) - n, fmt, ap);
	va_end(ap);
}

static void take_actions(struct play *p)
{
	struct run_action a;

	p->done[0] = '\0';
	forget_ctrls(p);
	while (run_next_action(p->run, &a)) {
		if (a.kind == RUN_DO_CTRL) {
			assert_true(p->n_ctrls < CTRLS_MAX);
			p->ctrls[p->n_ctrls].tag = a.tag;
			p->ctrls[p->n_ctrls].severity = a.severity;
			p->ctrls[p->n_ctrls++].text = gw_sprintf("%s%s", a.text, a.metadata);
			assert_true(a.text[0] == '+' && a.text[strlen(a.text) - 1] == '\n');
		} else if (a.kind == RUN_DO_DEPLOY) {
			add_done(p, "%s(%u)", run_action_names[a.kind], a.boot);
		} else if (a.kind == RUN_DO_LEARN) {
			add_done(p, "%s(%d)", run_action_names[a.kind], a.seconds);
		} else if (a.kind == RUN_DO_SESSION_END || a.kind == RUN_DO_DONE) {
			add_done(p, "%s(%s)", run_action_names[a.kind], run_status_names[a.status]);
		} else {
			add_done(p, "%s", run_action_names[a.kind]);
		}
	}
}

static size_t unescape(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		char hex[3] = {0};
		if (from[0] != '\\') {
			*to++ = *from;
		} else if (*++from == 'x') {
			memcpy(hex, from + 1, 2);
			*to++ = (char)strtol(hex, NULL, 16);
			from += 2;
		} else {
			*to++ = *from == 'n' ? '\n' : *from == 'r' ? '\r' : *from;
		}
	}
	*to = '\0';
	return (size_t)(to - text);
}

static void begin(struct play *p)
{
	struct gw_error err = {0};

	if (p->run)
		return;
	p->job.watchdogs = p->watchdogs;
	if (!run_create(&p->run, &p->job, &p->options, &err))
		wrong(p, "%s", err.text);
}

static void line_at(struct play *p, char *rest)
{
	char name[64] = "", *expected = strstr(rest, " : "), *text;
	struct run_event event = {0};
	int n = 0;

	begin(p);
	if (expected) {
		*expected = '\0';
		expected += 3;
	}
	if (sscanf(rest, "%" SCNd64 " %63s%n", &p->now, name, &n) < 2)
		wrong(p, "what happens?");
	text = rest + n + (rest[n] == ' ');
	event.kind = (enum run_event_kind)index_of(p, run_event_names, RUN_EVENTS, name);
	event.n = unescape(text);
	event.text = *text ? text : NULL;
	event.bytes = (unsigned char *)text;
	run_event(p->run, &event, p->now);
	take_actions(p);
	if (strcmp(p->done, expected ? expected : "") != 0)
		wrong(p, "expected [%s], got [%s]", expected ? expected : "", p->done);
}

static bool said(const struct play *p, int tag, const char *text)
{
	for (size_t i = 0; i < p->n_ctrls; i++)
		if (p->ctrls[i].tag == tag && strstr(p->ctrls[i].text, text))
			return true;
	return false;
}

static void line_says(struct play *p, char *rest)
{
	char *text;
	int tag = (int)strtol(rest, &text, 10);

	text += *text == ' ';
	if (said(p, tag, text))
		return;
	for (size_t i = 0; i < p->n_ctrls; i++)
		print_error("%d: %s\n", p->ctrls[i].tag, p->ctrls[i].text);
	wrong(p, "no ctrl message %d with '%s'", tag, text);
}

static void line_silent(struct play *p, char *rest)
{
	if (said(p, atoi(rest), ""))
		wrong(p, "a ctrl message %s was said", rest);
}

static void line_phase(struct play *p, char *rest)
{
	if (strcmp(run_phase_names[run_phase(p->run)], rest) != 0)
		wrong(p, "the phase is %s", run_phase_names[run_phase(p->run)]);
}

static void line_deadline(struct play *p, char *rest)
{
	int64_t expected = strcmp(rest, "never") == 0 ? INT64_MAX : atoll(rest);

	if (run_deadline(p->run) != expected)
		wrong(p, "the deadline is %" PRId64, run_deadline(p->run));
}

static void line_result(struct play *p, char *rest)
{
	const struct run_result *r = run_result(p->run);
	char got[256];

	snprintf(got, sizeof(got), "%s%s%s%s%s%s boots=%u learnt=%d", run_status_names[r->status], r->unfit ? " unfit" : "",
		 r->want_quick_check ? " check" : "", r->firmware_booted ? " booted" : "", r->console_seen ? " console" : "",
		 r->off_confirmed ? " off" : "", r->boots, r->learnt_firmware_boot_time);
	if (strcmp(got, rest) != 0)
		wrong(p, "the result is: %s", got);
}

static void line_reason(struct play *p, char *rest)
{
	if (strcmp(run_result(p->run)->reason, rest) != 0)
		wrong(p, "the reason is: %s", run_result(p->run)->reason);
}

static void line_status(struct play *p, char *rest)
{
	if (strcmp(run_status_names[run_result(p->run)->status], rest) != 0)
		wrong(p, "the status is: %s", run_status_names[run_result(p->run)->status]);
}

static void line_client(struct play *p, char *rest)
{
	p->options.has_client = true;
}

static void line_learnt(struct play *p, char *rest)
{
	p->options.firmware_boot_time = atof(rest);
}

static void line_shown(struct play *p, char *rest)
{
	p->options.shown_job = keep(p, rest);
}

static void line_deadline_was(struct play *p, char *rest)
{
	p->job.deadline = keep(p, rest);
	p->job.deadline_passed = true;
}

static void line_timeout(struct play *p, char *rest)
{
	char name[64];
	struct job_timeout *t;
	long ms;
	int retries = 0;

	if (sscanf(rest, "%63s %ld retries %d", name, &ms, &retries) < 2)
		wrong(p, "how long?");
	t = &p->job.timeouts[index_of(p, job_timeout_names, JOB_TIMEOUTS, name)];
	*t = (struct job_timeout){.ms = ms, .retries = retries, .given = true};
}

static void line_pattern(struct play *p, char *rest)
{
	char *regex = strchr(rest, ' ');

	*regex++ = '\0';
	p->job.patterns[index_of(p, job_pattern_names, JOB_PATTERNS, rest)] = keep(p, regex);
}

static void line_watchdog(struct play *p, char *rest)
{
	char name[32], start[32], reset[32], stop[32];
	struct job_watchdog *w = &p->watchdogs[p->job.n_watchdogs++];

	if (sscanf(rest, "%31s %" SCNd64 " %d %31s %31s %31s", name, &w->timeout.ms, &w->timeout.retries, start, reset, stop) != 6)
		wrong(p, "a watchdog has six parts");
	w->name = keep(p, name);
	w->start = keep(p, start);
	w->reset = keep(p, reset);
	w->stop = keep(p, stop);
}

static const struct {
	const char *word;
	void (*fn)(struct play *p, char *rest);
} lines[] = {
	{"at", line_at},           {"says", line_says},         {"silent", line_silent},
	{"phase", line_phase},     {"deadline", line_deadline}, {"result", line_result},
	{"reason", line_reason},   {"status", line_status},     {"client", line_client},
	{"learnt", line_learnt},   {"shown", line_shown},       {"deadline_was", line_deadline_was},
	{"timeout", line_timeout}, {"pattern", line_pattern},   {"watchdog", line_watchdog},
};

static void play_line(struct play *p, char *line)
{
	char *rest = line + strcspn(line, " ");

	if (*rest)
		*rest++ = '\0';
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		if (strcmp(lines[i].word, line) == 0) {
			lines[i].fn(p, rest);
			return;
		}
	}
	wrong(p, "'%s' is no step", line);
}

static void play_init(struct play *p)
{
	memset(p, 0, sizeof(*p));
	for (int t = 0; t < JOB_TIMEOUTS; t++)
		p->job.timeouts[t].ms = -1;
	p->job.patterns[JOB_SESSION_END] = keep(p, "^END$");
}

static void play_finish(struct play *p)
{
	run_destroy(p->run);
	forget_ctrls(p);
	while (p->n_kept)
		free(p->kept[--p->n_kept]);
}

/* Plays the texts, NULL-terminated, one after the other. */
static void play(const char *first, ...)
{
	struct play p;
	va_list ap;

	play_init(&p);
	va_start(ap, first);
	for (const char *script = first; script; script = va_arg(ap, const char *)) {
		char *copy = gw_strdup(script), *at = copy;
		for (char *line; (line = strsep(&at, "\n"));) {
			p.line++;
			if (*line)
				play_line(&p, line);
		}
		free(copy);
	}
	va_end(ap);
	play_finish(&p);
}

/* A job without a submitter, up to its machine's first ON at 1000 ms. */
#define ALONE_BOOTED                                                                                                                       \
	"at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 POWER_IS_OFF : DEPLOY(1)\n"                 \
	"at 4 DEPLOYED : RESET_CONSOLE\nat 5 CONSOLE_READY : POWER_ON\nat 1000 POWER_IS_ON\nphase BOOTED\n"
/* The same with one. */
#define BOOTED                                                                                                                             \
	"client\nat 0 START : CONNECT_CLIENT TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 CLIENT_CONNECTED\n"  \
	"at 3 POWER_IS_OFF : DEPLOY(1)\nat 4 DEPLOYED : RESET_CONSOLE\nat 5 CONSOLE_READY : POWER_ON\nat 1000 POWER_IS_ON\nphase BOOTED\n"
/* The second boot, from its DEPLOY at 5000 ms to its ON at 6000 ms. */
#define SECOND_BOOT                                                                                                                        \
	"phase OFF\nat 5001 DEPLOYED\nat 5002 POWER_IS_OFF : RESET_CONSOLE\nat 5003 CONSOLE_READY : POWER_ON\nat 6000 POWER_IS_ON\n"

static void a_job_passes(void **state)
{
	play("pattern job_success ^ok\ntimeout overall 60000\nshown target: {}\n", BOOTED,
	     "at 2000 CONSOLE_BYTES ok then\\r\\n\nsays 401 {\"patterns\":[\"job_success\"],\"line\":\"ok then\"}\n"
	     "at 3000 CONSOLE_BYTES EN\nat 3001 CONSOLE_BYTES D\\n and more : POWER_OFF WITHDRAW\nsays 401 session_end\nsays 105 "
	     "session_end matched\n"
	     "phase TEARDOWN\nat 3002 CONSOLE_BYTES ok\\n\nat 3003 WITHDRAWN\nat 3100 POWER_IS_OFF : SESSION_END(PASS)\nsays 106\nphase "
	     "CLOSING\n"
	     "at 3200 CLIENT_GONE : RELEASE_LEASE DONE(PASS)\nresult PASS console off boots=1 learnt=0\nreason session_end "
	     "matched\ndeadline never\n",
	     NULL);
}

static void what_is_said_of_a_setup_and_a_boot_has_its_tags(void **state)
{
	play("client\nshown target: {}\nat 0 START : CONNECT_CLIENT TAKE_LEASE POWER_OFF FETCH\nsays 0 target: {}\nsays 100 +0.000s: \n"
	     "at 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 CLIENT_CONNECTED\nat 1234 POWER_IS_OFF : DEPLOY(1)\nsays 101 +1.234s: \nsays "
	     "200\n"
	     "at 1235 DEPLOYED : RESET_CONSOLE\nat 1236 CONSOLE_READY no such console : POWER_ON\nsays 0 could not be reset: no such "
	     "console\n"
	     "at 1300 POWER_IS_ON\nsays 201\nat 1400 POWER_SEQUENCE\nsays 300\nat 1401 POWER_SEQUENCE\nsilent 300\n",
	     NULL);
}

static void the_verdict_is_by_what_matched(void **state)
{
	static const char end[] = "at 3000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 3001 WITHDRAWN\n";
	static const struct {
		const char *patterns, *bytes, *end;
	} cases[] = {
		{"", "x", "at 3002 POWER_IS_OFF : RELEASE_LEASE DONE(COMPLETE)\n"},
		{"pattern job_warn ^hm\n", "hm\\n", "at 3002 POWER_IS_OFF : RELEASE_LEASE DONE(COMPLETE)\n"},
		{"pattern job_success ^ok\n", "no\\n", "at 3002 POWER_IS_OFF : RELEASE_LEASE DONE(FAIL)\n"},
		{"pattern job_success ^ok\npattern job_warn ^hm\n", "hm\\n", "at 3002 POWER_IS_OFF : RELEASE_LEASE DONE(FAIL)\n"},
		{"pattern job_success ^ok\npattern job_warn ^hm\n", "ok\\nhm\\n", "at 3002 POWER_IS_OFF : RELEASE_LEASE DONE(WARN)\n"},
		{"pattern job_success ^ok\npattern job_warn ^hm\n", "ok\\n", "at 3002 POWER_IS_OFF : RELEASE_LEASE DONE(PASS)\n"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char bytes[64];
		snprintf(bytes, sizeof(bytes), "at 2000 CONSOLE_BYTES %s\n", cases[i].bytes[0] == 'x' ? "x\\n" : cases[i].bytes);
		play(cases[i].patterns, ALONE_BOOTED, bytes, end, cases[i].end, NULL);
	}
}

/* What went wrong is the infrastructure's until the machine was first switched on; from then on the job is cut short. */
static void each_cause_of_an_end_has_its_status(void **state)
{
	static const char setup[] = "client\ntimeout infra_setup 9000\ntimeout overall 9000\n"
				    "at 0 START : CONNECT_CLIENT TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\n";
	static const char connected[] = "at 2 CLIENT_CONNECTED\n";
	static const struct {
		const char *until[3], *event, *status, *reason;
	} cases[] = {
		{{setup}, "at 9 CLIENT_GONE x : POWER_OFF", "SETUP_FAIL", "the client could not be reached: x"},
		{{setup, connected}, "at 9 CLIENT_GONE x : POWER_OFF", "INCOMPLETE", "the client is gone: x"},
		{{setup, connected}, "at 9 LEASE_LOST x : SESSION_END(SETUP_FAIL)", "SETUP_FAIL", "the machine's power port was lost: x"},
		{{setup, connected}, "at 9 ARTIFACTS_FAILED x : POWER_OFF", "SETUP_FAIL", "x"},
		{{setup, connected}, "at 9 POWER_FAILED x : POWER_OFF", "SETUP_FAIL", "the machine's power could not be switched: x"},
		{{setup, connected}, "at 9 CANCEL x : CLOSE_CLIENT POWER_OFF", "INCOMPLETE", "cancelled: x"},
		{{setup, connected}, "at 9000 TICK : POWER_OFF", "SETUP_FAIL", "the timeout overall of 9 s was hit"},
		{{BOOTED}, "at 2000 CLIENT_GONE x : POWER_OFF WITHDRAW", "INCOMPLETE", "the client is gone: x"},
		{{BOOTED}, "at 2000 LEASE_LOST x : WITHDRAW", "INCOMPLETE", "the machine's power port was lost: x"},
		{{BOOTED}, "at 2000 CANCEL x : CLOSE_CLIENT POWER_OFF WITHDRAW", "INCOMPLETE", "cancelled: x"},
		{{"timeout overall 2000\n", BOOTED},
		 "at 2000 TICK : POWER_OFF WITHDRAW",
		 "INCOMPLETE",
		 "the timeout overall of 2 s was hit"},
		{{"pattern machine_unfit_for_service ^bad\n", BOOTED},
		 "at 2000 CONSOLE_BYTES bad\\n : POWER_OFF WITHDRAW",
		 "INCOMPLETE",
		 "machine_unfit_for_service matched"},
		{{BOOTED}, "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW", "COMPLETE", "session_end matched"},
		{{"pattern job_success ^ok\n", BOOTED}, "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW", "FAIL", "session_end matched"},
		{{"pattern job_success ^ok\n", BOOTED, "at 1999 CONSOLE_BYTES ok\\n\n"},
		 "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW",
		 "PASS",
		 "session_end matched"},
		{{"pattern job_success ^ok\npattern job_warn hm\n", BOOTED, "at 1999 CONSOLE_BYTES ok hm\\n\n"},
		 "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW",
		 "WARN",
		 "session_end matched"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char script[512];

		snprintf(script, sizeof(script), "%s\nreason %s\nstatus %s\n", cases[i].event, cases[i].reason, cases[i].status);
		play(cases[i].until[0], cases[i].until[1] ? cases[i].until[1] : "", cases[i].until[2] ? cases[i].until[2] : "", script,
		     NULL);
	}
}

static void a_run_that_is_not_over_has_no_verdict_yet(void **state)
{
	play("pattern job_success ^ok\n", ALONE_BOOTED, "at 2000 CONSOLE_BYTES ok\\n\nstatus UNKNOWN\n", NULL);
}

static void a_deadline_in_the_past_is_a_warning(void **state)
{
	play("deadline_was 2001-01-01\nat 0 START : TAKE_LEASE POWER_OFF FETCH\nsays 0 The job's deadline, 2001-01-01, has passed already\n"
	     "at 1 LEASE_TAKEN\nphase SETUP\n",
	     NULL);
}

static void the_setup_waits_for_all_four_in_any_order(void **state)
{
	play("client\nat 0 START : CONNECT_CLIENT TAKE_LEASE POWER_OFF FETCH\nat 1 ARTIFACTS_READY\nat 2 CLIENT_CONNECTED\nat 3 "
	     "LEASE_TAKEN\n"
	     "at 4 ARTIFACTS_READY\nphase SETUP\nat 5 POWER_IS_OFF : DEPLOY(1)\nphase OFF\nat 6 POWER_IS_OFF\nat 7 LEASE_TAKEN\nphase "
	     "OFF\n",
	     NULL);
}

static void a_setup_that_waits_for_artifacts_says_so_until_they_are_there(void **state)
{
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 5000 ARTIFACTS_AWAITED Still fetching: 1 of 2\n"
	     "says 0 +5.000s: Still fetching: 1 of 2\nphase SETUP\nat 5001 LEASE_TAKEN\nat 5002 ARTIFACTS_READY\n"
	     "at 5003 POWER_IS_OFF : DEPLOY(1)\nat 5004 ARTIFACTS_AWAITED late\nphase OFF\n",
	     NULL);
}

static void a_setup_that_takes_too_long_is_tried_again_as_often_as_it_may(void **state)
{
	play("timeout infra_setup 1000 retries 1\nat 0 START : TAKE_LEASE POWER_OFF FETCH\ndeadline 1000\nat 10 LEASE_TAKEN\nat 20 "
	     "POWER_IS_OFF\n"
	     "at 1000 TICK : FETCH\n"
	     "says 400 {\"timeout\":{\"name\":\"infra_setup\",\"seconds\":1,\"retries\":1,\"retried\":1,\"is_retrying\":true}}\ndeadline "
	     "2000\n"
	     "at 2000 TICK : POWER_OFF\nsays 400 \"is_retrying\":false\nsays 102 the timeout infra_setup of 1 s was hit\n"
	     "at 2100 POWER_IS_OFF : RELEASE_LEASE DONE(SETUP_FAIL)\nresult SETUP_FAIL off boots=0 learnt=0\n"
	     "reason the timeout infra_setup of 1 s was hit\n",
	     NULL);
}

static void artifacts_that_fail_end_the_job(void **state)
{
	play("client\nat 0 START : CONNECT_CLIENT TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 CLIENT_CONNECTED\n"
	     "at 3 ARTIFACTS_FAILED http://x/kernel: 404 : POWER_OFF\nsays 102 http://x/kernel: 404\nat 4 ARTIFACTS_READY\nat 5 "
	     "ARTIFACTS_FAILED\n"
	     "at 6 POWER_IS_OFF : SESSION_END(SETUP_FAIL)\nat 7 CLIENT_GONE : RELEASE_LEASE DONE(SETUP_FAIL)\nreason http://x/kernel: "
	     "404\n",
	     NULL);
}

static void a_port_that_another_holds_is_not_touched(void **state)
{
	play("client\nat 0 START : CONNECT_CLIENT TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_FAILED held by job 7 : SESSION_END(SETUP_FAIL)\n"
	     "at 2 POWER_FAILED\nat 3 CLIENT_CONNECTED\nat 4 CLIENT_GONE : DONE(SETUP_FAIL)\nresult SETUP_FAIL boots=0 learnt=0\n"
	     "reason the machine's power port could not be had: held by job 7\n",
	     NULL);
}

static void a_client_that_cannot_be_reached_ends_the_job(void **state)
{
	play("client\nat 0 START : CONNECT_CLIENT TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\n"
	     "at 3 CLIENT_GONE Connection refused : POWER_OFF\nat 4 CLIENT_CONNECTED\nat 5 POWER_IS_OFF : RELEASE_LEASE DONE(SETUP_FAIL)\n"
	     "reason the client could not be reached: Connection refused\n",
	     NULL);
}

static void a_client_that_goes_mid_job_ends_it(void **state)
{
	play(BOOTED,
	     "at 2000 CLIENT_GONE closed : POWER_OFF WITHDRAW\nat 2001 CLIENT_GONE\nat 2002 POWER_IS_OFF\nat 2003 WITHDRAWN : "
	     "RELEASE_LEASE DONE(INCOMPLETE)\n"
	     "result INCOMPLETE off boots=1 learnt=0\nreason the client is gone: closed\n",
	     NULL);
}

static void a_client_that_goes_during_teardown_is_not_awaited(void **state)
{
	play(BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 2001 CLIENT_GONE\nat 2002 WITHDRAWN\nat 2003 POWER_IS_OFF : "
	     "RELEASE_LEASE DONE(COMPLETE)\n",
	     NULL);
}

static void a_cancelled_job_sends_no_session_end(void **state)
{
	play(BOOTED,
	     "at 2000 CANCEL by an admin : CLOSE_CLIENT POWER_OFF WITHDRAW\nsays 0 cancelled: by an admin\nat 2001 CLIENT_GONE\nat 2002 "
	     "POWER_IS_OFF\n"
	     "at 2003 WITHDRAWN : RELEASE_LEASE DONE(INCOMPLETE)\nreason cancelled: by an admin\nat 2004 CANCEL\n",
	     NULL);
}

static void a_job_can_be_cancelled_before_it_starts_and_while_its_lease_is_on_the_way(void **state)
{
	play("at 5 CANCEL no : DONE(INCOMPLETE)\nphase DONE\nat 6 START\n", NULL);
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 CANCEL no : POWER_OFF\nphase TEARDOWN\nat 2 LEASE_TAKEN : POWER_OFF\n"
	     "at 3 POWER_IS_OFF : RELEASE_LEASE DONE(INCOMPLETE)\n",
	     NULL);
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 CANCEL no : POWER_OFF\nat 2 LEASE_FAILED held : DONE(INCOMPLETE)\n", NULL);
}

static void a_lease_that_is_never_heard_of_is_given_up(void **state)
{
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 CANCEL no : POWER_OFF\ndeadline 60001\nat 60001 TICK : RELEASE_LEASE "
	     "DONE(INCOMPLETE)\n"
	     "result INCOMPLETE boots=0 learnt=0\n",
	     NULL);
}

static void a_cancel_while_the_client_is_awaited_ends_the_waiting(void **state)
{
	play(BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 2001 WITHDRAWN\nat 2002 POWER_IS_OFF : SESSION_END(COMPLETE)\n"
	     "at 2003 CANCEL no : CLOSE_CLIENT RELEASE_LEASE DONE(COMPLETE)\n",
	     NULL);
	play(BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 2001 CANCEL no\nat 2001 WITHDRAWN\nat 2002 POWER_IS_OFF : "
	     "SESSION_END(COMPLETE)\n"
	     "deadline 7002\nat 7002 TICK : CLOSE_CLIENT RELEASE_LEASE DONE(COMPLETE)\n",
	     NULL);
}

static void a_client_that_stays_is_closed_when_the_teardown_is_over(void **state)
{
	play("timeout infra_teardown 20000\n", BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\ndeadline 22000\nat 2001 WITHDRAWN\nat 2002 POWER_IS_OFF : "
	     "SESSION_END(COMPLETE)\n"
	     "deadline 22000\nat 22000 TICK : CLOSE_CLIENT RELEASE_LEASE DONE(COMPLETE)\nat 22001 CLIENT_GONE\n",
	     NULL);
}

static void a_lost_lease_leaves_the_port_to_pdud(void **state)
{
	play(BOOTED,
	     "at 2000 LEASE_LOST not renewed : WITHDRAW\nsays 0 not renewed\nat 2001 WITHDRAWN : SESSION_END(INCOMPLETE)\nat 2002 "
	     "CLIENT_GONE : DONE(INCOMPLETE)\n"
	     "result INCOMPLETE boots=1 learnt=0\nreason the machine's power port was lost: not renewed\n",
	     NULL);
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_LOST of an earlier one\nphase SETUP\nat 2 LEASE_TAKEN\n"
	     "at 3 LEASE_LOST gone : DONE(SETUP_FAIL)\n",
	     NULL);
}

/* ---- timeouts of a boot ---- */

static void each_timeout_of_a_boot_ends_the_job_without_retries(void **state)
{
	static const char *const names[] = {"boot_cycle", "first_console_activity", "firmware_boot"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char timeout[64], hit[256];
		snprintf(timeout, sizeof(timeout), "timeout %s 3000\n", names[i]);
		snprintf(hit, sizeof(hit),
			 "deadline 4000\nat 3999 TICK\nat 4000 TICK : POWER_OFF WITHDRAW\nsays 400 "
			 "\"name\":\"%s\",\"seconds\":3,\"retries\":0\n"
			 "reason the timeout %s of 3 s was hit\n",
			 names[i], names[i]);
		play(timeout, ALONE_BOOTED, hit, "at 4001 WITHDRAWN\nat 4002 POWER_IS_OFF : RELEASE_LEASE DONE(INCOMPLETE)\n", NULL);
	}
}

static void each_timeout_of_a_boot_boots_again_while_it_may(void **state)
{
	static const char *const names[] = {"boot_cycle", "first_console_activity", "firmware_boot"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char timeout[64];
		snprintf(timeout, sizeof(timeout), "timeout %s 4000 retries 1\n", names[i]);
		play(timeout, ALONE_BOOTED, "at 5000 TICK : POWER_OFF DEPLOY(2)\nsays 400 \"is_retrying\":true\nsays 200 Boot 2\n",
		     SECOND_BOOT, "deadline 10000\nat 10000 TICK : POWER_OFF WITHDRAW\nsays 400 \"retried\":1,\"is_retrying\":false\n",
		     NULL);
	}
}

static void the_overall_timeout_ends_the_job_in_any_phase(void **state)
{
	play("timeout overall 3000\nat 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 3000 TICK : POWER_OFF\nsays 400 overall\n"
	     "at 3001 POWER_IS_OFF : RELEASE_LEASE DONE(SETUP_FAIL)\n",
	     NULL);
	play("timeout overall 3000\ntimeout boot_cycle 2000 retries 9\n", ALONE_BOOTED,
	     "at 3000 TICK : POWER_OFF WITHDRAW\nreason the timeout overall of 3 s was hit\n", NULL);
}

static void of_timers_that_expire_at_once_the_first_counts(void **state)
{
	play("timeout boot_cycle 2000 retries 3\ntimeout first_console_activity 1000\n", ALONE_BOOTED,
	     "at 9000 TICK : POWER_OFF WITHDRAW\nreason the timeout first_console_activity of 1 s was hit\n", NULL);
	play("timeout boot_cycle 1000 retries 3\ntimeout first_console_activity 2000\n", ALONE_BOOTED,
	     "at 9000 TICK : POWER_OFF DEPLOY(2)\nsays 400 boot_cycle\n", NULL);
}

static void first_console_activity_ends_with_the_first_newline_not_with_noise(void **state)
{
	play("timeout first_console_activity 3000\ntimeout console_activity 500\n", ALONE_BOOTED,
	     "at 1100 CONSOLE_BYTES \\xff\\xfe\ndeadline 4000\nat 1200 CONSOLE_BYTES hello\\n\ndeadline 1700\nat 1600 CONSOLE_BYTES "
	     "x\ndeadline 2100\n"
	     "at 2100 TICK : POWER_OFF WITHDRAW\nsays 400 \"console_activity\"\nreason the timeout console_activity of 0.5 s was hit\n",
	     NULL);
}

static void a_silent_console_is_retried_and_counts_anew_in_each_boot(void **state)
{
	play("timeout console_activity 1000 retries 2\n", ALONE_BOOTED,
	     "at 4000 CONSOLE_BYTES hello\\n\nat 5000 TICK : POWER_OFF DEPLOY(2)\nsays 400 \"retried\":1\n", SECOND_BOOT,
	     "deadline never\nat 6500 CONSOLE_BYTES hello\\n\ndeadline 7500\n", NULL);
}

static void what_a_machine_does_before_its_on_is_read_back_counts(void **state)
{
	play("timeout first_console_activity 1000\ntimeout firmware_boot 1000\ntimeout console_activity 7000\npattern job_success ^ok\n"
	     "at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 POWER_IS_OFF : DEPLOY(1)\n"
	     "at 4 DEPLOYED : RESET_CONSOLE\nat 5 CONSOLE_READY : POWER_ON\nat 6 CONSOLE_BYTES ok\\n\nsays 401\nat 7 DUT_REQUEST "
	     "dhcp\nsays 301\n"
	     "at 1000 POWER_IS_ON\ndeadline 8000\nat 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nresult PASS booted console boots=1 "
	     "learnt=0\n",
	     NULL);
}

static void bytes_of_the_time_before_on_do_not_count(void **state)
{
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 1 CONSOLE_BYTES END\\n\nat 2 ARTIFACTS_READY\nat 3 "
	     "POWER_IS_OFF : DEPLOY(1)\n"
	     "at 3 CONSOLE_BYTES END\\n\nat 4 DEPLOYED : RESET_CONSOLE\nat 4 CONSOLE_BYTES END\\n\nphase RESET\n",
	     NULL);
}

static void a_netboot_request_completes_the_firmwares_boot_and_is_learnt_from(void **state)
{
	play("learnt 2\ntimeout firmware_boot 5000 retries 3\n", ALONE_BOOTED,
	     "deadline 6000\nat 4400 DUT_REQUEST dhcp : LEARN(4)\nsays 301 dhcp request after 3.4 s\ndeadline never\nat 4500 DUT_REQUEST "
	     "tftp\nsilent 301\n"
	     "result UNKNOWN booted boots=1 learnt=4\n",
	     NULL);
	play("learnt 2\n", ALONE_BOOTED, "at 2900 DUT_REQUEST dhcp\nsays 301\nresult UNKNOWN booted boots=1 learnt=0\n", NULL);
	play(ALONE_BOOTED, "at 1300 DUT_REQUEST http : LEARN(1)\n", NULL);
}

static void two_used_up_retries_of_the_firmware_want_a_quick_check(void **state)
{
	play("timeout firmware_boot 4000 retries 3\n", ALONE_BOOTED,
	     "at 5000 TICK : POWER_OFF DEPLOY(2)\nresult UNKNOWN boots=2 learnt=0\n", SECOND_BOOT,
	     "at 10000 TICK : POWER_OFF DEPLOY(3)\nresult UNKNOWN check boots=3 learnt=0\n", NULL);
}

static void a_boot_of_the_firmware_gives_its_retries_back(void **state)
{
	play("timeout firmware_boot 4000 retries 1\npattern session_reboot ^again\ntimeout boot_cycle 100000 retries 9\n", ALONE_BOOTED,
	     "at 5000 TICK : POWER_OFF DEPLOY(2)\n", SECOND_BOOT,
	     "at 6500 DUT_REQUEST dhcp : LEARN(1)\nat 7000 CONSOLE_BYTES again\\n : POWER_OFF DEPLOY(3)\nat 7001 DEPLOYED\nat 7002 "
	     "POWER_IS_OFF : RESET_CONSOLE\n"
	     "at 7003 CONSOLE_READY : POWER_ON\nat 8000 POWER_IS_ON\nat 12000 TICK : POWER_OFF DEPLOY(4)\nsays 400 "
	     "\"retried\":1,\"is_retrying\":true\n"
	     "result UNKNOWN booted console boots=4 learnt=1\n",
	     NULL);
}

/* ---- reboots, watchdogs ---- */

static void session_reboot_counts_against_boot_cycles_retries(void **state)
{
	play("pattern session_reboot ^again\ntimeout boot_cycle 60000 retries 1\npattern job_success ^ok\n", ALONE_BOOTED,
	     "at 5000 CONSOLE_BYTES ok\\nagain\\nEND\\n : POWER_OFF DEPLOY(2)\nsays 401 session_reboot\n", SECOND_BOOT,
	     "deadline 66000\nat 7000 CONSOLE_BYTES again\\n : POWER_OFF WITHDRAW\nsays 401 session_reboot\n"
	     "reason session_reboot matched, and boot_cycle has no retries left (1 of 1 used)\nresult INCOMPLETE console boots=2 "
	     "learnt=0\n",
	     NULL);
}

static void the_first_session_reboot_ends_a_job_without_retries(void **state)
{
	play("pattern session_reboot ^again\n", ALONE_BOOTED, "at 2000 CONSOLE_BYTES again\\n : POWER_OFF WITHDRAW\n", NULL);
}

static void matches_last_for_the_whole_job(void **state)
{
	play("pattern session_reboot ^again\ntimeout boot_cycle 60000 retries 1\npattern job_success ^ok\n", ALONE_BOOTED,
	     "at 5000 CONSOLE_BYTES ok\\nagain\\n : POWER_OFF DEPLOY(2)\n", SECOND_BOOT,
	     "at 7000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nresult PASS console boots=2 learnt=0\n", NULL);
}

static void what_there_was_of_a_line_goes_with_its_boot(void **state)
{
	play("pattern session_reboot ^again\ntimeout boot_cycle 4000 retries 2\n", ALONE_BOOTED,
	     "at 4000 CONSOLE_BYTES x\\nEN\nat 5000 TICK : POWER_OFF DEPLOY(2)\n", SECOND_BOOT,
	     "at 7000 CONSOLE_BYTES D\\nagain\\nEN : POWER_OFF DEPLOY(3)\nphase OFF\n", NULL);
}

static void a_watchdog_barks_between_its_start_and_its_stop(void **state)
{
	play("watchdog hang 1000 0 ^start ^reset ^stop\n", ALONE_BOOTED,
	     "at 1100 CONSOLE_BYTES reset\\nstop\\n\nsilent 401\ndeadline never\nat 1200 CONSOLE_BYTES start\\n\nsays 401 "
	     "[\"hang.start\"]\ndeadline 2200\n"
	     "at 1300 CONSOLE_BYTES start\\n\nsilent 401\ndeadline 2200\nat 1400 CONSOLE_BYTES reset\\n\nsays 401 "
	     "[\"hang.reset\"]\ndeadline 2400\n"
	     "at 1500 CONSOLE_BYTES stop\\n\nsays 401 [\"hang.stop\"]\ndeadline never\nat 1600 CONSOLE_BYTES start\\n\n"
	     "at 2600 TICK : POWER_OFF WITHDRAW\nsays 400 \"name\":\"watchdogs.hang\",\"seconds\":1\nreason the timeout watchdogs.hang of "
	     "1 s was hit\n",
	     NULL);
}

static void a_watchdog_with_retries_boots_again_and_sleeps_between_boots(void **state)
{
	play("watchdog hang 1000 1 ^start ^reset ^stop\n", ALONE_BOOTED,
	     "at 4000 CONSOLE_BYTES start\\n\nat 5000 TICK : POWER_OFF DEPLOY(2)\n", SECOND_BOOT,
	     "deadline never\nat 6100 CONSOLE_BYTES start\\n\ndeadline 7100\nat 7100 TICK : POWER_OFF WITHDRAW\n", NULL);
	play("watchdog hang 10000 1 ^start ^reset ^stop\ntimeout boot_cycle 4000 retries 1\n", ALONE_BOOTED,
	     "at 1001 CONSOLE_BYTES start\\n\nat 5000 TICK : POWER_OFF DEPLOY(2)\n", SECOND_BOOT, "deadline 10000\n", NULL);
}

static void an_unfit_machine_ends_the_job(void **state)
{
	play("pattern machine_unfit_for_service ^broken\n", ALONE_BOOTED,
	     "at 2000 CONSOLE_BYTES broken\\n : POWER_OFF WITHDRAW\nsays 401 machine_unfit_for_service\nresult INCOMPLETE unfit console "
	     "boots=1 learnt=0\n"
	     "reason machine_unfit_for_service matched\n",
	     NULL);
}

static void a_pattern_that_matches_for_ever_is_told_once(void **state)
{
	play("pattern job_success ^ok\n", ALONE_BOOTED, "at 2000 CONSOLE_BYTES ok\\n\nsays 401\nat 2001 CONSOLE_BYTES ok\\n\nsilent 401\n",
	     NULL);
}

static void a_line_that_is_not_text_is_told_as_text(void **state)
{
	play("pattern job_success ok\n", ALONE_BOOTED,
	     "at 2000 CONSOLE_BYTES \\xff\\x1b\\xc3\\xa9 ok\\r\\n\nsays 401 \"line\":\"?\\u001b\xc3\xa9 ok\"\n", NULL);
}

/* ---- what goes wrong ---- */

static void power_that_fails_in_a_boot_ends_the_job(void **state)
{
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 0 POWER_FAILED no lease yet\nphase SETUP\nat 1 LEASE_TAKEN\nat 2 POWER_FAILED "
	     "PDU is mute : POWER_OFF\n"
	     "says 102 the machine's power could not be switched: PDU is mute\nat 3 POWER_IS_OFF : RELEASE_LEASE DONE(SETUP_FAIL)\n",
	     NULL);
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 POWER_IS_OFF : DEPLOY(1)\nat 4 "
	     "DEPLOYED : RESET_CONSOLE\n"
	     "at 5 CONSOLE_READY : POWER_ON\nat 6 POWER_FAILED mute : POWER_OFF WITHDRAW\nresult INCOMPLETE boots=1 learnt=0\n",
	     NULL);
}

static void a_boot_that_cannot_be_set_up_ends_the_job(void **state)
{
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 POWER_IS_OFF : DEPLOY(1)\n"
	     "at 4 DEPLOY_FAILED refused : POWER_OFF WITHDRAW\nreason the machine's boot could not be set up: refused\nat 5 DEPLOYED\n"
	     "at 6 WITHDRAWN\nat 7 POWER_IS_OFF : RELEASE_LEASE DONE(SETUP_FAIL)\n",
	     NULL);
}

static void what_is_needed_until_the_end_ends_the_job_when_it_is_gone(void **state)
{
	play(BOOTED,
	     "at 1001 INFRA_FAILED the disk is gone : POWER_OFF WITHDRAW\nreason the disk is gone\nat 1002 INFRA_FAILED again\n"
	     "at 1003 WITHDRAWN\nat 1004 POWER_IS_OFF : SESSION_END(INCOMPLETE)\nphase CLOSING\n",
	     NULL);
	play("at 0 INFRA_FAILED x\nat 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 INFRA_FAILED the disk is gone : "
	     "POWER_OFF\n"
	     "at 3 POWER_IS_OFF : RELEASE_LEASE DONE(SETUP_FAIL)\nat 4 INFRA_FAILED x\n",
	     NULL);
}

static void steps_that_are_never_answered_are_given_up(void **state)
{
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 POWER_IS_OFF : DEPLOY(1)\ndeadline "
	     "300003\n"
	     "at 300003 TICK : POWER_OFF WITHDRAW\nresult SETUP_FAIL boots=1 learnt=0\n",
	     NULL);
	play("at 0 START : TAKE_LEASE POWER_OFF FETCH\nat 1 LEASE_TAKEN\nat 2 ARTIFACTS_READY\nat 3 POWER_IS_OFF : DEPLOY(1)\nat 4 "
	     "DEPLOYED : RESET_CONSOLE\n"
	     "at 40004 TICK : POWER_ON\nsays 0 could not be reset\nat 40005 CONSOLE_READY\nphase ON\nat 3740004 TICK : POWER_OFF "
	     "WITHDRAW\n",
	     NULL);
}

static void a_lost_console_is_told_and_the_job_goes_on(void **state)
{
	play(ALONE_BOOTED, "at 2000 CONSOLE_LOST saladd is gone\nsays 0 The console was lost: saladd is gone; trying again\nphase BOOTED\n",
	     NULL);
}

static void an_off_that_fails_is_tried_until_it_is_confirmed_and_the_client_hears_at_once(void **state)
{
	play(BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 2001 WITHDRAWN\nat 2100 POWER_FAILED mute : ALARM "
	     "SESSION_END(COMPLETE)\nsays 106 not confirmed\n"
	     "deadline 7100\nat 7100 TICK : POWER_OFF\nat 7101 POWER_FAILED mute\nat 8000 CLIENT_GONE\nphase STUCK\nat 8001 CANCEL\nphase "
	     "STUCK\n"
	     "deadline 12101\nat 12101 TICK : POWER_OFF\ndeadline 72101\nat 72101 TICK : POWER_OFF\nat 99999 POWER_IS_OFF : RELEASE_LEASE "
	     "DONE(COMPLETE)\n"
	     "result COMPLETE console off boots=1 learnt=0\n",
	     NULL);
}

static void an_off_that_is_confirmed_while_the_client_is_awaited_leaves_nothing_to_wait_for(void **state)
{
	play(BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 2001 WITHDRAWN\nat 2100 POWER_FAILED mute : ALARM "
	     "SESSION_END(COMPLETE)\n"
	     "at 7100 TICK : POWER_OFF\nat 7200 POWER_IS_OFF\nat 8000 CLIENT_GONE : RELEASE_LEASE DONE(COMPLETE)\n",
	     NULL);
}

static void an_off_that_is_never_answered_gives_an_alarm(void **state)
{
	play(ALONE_BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 2001 WITHDRAWN\nat 62000 TICK : POWER_OFF ALARM\nphase STUCK\n"
	     "at 63000 LEASE_LOST revoked : DONE(COMPLETE)\nresult COMPLETE console boots=1 learnt=0\n",
	     NULL);
}

static void a_withdrawal_that_is_never_answered_is_not_awaited_for_ever(void **state)
{
	play(ALONE_BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\nat 2001 POWER_IS_OFF\nphase TEARDOWN\nat 62000 TICK : RELEASE_LEASE "
	     "DONE(COMPLETE)\n",
	     NULL);
}

static void a_short_teardown_is_not_outstayed(void **state)
{
	play("timeout infra_teardown 3000\n", BOOTED,
	     "at 2000 CONSOLE_BYTES END\\n : POWER_OFF WITHDRAW\ndeadline 5000\nat 5000 TICK : POWER_OFF ALARM SESSION_END(COMPLETE)\nsays "
	     "400 infra_teardown\n"
	     "deadline 10000\nat 10000 TICK : CLOSE_CLIENT\nphase STUCK\nat 10001 POWER_IS_OFF : RELEASE_LEASE DONE(COMPLETE)\n",
	     NULL);
}

static void late_and_double_events_mean_nothing(void **state)
{
	play(BOOTED,
	     "at 1001 START\nat 1002 CLIENT_CONNECTED\nat 1003 LEASE_TAKEN\nat 1004 LEASE_FAILED x\nat 1005 ARTIFACTS_FAILED x\nat 1006 "
	     "POWER_IS_OFF\n"
	     "at 1007 POWER_FAILED x\nat 1008 DEPLOYED\nat 1009 DEPLOY_FAILED x\nat 1010 CONSOLE_READY\nat 1011 POWER_IS_ON\nat 1012 "
	     "WITHDRAWN\nat 1013 TICK\n"
	     "phase BOOTED\n",
	     NULL);
	play(BOOTED,
	     "at 2000 CANCEL x : CLOSE_CLIENT POWER_OFF WITHDRAW\nat 2001 POWER_IS_ON\nat 2002 DEPLOYED\nat 2003 DUT_REQUEST dhcp\nat 2004 "
	     "CONSOLE_BYTES END\\n\n"
	     "at 2005 ARTIFACTS_READY\nat 2006 CONSOLE_READY\nat 2007 WITHDRAWN\nat 2008 WITHDRAWN\nphase TEARDOWN\nat 2009 POWER_IS_OFF : "
	     "RELEASE_LEASE DONE(INCOMPLETE)\n"
	     "at 2010 POWER_FAILED x\nat 2011 LEASE_LOST x\nat 2012 CLIENT_GONE x\nat 2013 TICK\nphase DONE\n",
	     NULL);
}

static void a_clock_that_steps_back_stands_still(void **state)
{
	play("timeout boot_cycle 1000\n", ALONE_BOOTED, "at 500 CONSOLE_BYTES x\ndeadline 2000\n", NULL);
}

static void a_pattern_that_does_not_compile_is_an_error(void **state)
{
	struct play p;
	struct gw_error err = {0};
	struct run *run = NULL;
	char bad[] = "(";

	play_init(&p);
	p.job.patterns[JOB_SUCCESS] = bad;
	assert_false(run_create(&run, &p.job, &p.options, &err));
	assert_int_equal(err.kind, GW_BAD_INPUT);
	assert_non_null(strstr(err.text, "job_success"));
	play_finish(&p);
}

/* ---- random walks ---- */

struct walk {
	struct run *run;
	uint32_t seed;
	int64_t now;
	bool on_said;      /* ON was the last thing said of the power */
	bool off_since_on; /* OFF was confirmed to it since */
	bool sessions_over, done;
	unsigned owed[RUN_ACTIONS]; /* not answered yet */
};

static uint32_t chance(struct walk *w, uint32_t n)
{
	w->seed = w->seed * 1664525u + 1013904223u;
	return (w->seed >> 8) % n;
}

static void check_action(struct walk *w, const struct run_action *a)
{
	assert_false(w->done);
	assert_false(w->sessions_over && (a->kind == RUN_DO_CTRL || a->kind == RUN_DO_SESSION_END));
	w->sessions_over |= a->kind == RUN_DO_SESSION_END;
	w->done = a->kind == RUN_DO_DONE;
	if (a->kind == RUN_DO_POWER_ON)
		w->on_said = true, w->off_since_on = false;
	if (a->kind == RUN_DO_POWER_OFF)
		w->on_said = false;
	w->owed[a->kind]++;
}

static void feed(struct walk *w, enum run_event_kind kind, const char *text)
{
	struct run_event event = {.kind = kind, .text = text, .bytes = (const unsigned char *)text, .n = text ? strlen(text) : 0};
	struct run_action action;

	if (kind == RUN_POWER_IS_OFF && !w->on_said)
		w->off_since_on = true;
	run_event(w->run, &event, w->now);
	while (run_next_action(w->run, &action))
		check_action(w, &action);
}

/* Answers one thing that is owed, as a jobd does sooner or later. */
static void answer(struct walk *w, bool well)
{
	static const struct {
		enum run_action_kind asked;
		enum run_event_kind well, badly;
	} answers[] = {
		{RUN_DO_CONNECT_CLIENT, RUN_CLIENT_CONNECTED, RUN_CLIENT_GONE},
		{RUN_DO_TAKE_LEASE, RUN_LEASE_TAKEN, RUN_LEASE_FAILED},
		{RUN_DO_FETCH, RUN_ARTIFACTS_READY, RUN_ARTIFACTS_FAILED},
		{RUN_DO_POWER_OFF, RUN_POWER_IS_OFF, RUN_POWER_FAILED},
		{RUN_DO_POWER_ON, RUN_POWER_IS_ON, RUN_POWER_FAILED},
		{RUN_DO_DEPLOY, RUN_DEPLOYED, RUN_DEPLOY_FAILED},
		{RUN_DO_RESET_CONSOLE, RUN_CONSOLE_READY, RUN_CONSOLE_READY},
		{RUN_DO_SESSION_END, RUN_CLIENT_GONE, RUN_CLIENT_GONE},
		{RUN_DO_WITHDRAW, RUN_WITHDRAWN, RUN_WITHDRAWN},
	};
	size_t n = sizeof(answers) / sizeof(*answers), first = chance(w, (uint32_t)n);

	for (size_t k = 0; k < n; k++) {
		size_t i = (first + k) % n;
		if (w->owed[answers[i].asked]) {
			w->owed[answers[i].asked]--;
			feed(w, well ? answers[i].well : answers[i].badly, NULL);
			return;
		}
	}
}

static void step(struct walk *w, uint32_t mishaps)
{
	static const char *const said[] = {"ok\n", "END\n", "again\n", "start\nreset\n", "broken\n", "noise", "stop\n", "\n"};
	int64_t deadline = run_deadline(w->run);

	w->now += chance(w, 200);
	if (chance(w, mishaps) == 0)
		feed(w, (enum run_event_kind)chance(w, RUN_EVENTS), said[chance(w, 8)]);
	else if (deadline != INT64_MAX && chance(w, 8) == 0)
		w->now = w->now > deadline ? w->now : deadline, feed(w, RUN_TICK, NULL);
	else if (chance(w, 3) == 0)
		feed(w, RUN_CONSOLE_BYTES, said[chance(w, 8)]);
	else
		answer(w, chance(w, mishaps) != 1);
}

static void walk(struct play *p, uint32_t seed)
{
	struct walk w = {.seed = seed};
	struct gw_error err = {0};
	int steps = 0;

	p->options.has_client = seed % 3 != 0;
	assert_true(run_create(&w.run, &p->job, &p->options, &err));
	feed(&w, RUN_START, NULL);
	for (; !w.done && steps < 2000; steps++)
		step(&w, steps < 200 ? 4 + seed % 60 : UINT32_MAX); /* in the end all goes well */
	if (!w.done)
		fail_msg("seed %u: not done, but %s", seed, run_phase_names[run_phase(w.run)]);
	assert_int_equal(run_phase(w.run), RUN_DONE);
	assert_int_equal(run_deadline(w.run), INT64_MAX);
	assert_int_not_equal(run_result(w.run)->status, RUN_UNKNOWN);
	assert_non_null(run_result(w.run)->reason);
	if (run_result(w.run)->off_confirmed) {
		assert_false(w.on_said);
		assert_true(w.off_since_on);
	}
	feed(&w, (enum run_event_kind)chance(&w, RUN_EVENTS), NULL); /* nothing follows DONE */
	run_destroy(w.run);
}

static void any_walk_ends_and_off_is_the_last_word(void **state)
{
	struct play p;
	char setup[] =
		"pattern job_success ^ok\npattern session_reboot ^again\npattern machine_unfit_for_service ^broken\n"
		"watchdog hang 300 1 ^start ^reset ^stop\ntimeout overall 30000\ntimeout infra_setup 2000 retries 1\ntimeout "
		"infra_teardown 3000\n"
		"timeout boot_cycle 3000 retries 3\ntimeout console_activity 700 retries 1\ntimeout first_console_activity 600 retries 2\n"
		"timeout firmware_boot 900 retries 2";
	char *at = setup;

	play_init(&p);
	for (char *line; (line = strsep(&at, "\n"));)
		play_line(&p, line);
	p.job.watchdogs = p.watchdogs;
	for (uint32_t seed = 1; seed <= 4000; seed++)
		walk(&p, seed);
	play_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_passes),
		cmocka_unit_test(what_is_said_of_a_setup_and_a_boot_has_its_tags),
		cmocka_unit_test(the_verdict_is_by_what_matched),
		cmocka_unit_test(each_cause_of_an_end_has_its_status),
		cmocka_unit_test(a_run_that_is_not_over_has_no_verdict_yet),
		cmocka_unit_test(a_deadline_in_the_past_is_a_warning),
		cmocka_unit_test(the_setup_waits_for_all_four_in_any_order),
		cmocka_unit_test(a_setup_that_waits_for_artifacts_says_so_until_they_are_there),
		cmocka_unit_test(a_setup_that_takes_too_long_is_tried_again_as_often_as_it_may),
		cmocka_unit_test(artifacts_that_fail_end_the_job),
		cmocka_unit_test(a_port_that_another_holds_is_not_touched),
		cmocka_unit_test(a_client_that_cannot_be_reached_ends_the_job),
		cmocka_unit_test(a_client_that_goes_mid_job_ends_it),
		cmocka_unit_test(a_client_that_goes_during_teardown_is_not_awaited),
		cmocka_unit_test(a_cancelled_job_sends_no_session_end),
		cmocka_unit_test(a_job_can_be_cancelled_before_it_starts_and_while_its_lease_is_on_the_way),
		cmocka_unit_test(a_lease_that_is_never_heard_of_is_given_up),
		cmocka_unit_test(a_cancel_while_the_client_is_awaited_ends_the_waiting),
		cmocka_unit_test(a_client_that_stays_is_closed_when_the_teardown_is_over),
		cmocka_unit_test(a_lost_lease_leaves_the_port_to_pdud),
		cmocka_unit_test(each_timeout_of_a_boot_ends_the_job_without_retries),
		cmocka_unit_test(each_timeout_of_a_boot_boots_again_while_it_may),
		cmocka_unit_test(the_overall_timeout_ends_the_job_in_any_phase),
		cmocka_unit_test(of_timers_that_expire_at_once_the_first_counts),
		cmocka_unit_test(first_console_activity_ends_with_the_first_newline_not_with_noise),
		cmocka_unit_test(a_silent_console_is_retried_and_counts_anew_in_each_boot),
		cmocka_unit_test(what_a_machine_does_before_its_on_is_read_back_counts),
		cmocka_unit_test(bytes_of_the_time_before_on_do_not_count),
		cmocka_unit_test(a_netboot_request_completes_the_firmwares_boot_and_is_learnt_from),
		cmocka_unit_test(two_used_up_retries_of_the_firmware_want_a_quick_check),
		cmocka_unit_test(a_boot_of_the_firmware_gives_its_retries_back),
		cmocka_unit_test(session_reboot_counts_against_boot_cycles_retries),
		cmocka_unit_test(the_first_session_reboot_ends_a_job_without_retries),
		cmocka_unit_test(matches_last_for_the_whole_job),
		cmocka_unit_test(what_there_was_of_a_line_goes_with_its_boot),
		cmocka_unit_test(a_watchdog_barks_between_its_start_and_its_stop),
		cmocka_unit_test(a_watchdog_with_retries_boots_again_and_sleeps_between_boots),
		cmocka_unit_test(an_unfit_machine_ends_the_job),
		cmocka_unit_test(a_pattern_that_matches_for_ever_is_told_once),
		cmocka_unit_test(a_line_that_is_not_text_is_told_as_text),
		cmocka_unit_test(power_that_fails_in_a_boot_ends_the_job),
		cmocka_unit_test(a_boot_that_cannot_be_set_up_ends_the_job),
		cmocka_unit_test(what_is_needed_until_the_end_ends_the_job_when_it_is_gone),
		cmocka_unit_test(steps_that_are_never_answered_are_given_up),
		cmocka_unit_test(a_lost_console_is_told_and_the_job_goes_on),
		cmocka_unit_test(an_off_that_fails_is_tried_until_it_is_confirmed_and_the_client_hears_at_once),
		cmocka_unit_test(an_off_that_is_confirmed_while_the_client_is_awaited_leaves_nothing_to_wait_for),
		cmocka_unit_test(an_off_that_is_never_answered_gives_an_alarm),
		cmocka_unit_test(a_withdrawal_that_is_never_answered_is_not_awaited_for_ever),
		cmocka_unit_test(a_short_teardown_is_not_outstayed),
		cmocka_unit_test(late_and_double_events_mean_nothing),
		cmocka_unit_test(a_clock_that_steps_back_stands_still),
		cmocka_unit_test(a_pattern_that_does_not_compile_is_an_error),
		cmocka_unit_test(any_walk_ends_and_off_is_the_last_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
