/* The end of it all: the jobds, executord, the other daemons, each waited for. */
#include <signal.h>

#include "executord/supervise_internal.h"
#include "libgateway/log.h"

static bool stage_is_over(const struct supervisor *s)
{
	size_t from = s->stage == STOP_EXECUTORD ? 0 : 1, to = s->stage == STOP_EXECUTORD ? 1 : SUPERVISED;

	if (s->stage == STOP_JOBDS)
		return !s->jobds;
	for (size_t i = from; i < to; i++)
		if (s->members[i].child.pid)
			return false;
	return true;
}

static void stage_signal(struct supervisor *s, int number)
{
	if (s->stage == STOP_JOBDS)
		for (struct member *m = s->jobds; m; m = m->next_jobd)
			child_signal(&m->child, number);
	if (s->stage == STOP_EXECUTORD)
		child_signal(&s->members[0].child, number);
	if (s->stage == STOP_DAEMONS)
		for (size_t i = 1; i < SUPERVISED; i++)
			child_signal(&s->members[i].child, number);
}

static void on_impatience(void *data)
{
	struct supervisor *s = data;

	log_error("standalone: what did not end in time is killed");
	stage_signal(s, SIGKILL);
}

static void stage_begin(struct supervisor *s)
{
	stage_signal(s, SIGTERM);
	loop_timer_start(&s->loop, &s->patience, s->stage == STOP_JOBDS ? JOBD_PATIENCE_MS : DAEMON_PATIENCE_MS, on_impatience, s);
}

void stage_next(struct supervisor *s)
{
	while (s->stage < STOPPED && stage_is_over(s)) {
		s->stage++;
		if (s->stage < STOPPED)
			stage_begin(s);
	}
	if (s->stage == STOPPED)
		loop_stop(&s->loop);
}

void stages_begin(struct supervisor *s)
{
	jobds_stop_listening(s);
	watchdogs_stop(s);
	for (size_t i = 0; i < SUPERVISED; i++)
		loop_timer_stop(&s->members[i].again);
	s->stage = STOP_JOBDS;
	stage_begin(s);
	stage_next(s);
}
