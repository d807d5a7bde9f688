#include "executord/supervise.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "executord/supervise_internal.h"
#include "libgateway/log.h"

static const char *const daemons[] = {"executord", "bootsd", "pdud", "saladd", "artifactd", "gitlabd", "bucketd"};
_Static_assert(sizeof(daemons) / sizeof(daemons[0]) == SUPERVISED, "one member a row");

static void on_stop(void *data)
{
	struct supervisor *s = data;

	log_info("standalone: stopping");
	if (s->stage == RUNNING)
		stages_begin(s);
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

/* EXECUTOR_STANDALONE_DAEMONS: every word must be a daemon. */
static bool check_list(const char *list, struct gw_error *err)
{
	char *copy = gw_strdup(list), *rest = copy, *word;
	bool ok = true;

	while (ok && (word = strtok_r(rest, " ", &rest))) {
		size_t i = 1;
		while (i < SUPERVISED && strcmp(daemons[i], word) != 0)
			i++;
		if (i == SUPERVISED)
			ok = gw_fail(err, GW_BAD_INPUT,
				     "EXECUTOR_STANDALONE_DAEMONS: '%.64s' is not a daemon; accepted: bootsd pdud saladd artifactd gitlabd "
				     "bucketd",
				     word);
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
	bool ok = notify_start(&s->notify, &s->loop, path, watchdog_on_said, s, err);

	free(path);
	return ok;
}

static void start_all(struct supervisor *s)
{
	const char *list = env_text(s->env, OPT_EXECUTOR_STANDALONE_DAEMONS);

	jobds_adopt(s);
	for (size_t i = 0; i < SUPERVISED; i++) {
		struct member *m = &s->members[i];
		m->name = daemons[i];
		m->supervisor = s;
		m->child.ended = member_ended;
		if (i == 0 || !list || is_wanted(list, m->name))
			member_start(m);
	}
}

static void supervisor_finish(struct supervisor *s)
{
	for (size_t i = 0; i < SUPERVISED; i++) {
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
	jobds_stop_listening(s);
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

	if (supervise_check(env, err) && make_folders(env, err) && loop_init(&s.loop, err) && take_lock(&s, err) && jobds_listen(&s, err) &&
	    listen_for_signs(&s, err)) {
		loop_on_stop(&s.loop, on_stop, &s);
		start_all(&s);
		loop_run_until_stopped(&s.loop, err);
		jobds_sweep(&s);
	}
	supervisor_finish(&s);
	return err->kind == GW_OK;
}
