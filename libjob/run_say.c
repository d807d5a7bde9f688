/* A run's actions: a queue, filled by run_event and taken by run_next_action. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libjob/run_internal.h"

const char *const run_action_names[RUN_ACTIONS] = {
	[RUN_DO_CONNECT_CLIENT] = "CONNECT_CLIENT",
	[RUN_DO_TAKE_LEASE] = "TAKE_LEASE",
	[RUN_DO_FETCH] = "FETCH",
	[RUN_DO_POWER_OFF] = "POWER_OFF",
	[RUN_DO_POWER_ON] = "POWER_ON",
	[RUN_DO_DEPLOY] = "DEPLOY",
	[RUN_DO_RESET_CONSOLE] = "RESET_CONSOLE",
	[RUN_DO_CTRL] = "CTRL",
	[RUN_DO_SESSION_END] = "SESSION_END",
	[RUN_DO_CLOSE_CLIENT] = "CLOSE_CLIENT",
	[RUN_DO_WITHDRAW] = "WITHDRAW",
	[RUN_DO_LEARN] = "LEARN",
	[RUN_DO_ALARM] = "ALARM",
	[RUN_DO_RELEASE_LEASE] = "RELEASE_LEASE",
	[RUN_DO_DONE] = "DONE",
};

const char *run_text_of(const struct run_event *event)
{
	return event->text ? event->text : "no reason was given";
}

/* Takes `text` and `metadata`. */
static void push(struct run *run, struct run_action action, char *text, char *metadata)
{
	if (run->n_queue == run->queue_size) {
		run->queue_size = run->queue_size ? 2 * run->queue_size : 16;
		run->queue = gw_realloc(run->queue, run->queue_size * sizeof(*run->queue));
	}
	action.text = text;
	action.metadata = metadata;
	run->queue[run->n_queue++] = (struct run_queued){action, text, metadata};
}

void run_do(struct run *run, enum run_action_kind kind)
{
	push(run, (struct run_action){.kind = kind}, NULL, NULL);
}

void run_do_text(struct run *run, enum run_action_kind kind, const char *text)
{
	push(run, (struct run_action){.kind = kind}, gw_strdup(text), NULL);
}

void run_do_boot(struct run *run, unsigned boot)
{
	push(run, (struct run_action){.kind = RUN_DO_DEPLOY, .boot = boot}, NULL, NULL);
}

void run_do_status(struct run *run, enum run_action_kind kind, enum run_status status)
{
	push(run, (struct run_action){.kind = kind, .status = status}, gw_strdup(run->reason), NULL);
}

void run_do_learn(struct run *run, int seconds)
{
	push(run, (struct run_action){.kind = RUN_DO_LEARN, .seconds = seconds}, NULL, NULL);
}

static char *printed(cJSON *metadata)
{
	char *text = metadata ? cJSON_PrintUnformatted(metadata) : NULL;

	cJSON_Delete(metadata);
	return text ? text : gw_strdup("{}");
}

void run_say(struct run *run, int severity, int tag, cJSON *metadata, const char *fmt, ...)
{
	int64_t ms = run->now - run->started;
	char *said = NULL, *text;
	va_list ap;

	if (run->session_ended) {
		cJSON_Delete(metadata);
		return;
	}
	va_start(ap, fmt);
	gw_assert(vasprintf(&said, fmt, ap) >= 0);
	va_end(ap);
	text = gw_sprintf("+%" PRId64 ".%03ds: %s\n", ms / 1000, (int)(ms % 1000), said);
	free(said);
	push(run, (struct run_action){.kind = RUN_DO_CTRL, .severity = severity, .tag = tag}, text, printed(metadata));
}

void run_forget_taken(struct run *run)
{
	for (size_t i = 0; i < run->head; i++) {
		free(run->queue[i].text);
		free(run->queue[i].metadata);
	}
	if (run->head)
		memmove(run->queue, run->queue + run->head, (run->n_queue - run->head) * sizeof(*run->queue));
	run->n_queue -= run->head;
	run->head = 0;
}

void run_forget_queue(struct run *run)
{
	run->head = run->n_queue;
	run_forget_taken(run);
	free(run->queue);
}

bool run_next_action(struct run *run, struct run_action *action)
{
	if (run->head == run->n_queue)
		return false;
	*action = run->queue[run->head++].action;
	return true;
}
