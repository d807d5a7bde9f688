/* The jobds: one for whoever connects to RUNTIME/jobd.sock. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "executord/supervise_internal.h"
#include "libgateway/log.h"

void jobd_forget(struct supervisor *s, struct member *m)
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
	if (!member_spawn(m, "jobd", fd, &err)) {
		log_failure("standalone", &err);
		jobd_forget(s, m);
	}
	close(fd);
}

bool jobds_listen(struct supervisor *s, struct gw_error *err)
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

void jobds_stop_listening(struct supervisor *s)
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
static void each_lock(struct supervisor *s, void (*each)(struct supervisor *s, const char *lock_name))
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
static void sweep_one(struct supervisor *s, const char *lock_name)
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
static void adopt_one(struct supervisor *s, const char *lock_name)
{
	struct member *m = jobd_new(s);

	if (!member_adopt(m, lock_name)) {
		jobd_forget(s, m);
		sweep_one(s, lock_name);
	}
}

void jobds_adopt(struct supervisor *s)
{
	each_lock(s, adopt_one);
}

void jobds_sweep(struct supervisor *s)
{
	each_lock(s, sweep_one);
}
