#include "executord/supervise.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "executord/child.h"
#include "executord/notify.h"
#include "libgateway/ended.h"
#include "libgateway/files.h"
#include "libgateway/log.h"
#include "libgateway/loop.h"

#define EXIT_BAD_CONFIGURATION 2
#define EARLY_MS               1000  /* of an end, behind readiness: then the next start waits */
#define START_PATIENCE_MS      60000 /* until it is first heard of */
#define NOTHING_TO_DO_MS       5000  /* exit code 0 so soon: it is not needed here; later: somebody stopped it */
#define JOBD_PATIENCE_MS       60000 /* for a job's teardown, before its jobd is killed */
#define DAEMON_PATIENCE_MS     10000

static const struct {
	const char *name;
	bool is_built;
} daemons[] = {{"executord", true}, {"bootsd", true},  {"pdud", true},    {"saladd", true},
	       {"artifactd", true}, {"gitlabd", true}, {"bucketd", false}};
#define DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

/* Ends come in this order, each waited for: jobd needs all the others to end its job, executord needs pdud. */
enum stage { RUNNING, STOP_JOBDS, STOP_EXECUTORD, STOP_DAEMONS, STOPPED };

struct member {             /* a daemon, or a jobd */
	struct child child; /* first: what child_ended is given */
	struct supervisor *supervisor;
	const char *name;          /* of a daemon; NULL: a jobd */
	uint64_t started_at;       /* loop_now_ms */
	uint64_t ready_at;         /* likewise; 0: it has not said so */
	uint64_t heard_at;         /* likewise */
	unsigned back_off_ms;      /* 0: start again at once */
	struct loop_timer again;   /* starts it after its back-off */
	struct loop_timer silence; /* kills it unless it is heard of before */
	bool was_silent;           /* it was killed for that */
	struct member *next_jobd;  /* in supervisor.jobds */
};

struct supervisor {
	const struct env *env;
	struct loop loop;
	struct file_lock lock;
	struct notify notify; /* where they say that they are alive */
	struct member members[DAEMONS];
	struct member *jobds; /* owned */
	int listen_fd;        /* RUNTIME/jobd.sock; 0: not open */
	struct loop_fd listener;
	enum stage stage;
	struct loop_timer patience; /* of the stage */
	struct gw_error *err;       /* why it all ends, if a child refused its configuration */
};

static void member_start(struct member *m);
static void stage_next(struct supervisor *s);
static void stop(struct supervisor *s);

static void on_again(void *data)
{
	member_start(data);
}

/* ---- the watchdog ---- */

static uint64_t watchdog_ms(const struct supervisor *s)
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

/* It is to be heard of within `ms`. */
static void expect(struct member *m, uint64_t ms)
{
	m->heard_at = loop_now_ms(&m->supervisor->loop);
	if (watchdog_ms(m->supervisor))
		loop_timer_start(&m->supervisor->loop, &m->silence, ms, on_silence, m);
}

static struct member *member_of(struct supervisor *s, pid_t pid)
{
	struct member *m = s->jobds;

	for (size_t i = 0; i < DAEMONS; i++)
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

static void on_said(void *data, pid_t pid, const char *text)
{
	struct supervisor *s = data;
	struct member *m = member_of(s, pid);

	if (!m || s->stage != RUNNING)
		return;
	if (notify_has(text, "READY=1") && !m->ready_at)
		m->ready_at = loop_now_ms(&s->loop);
	if (notify_has(text, "STOPPING=1"))
		expect(m, m->name ? DAEMON_PATIENCE_MS : JOBD_PATIENCE_MS);
	else
		expect(m, interval_of(m));
}

/* A stage's patience counts from now on. */
static void watchdogs_stop(struct supervisor *s)
{
	for (size_t i = 0; i < DAEMONS; i++)
		loop_timer_stop(&s->members[i].silence);
	for (struct member *m = s->jobds; m; m = m->next_jobd)
		loop_timer_stop(&m->silence);
}

static bool start_member(struct member *m, const char *name, int passed, struct gw_error *err)
{
	struct supervisor *s = m->supervisor;
	char *path = env_program_path(name, name);
	bool ok;

	m->child.notify = s->notify.path;
	m->child.watchdog_us = watchdog_ms(s) * 1000;
	m->was_silent = false;
	m->ready_at = 0;
	m->started_at = loop_now_ms(&s->loop);
	ok = child_start(&m->child, &s->loop, path, NULL, passed, err);
	if (ok)
		expect(m, START_PATIENCE_MS + watchdog_ms(s));
	free(path);
	return ok;
}

/* ---- a start ---- */

/* The holder of the daemon's lock is the daemon, whoever started it. */
static bool adopt(struct member *m, const char *lock_name)
{
	char *path = env_runtime_path(m->supervisor->env, "%s", lock_name);
	pid_t pid = file_lock_holder(path);
	struct gw_error err = {0};
	bool ok = pid > 0 && child_adopt(&m->child, &m->supervisor->loop, pid, &err);

	if (ok) {
		m->started_at = m->ready_at = loop_now_ms(&m->supervisor->loop);
		log_info("%s: process %d is taken over", lock_name, (int)pid);
	}
	free(path);
	return ok;
}

static void member_start_again(struct member *m)
{
	if (m->back_off_ms)
		loop_timer_start(&m->supervisor->loop, &m->again, m->back_off_ms, on_again, m);
	else
		member_start(m);
}

static void member_start(struct member *m)
{
	char lock_name[64];
	struct gw_error err = {0};

	snprintf(lock_name, sizeof(lock_name), "%s.lock", m->name);
	if (adopt(m, lock_name))
		return;
	if (start_member(m, m->name, -1, &err)) {
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

static void daemon_ended(struct child *child, const char *how, int exit_code)
{
	struct member *m = (struct member *)child;
	struct supervisor *s = m->supervisor;

	loop_timer_stop(&m->silence);
	if (s->stage != RUNNING) {
		log_info("%s: %s", m->name, how);
		stage_next(s);
	} else if (exit_code == EXIT_BAD_CONFIGURATION) {
		gw_fail(s->err, GW_BAD_INPUT, "%s refused its configuration (its message is above), so all is stopped", m->name);
		stop(s);
	} else if (exit_code == 0 && loop_now_ms(&s->loop) - m->started_at < NOTHING_TO_DO_MS) {
		log_info("%s: %s: it has nothing to do here", m->name, how);
	} else {
		note_end(m, how);
		log_warning("%s: %s; it is started again%s", m->name, how, m->back_off_ms ? " soon" : "");
		member_start_again(m);
	}
}

static void jobd_forget(struct supervisor *s, struct member *m)
{
	struct member **at = &s->jobds;

	while (*at != m)
		at = &(*at)->next_jobd;
	*at = m->next_jobd;
	loop_timer_finish(&m->silence);
	free(m);
}

static void jobd_ended(struct child *child, const char *how, int exit_code)
{
	struct member *m = (struct member *)child;
	struct supervisor *s = m->supervisor;

	if (exit_code == 0)
		log_debug("jobd: %s", how);
	else
		log_warning("jobd: %s", how);
	jobd_forget(s, m);
	if (s->stage != RUNNING)
		stage_next(s);
}

/* ---- jobds ---- */

static struct member *jobd_new(struct supervisor *s)
{
	struct member *m = gw_calloc(1, sizeof(*m));

	m->supervisor = s;
	m->child.ended = jobd_ended;
	m->next_jobd = s->jobds;
	s->jobds = m;
	return m;
}

static void on_connection(void *data, int events)
{
	struct supervisor *s = data;
	int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct member *m;
	struct gw_error err = {0};

	if (fd < 0)
		return;
	m = jobd_new(s);
	if (!start_member(m, "jobd", fd, &err)) {
		log_failure("standalone", &err);
		jobd_forget(s, m);
	}
	close(fd);
}

static bool listen_for_jobs(struct supervisor *s, struct gw_error *err)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	char *path = env_runtime_path(s->env, "jobd.sock");
	bool ok = strlen(path) < sizeof(where.sun_path);

	if (!ok) {
		gw_fail(err, GW_BAD_INPUT, "EXECUTOR_RUNTIME_DIR: %s is too long for a socket's name", path);
	} else {
		strcpy(where.sun_path, path);
		unlink(path); /* a killed supervisor's: we hold its lock */
		s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		ok = s->listen_fd >= 0 && bind(s->listen_fd, (struct sockaddr *)&where, sizeof(where)) == 0 && chmod(path, 0660) == 0 &&
		     listen(s->listen_fd, 64) == 0;
		if (!ok)
			gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: cannot listen", path);
	}
	free(path);
	return ok && loop_fd_start(&s->loop, &s->listener, s->listen_fd, UV_READABLE, on_connection, s, err);
}

static void stop_listening(struct supervisor *s)
{
	char *path = env_runtime_path(s->env, "jobd.sock");

	loop_fd_finish(&s->listener);
	if (s->listen_fd > 0) {
		close(s->listen_fd);
		unlink(path);
	}
	s->listen_fd = 0;
	free(path);
}

/* Calls `each` with the name of the lock of each jobd that there is or was. */
static void each_jobd_lock(struct supervisor *s, void (*each)(struct supervisor *s, const char *lock_name))
{
	DIR *dir = opendir(env_text(s->env, OPT_EXECUTOR_RUNTIME_DIR));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		if (strncmp(entry->d_name, "jobd-", 5) == 0 && dot && strcmp(dot, ".lock") == 0)
			each(s, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* What a jobd that was killed has left. */
static void sweep_jobd(struct supervisor *s, const char *lock_name)
{
	char *lock = env_runtime_path(s->env, "%s", lock_name);
	char *socket_path = env_runtime_path(s->env, "%.*s.bus", (int)strcspn(lock_name, "."), lock_name);

	if (!file_lock_holder(lock)) {
		unlink(socket_path);
		unlink(lock);
	}
	free(socket_path);
	free(lock);
}

/* The jobds of a supervisor that was killed carry their jobs on. */
static void adopt_jobd(struct supervisor *s, const char *lock_name)
{
	struct member *m = jobd_new(s);

	if (!adopt(m, lock_name)) {
		jobd_forget(s, m);
		sweep_jobd(s, lock_name);
	}
}

/* ---- the end of it all ---- */

static bool stage_is_over(const struct supervisor *s)
{
	size_t from = s->stage == STOP_EXECUTORD ? 0 : 1, to = s->stage == STOP_EXECUTORD ? 1 : DAEMONS;

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
		for (size_t i = 1; i < DAEMONS; i++)
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

static void stage_next(struct supervisor *s)
{
	while (s->stage < STOPPED && stage_is_over(s)) {
		s->stage++;
		if (s->stage < STOPPED)
			stage_begin(s);
	}
	if (s->stage == STOPPED)
		loop_stop(&s->loop);
}

static void stop(struct supervisor *s)
{
	stop_listening(s);
	watchdogs_stop(s);
	for (size_t i = 0; i < DAEMONS; i++)
		loop_timer_stop(&s->members[i].again);
	s->stage = STOP_JOBDS;
	stage_begin(s);
	stage_next(s);
}

static void on_stop(void *data)
{
	struct supervisor *s = data;

	log_info("standalone: stopping");
	if (s->stage == RUNNING)
		stop(s);
}

/* ---- the beginning ---- */

static bool is_wanted(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += len)
		if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' '))
			return true;
	return false;
}

/* EXECUTOR_STANDALONE_DAEMONS: every word must be a daemon that is built. */
static bool check_list(const char *list, struct gw_error *err)
{
	char *copy = gw_strdup(list), *rest = copy, *word;
	bool ok = true;

	while (ok && (word = strtok_r(rest, " ", &rest))) {
		size_t i = 1;
		while (i < DAEMONS && strcmp(daemons[i].name, word) != 0)
			i++;
		if (i == DAEMONS)
			ok = gw_fail(err, GW_BAD_INPUT,
				     "EXECUTOR_STANDALONE_DAEMONS: '%.64s' is not a daemon; accepted: bootsd pdud saladd artifactd gitlabd",
				     word);
		else if (!daemons[i].is_built)
			ok = gw_fail(err, GW_BAD_INPUT, "EXECUTOR_STANDALONE_DAEMONS: %s is not built yet", word);
	}
	free(copy);
	return ok;
}

static bool make_folders(const struct env *env, struct gw_error *err)
{
	return dir_make(env_text(env, OPT_EXECUTOR_RUNTIME_DIR), 0750, err) && dir_make(env_text(env, OPT_EXECUTOR_STATE_DIR), 0750, err);
}

static bool take_lock(struct supervisor *s, struct gw_error *err)
{
	char *path = env_runtime_path(s->env, "supervisor.lock");
	bool ok = file_lock_take(&s->lock, path, err);

	free(path);
	return ok;
}

static bool listen_for_signs(struct supervisor *s, struct gw_error *err)
{
	char *path = env_runtime_path(s->env, "supervisor.notify");
	bool ok = notify_start(&s->notify, &s->loop, path, on_said, s, err);

	free(path);
	return ok;
}

static void start_all(struct supervisor *s)
{
	const char *list = env_text(s->env, OPT_EXECUTOR_STANDALONE_DAEMONS);

	each_jobd_lock(s, adopt_jobd);
	for (size_t i = 0; i < DAEMONS; i++) {
		struct member *m = &s->members[i];
		m->name = daemons[i].name;
		m->supervisor = s;
		m->child.ended = daemon_ended;
		if (i == 0 || (list ? is_wanted(list, m->name) : daemons[i].is_built))
			member_start(m);
	}
}

static void supervisor_finish(struct supervisor *s)
{
	for (size_t i = 0; i < DAEMONS; i++) {
		child_signal(&s->members[i].child, SIGTERM); /* a second Ctrl-C: nobody is waited for */
		child_forget(&s->members[i].child);
		loop_timer_finish(&s->members[i].again);
		loop_timer_finish(&s->members[i].silence);
	}
	while (s->jobds) {
		child_signal(&s->jobds->child, SIGTERM);
		child_forget(&s->jobds->child);
		jobd_forget(s, s->jobds);
	}
	loop_timer_finish(&s->patience);
	stop_listening(s);
	notify_finish(&s->notify);
	loop_finish(&s->loop);
	file_lock_finish(&s->lock);
}

bool supervise_check(const struct env *env, struct gw_error *err)
{
	const char *list = env_text(env, OPT_EXECUTOR_STANDALONE_DAEMONS);

	return !list || check_list(list, err);
}

bool supervise_run(const struct env *env, struct gw_error *err)
{
	struct supervisor s = {.env = env, .err = err};

	if (supervise_check(env, err) && make_folders(env, err) && loop_init(&s.loop, err) && take_lock(&s, err) &&
	    listen_for_jobs(&s, err) && listen_for_signs(&s, err)) {
		loop_on_stop(&s.loop, on_stop, &s);
		start_all(&s);
		loop_run_until_stopped(&s.loop, err);
		each_jobd_lock(&s, sweep_jobd);
	}
	supervisor_finish(&s);
	return err->kind == GW_OK;
}
