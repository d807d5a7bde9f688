#include "executorctl/replay.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"

enum {
	STEP_MS = 10,          /* between lines without times, and for each thing that the gateway does */
	REQUEST_MS = 1000,     /* from ON to the machine's first request */
	TIME_MAX_S = 31536000, /* a year; what says more is no time */
};

struct replay {
	struct run *run;
	const struct replay_out *out;
	int64_t now, shift; /* shift: the log's time to ours; set by the first line of a boot that tells a time */
	bool shifted, booted, done;
};

/* ---- times ---- */

static bool number(const char **at, const char *end, double *value)
{
	char copy[32];
	size_t n = 0;
	char *stop;

	while (*at + n < end && n < sizeof(copy) - 1 && strchr("0123456789.", (*at)[n]) && (*at)[n])
		n++;
	memcpy(copy, *at, n);
	copy[n] = '\0';
	*value = strtod(copy, &stop);
	*at += n;
	return n && !*stop && *value <= TIME_MAX_S;
}

int64_t replay_time(const char *line, size_t n, size_t *skip)
{
	const char *at = line, *end = line + n;
	double seconds;

	*skip = 0;
	if (n > 4 && *at == '+') {
		at++;
		if (!number(&at, end, &seconds) || end - at < 3 || memcmp(at, "s: ", 3) != 0)
			return -1;
		*skip = (size_t)(at - line) + 3;
	} else if (n > 3 && *at == '[') {
		at++;
		while (at < end && *at == ' ')
			at++;
		if (!number(&at, end, &seconds) || at == end || *at != ']')
			return -1;
	} else {
		return -1;
	}
	return (int64_t)(seconds * 1000 + 0.5);
}

/* ---- the gateway, on which all goes well ---- */

static const struct {
	enum run_action_kind asked;
	enum run_event_kind answer;
} answers[] = {
	{RUN_DO_CONNECT_CLIENT, RUN_CLIENT_CONNECTED}, {RUN_DO_TAKE_LEASE, RUN_LEASE_TAKEN},  {RUN_DO_FETCH, RUN_ARTIFACTS_READY},
	{RUN_DO_POWER_OFF, RUN_POWER_IS_OFF},          {RUN_DO_POWER_ON, RUN_POWER_IS_ON},    {RUN_DO_DEPLOY, RUN_DEPLOYED},
	{RUN_DO_RESET_CONSOLE, RUN_CONSOLE_READY},     {RUN_DO_SESSION_END, RUN_CLIENT_GONE}, {RUN_DO_WITHDRAW, RUN_WITHDRAWN},
};
#define ANSWERS (sizeof(answers) / sizeof(answers[0]))

static void feed(struct replay *r, const struct run_event *event);

static void say(struct replay *r, enum run_event_kind kind, const char *text)
{
	feed(r, &(struct run_event){.kind = kind, .text = text});
}

/* Takes all actions first: they are borrowed until the next event. */
static void feed(struct replay *r, const struct run_event *event)
{
	bool owed[ANSWERS] = {false};
	struct run_action action;

	run_event(r->run, event, r->now);
	while (run_next_action(r->run, &action)) {
		if (action.kind == RUN_DO_CTRL)
			r->out->message(r->out->owner, action.severity, action.text);
		if (action.kind == RUN_DO_DONE)
			r->done = true;
		for (size_t i = 0; i < ANSWERS; i++)
			owed[i] |= answers[i].asked == action.kind;
	}
	for (size_t i = 0; i < ANSWERS; i++)
		if (owed[i] && !r->done) {
			if (answers[i].answer == RUN_POWER_IS_ON)
				r->booted = false;
			say(r, answers[i].answer, NULL);
		}
}

/* ---- time ---- */

/* Lets timeouts fire that are due until then. */
static void pass(struct replay *r, int64_t until)
{
	int64_t due;

	while (!r->done && (due = run_deadline(r->run)) <= until) {
		if (due > r->now)
			r->now = due;
		say(r, RUN_TICK, NULL);
	}
	if (until > r->now)
		r->now = until;
}

/* A boot's first line comes after the machine's request. */
static void await_boot(struct replay *r)
{
	if (r->booted || run_phase(r->run) != RUN_BOOTED)
		return;
	r->booted = true;
	r->shifted = false;
	pass(r, r->now + REQUEST_MS);
	if (!r->done)
		say(r, RUN_DUT_REQUEST, "dhcp");
}

static void take_line(struct replay *r, const char *line, size_t n)
{
	size_t skip;
	int64_t when = replay_time(line, n, &skip);

	await_boot(r);
	if (when >= 0 && (!r->shifted || when + r->shift < r->now)) { /* a clock that begins anew: a reboot by the machine itself */
		r->shift = r->now + STEP_MS - when;
		r->shifted = true;
	}
	pass(r, when >= 0 ? when + r->shift : r->now + STEP_MS);
	if (r->done)
		return;
	r->out->console(r->out->owner, line + skip, n - skip);
	feed(r, &(struct run_event){.kind = RUN_CONSOLE_BYTES, .bytes = (const unsigned char *)line + skip, .n = n - skip});
}

/* ---- the whole ---- */

/* The console is silent: only timeouts are left. */
static void go_silent(struct replay *r)
{
	int64_t due;

	while (!r->done) {
		await_boot(r);
		due = run_deadline(r->run);
		if (due == INT64_MAX)
			say(r, RUN_CANCEL, "the log ended, and nothing more would end the job");
		else
			pass(r, due);
	}
}

void replay(struct run *run, const char *log, size_t n, const struct replay_out *out)
{
	struct replay r = {.run = run, .out = out};

	say(&r, RUN_START, NULL);
	while (n && !r.done) {
		const char *end = memchr(log, '\n', n);
		size_t len = end ? (size_t)(end - log) + 1 : n;

		take_line(&r, log, len);
		log += len;
		n -= len;
	}
	go_silent(&r);
}
