/* A daemon's starts and ends. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "executord/supervise_internal.h"
#include "libgateway/ended.h"
#include "libgateway/log.h"

#define EXIT_BAD_CONFIGURATION 2
#define EARLY_MS               1000 /* of an end, behind readiness: then the next start waits */
#define NOTHING_TO_DO_MS       5000 /* exit code 0 so soon: it is not needed here; later: somebody stopped it */

/* ---- a start ---- */

/* As the units have it (systemd/environment.in): the bucket service's own password is for bucketd alone. */
static const char *const of_bucketd[] = {"MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD", NULL};

bool member_spawn(struct member *m, const char *name, int passed, struct gw_error *err)
{
	struct supervisor *s = m->supervisor;
	char *path = env_program_path(name, name);
	bool ok;

	m->child.without = strcmp(name, "bucketd") == 0 ? NULL : of_bucketd;
	m->child.notify = s->notify.path;
	m->child.watchdog_us = watchdog_ms(s) * 1000;
	m->was_silent = false;
	m->ready_at = 0;
	m->started_at = loop_now_ms(&s->loop);
	ok = child_start(&m->child, &s->loop, path, NULL, passed, err);
	if (ok)
		watchdog_expect(m, START_PATIENCE_MS + watchdog_ms(s));
	free(path);
	return ok;
}

/* By its name as the kernel has it, which outlives a new version of its file. */
static bool process_is(pid_t pid, const char *name)
{
	char path[32], comm[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(comm, sizeof(comm), file))
		comm[0] = '\0';
	fclose(file);
	comm[strcspn(comm, "\n")] = '\0';
	return strcmp(comm, name) == 0;
}

/* The holder of the daemon's lock is the daemon, whoever started it; any other program there keeps the daemon from starting, which says so,
 * and is not ours to end. */
bool member_adopt(struct member *m, const char *lock_name)
{
	char *path = env_runtime_path(m->supervisor->env, "%s", lock_name);
	pid_t pid = file_lock_holder(path);
	struct gw_error err = {0};
	bool ok = pid > 0 && process_is(pid, m->name ? m->name : "jobd") && child_adopt(&m->child, &m->supervisor->loop, pid, &err);

	if (ok) {
		m->started_at = m->ready_at = loop_now_ms(&m->supervisor->loop);
		log_info("%s: process %d is taken over", lock_name, (int)pid);
	}
	free(path);
	return ok;
}

static void on_again(void *data)
{
	member_start(data);
}

static void member_start_again(struct member *m)
{
	if (m->back_off_ms)
		loop_timer_start(&m->supervisor->loop, &m->again, m->back_off_ms, on_again, m);
	else
		member_start(m);
}

void member_start(struct member *m)
{
	char lock_name[64];
	struct gw_error err = {0};

	snprintf(lock_name, sizeof(lock_name), "%s.lock", m->name);
	if (member_adopt(m, lock_name))
		return;
	if (member_spawn(m, m->name, -1, &err)) {
		log_info("%s: started as process %d", m->name, (int)m->child.pid);
		return;
	}
	log_failure("standalone", &err);
	m->back_off_ms = ENDED_BACK_OFF_MAX_MS;
	member_start_again(m);
}

/* ---- an end ---- */

/* How its next start waits, and what REST tells of it. */
static void note_end(struct member *m, const char *how)
{
	bool early = !m->ready_at || loop_now_ms(&m->supervisor->loop) - m->ready_at < EARLY_MS;
	struct gw_error err = {0};

	m->back_off_ms = ended_next_back_off(m->back_off_ms, early && !m->was_silent);
	if (!ended_note(env_text(m->supervisor->env, OPT_EXECUTOR_RUNTIME_DIR), m->name,
			m->was_silent ? "watchdog: it was silent for too long" : how, m->back_off_ms, &err))
		log_failure("standalone", &err);
}

void member_ended(struct child *child, const char *how, int exit_code)
{
	struct member *m = (struct member *)child;
	struct supervisor *s = m->supervisor;

	loop_timer_stop(&m->silence);
	if (s->stage != RUNNING) {
		log_info("%s: %s", m->name, how);
		stage_next(s);
	} else if (exit_code == EXIT_BAD_CONFIGURATION) {
		gw_fail(s->err, GW_BAD_INPUT, "%s refused its configuration (its message is above), so all is stopped", m->name);
		stages_begin(s);
	} else if (exit_code == 0 && loop_now_ms(&s->loop) - m->started_at < NOTHING_TO_DO_MS) {
		log_info("%s: %s: it has nothing to do here", m->name, how);
	} else {
		note_end(m, how);
		log_warning("%s: %s; it is started again%s", m->name, how, m->back_off_ms ? " soon" : "");
		member_start_again(m);
	}
}
