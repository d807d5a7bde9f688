/* Members say that they are alive (notify.h); what is silent for too long is killed, and started again as what has died. */
#include <signal.h>

#include "executord/supervise_internal.h"
#include "libgateway/log.h"

uint64_t watchdog_ms(const struct supervisor *s)
{
	return (uint64_t)(env_number(s->env, OPT_EXECUTOR_WATCHDOG) * 1000);
}

static const char *name_of(const struct member *m)
{
	return m->name ? m->name : "jobd";
}

static void on_silence(void *data)
{
	struct member *m = data;

	notify_read(&m->supervisor->notify); /* if it was we who were stopped, what was said meanwhile waits there */
	if (loop_timer_active(&m->silence))
		return;
	log_error("%s: process %d is stuck: it has not said for %g s that it is alive; it is killed", name_of(m), (int)m->child.pid,
		  (double)(loop_now_ms(&m->supervisor->loop) - m->heard_at) / 1000);
	m->was_silent = true;
	child_signal(&m->child, SIGKILL);
}

void watchdog_expect(struct member *m, uint64_t ms)
{
	m->heard_at = loop_now_ms(&m->supervisor->loop);
	if (watchdog_ms(m->supervisor))
		loop_timer_start(&m->supervisor->loop, &m->silence, ms, on_silence, m);
}

static struct member *member_of(struct supervisor *s, pid_t pid)
{
	struct member *m = s->jobds;

	for (size_t i = 0; i < SUPERVISED; i++)
		if (s->members[i].child.pid == pid)
			return &s->members[i];
	while (m && m->child.pid != pid)
		m = m->next_jobd;
	return m;
}

/* What was taken over may have been told another interval: it is given some more. */
static uint64_t interval_of(const struct member *m)
{
	return watchdog_ms(m->supervisor) + (m->child.adopted ? START_PATIENCE_MS : 0);
}

void watchdog_on_said(void *data, pid_t pid, const char *text)
{
	struct supervisor *s = data;
	struct member *m = member_of(s, pid);

	if (!m || s->stage != RUNNING)
		return;
	if (notify_has(text, "READY=1") && !m->ready_at)
		m->ready_at = loop_now_ms(&s->loop);
	if (notify_has(text, "STOPPING=1"))
		watchdog_expect(m, m->name ? DAEMON_PATIENCE_MS : JOBD_PATIENCE_MS);
	else
		watchdog_expect(m, interval_of(m));
}

void watchdogs_stop(struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISED; i++)
		loop_timer_stop(&s->members[i].silence);
	for (struct member *m = s->jobds; m; m = m->next_jobd)
		loop_timer_stop(&m->silence);
}
