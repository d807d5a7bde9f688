#include "executord/jobd_pool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "executord/executord.h"
#include "libgateway/files.h"
#include "libgateway/log.h"

#define START_PATIENCE_MS 5000 /* then another one is started, and after STARTS_MAX it is said that none can be */
#define STARTS_MAX        3
#define RETRY_MS          1000
#define LEAVE_PATIENCE_MS 15000 /* of a jobd whose job is over; it takes 5 s itself */
#define NEXT_SPARE_MS     200   /* a process start takes the CPU that the job which took the last spare needs now */

struct jobd_link {
	struct executord *ex;
	int fd;
	struct loop_fd watch;
	struct loop_timer patience; /* for the hello */
	bool late;                  /* it is over, and no jobd has said hello since */
	struct jobd_link *next;
};

/* ---- starting one ---- */

static void link_close(struct executord *ex, struct jobd_link *link)
{
	struct jobd_link **at = &ex->pool.links;

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	if (ex->pool.awaited == link)
		ex->pool.awaited = NULL;
	loop_timer_finish(&link->patience);
	loop_fd_finish(&link->watch);
	close(link->fd);
	free(link);
}

static void on_retry(void *data)
{
	jobd_pool_fill(data);
}

static void start_failed(struct executord *ex, const char *why)
{
	if (!ex->pool.failing)
		log_warning("no jobd can be started, so jobs wait: %s; tried again every second", why);
	ex->pool.failing = true;
	loop_timer_start(&ex->loop, &ex->pool.retry, RETRY_MS, on_retry, ex);
	jobs_on_no_jobd(ex, why);
}

static void on_link(void *data, int events)
{
	struct jobd_link *link = data;
	struct executord *ex = link->ex;
	bool awaited = ex->pool.awaited == link;
	char byte;

	if (recv(link->fd, &byte, 1, MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	link_close(ex, link);
	if (awaited)
		start_failed(ex, "the connection to RUNTIME/jobd.sock ended before a jobd said hello");
}

/* Ends those that never said hello, should they live. */
static void close_late(struct executord *ex)
{
	struct jobd_link *next;

	for (struct jobd_link *link = ex->pool.links; link; link = next) {
		next = link->next;
		if (link->late)
			link_close(ex, link);
	}
}

static void late_is_over(struct executord *ex)
{
	ex->pool.late = 0;
	for (struct jobd_link *link = ex->pool.links; link; link = link->next)
		link->late = false;
}

static void start_one(struct executord *ex);

/* A machine that is busy starts slowly, so the first is as welcome as ever; but it may hang. */
static void on_impatience(void *data)
{
	struct jobd_link *link = data;
	struct executord *ex = link->ex;

	link->late = true;
	if (++ex->pool.late < STARTS_MAX) {
		start_one(ex);
		return;
	}
	ex->pool.late = 0;
	close_late(ex);
	start_failed(ex, "none said hello within 15 s");
}

static int connect_to_listener(struct executord *ex, struct gw_error *err)
{
	struct sockaddr_un where = {.sun_family = AF_UNIX};
	char *path = env_runtime_path(&ex->env, "jobd.sock");
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(where.sun_path, sizeof(where.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s", path);
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

static void start_one(struct executord *ex)
{
	struct gw_error err = {0};
	struct jobd_link *link;
	int fd = connect_to_listener(ex, &err);

	if (fd < 0) {
		start_failed(ex, err.text);
		return;
	}
	link = gw_calloc(1, sizeof(*link));
	link->ex = ex;
	link->fd = fd;
	link->next = ex->pool.links;
	ex->pool.links = link;
	ex->pool.awaited = link;
	loop_timer_start(&ex->loop, &link->patience, START_PATIENCE_MS, on_impatience, link);
	if (!loop_fd_start(&ex->loop, &link->watch, fd, UV_READABLE, on_link, link, &err)) {
		link_close(ex, link);
		start_failed(ex, err.text);
	}
}

static bool has_spare(const struct jobd_pool *pool)
{
	for (const struct jobd *jobd = pool->all; jobd; jobd = jobd->next)
		if (!jobd->job && !jobd->leaving && !jobd->unheard)
			return true;
	return false;
}

void jobd_pool_fill(struct executord *ex)
{
	struct jobd_pool *pool = &ex->pool;

	if (pool->stopped || pool->awaited || loop_timer_active(&pool->retry) || loop_timer_active(&pool->next) || has_spare(pool))
		return;
	start_one(ex);
}

/* ---- those that are there ---- */

struct jobd *jobd_pool_find(struct executord *ex, const char *name)
{
	struct jobd *jobd = ex->pool.all;

	while (jobd && strcmp(jobd->name, name) != 0)
		jobd = jobd->next;
	return jobd;
}

static void drop(struct executord *ex, struct jobd *jobd)
{
	struct jobd **at = &ex->pool.all;

	while (*at != jobd)
		at = &(*at)->next;
	*at = jobd->next;
	bus_unwatch(&ex->bus, jobd->name);
	loop_timer_finish(&jobd->patience);
	loop_fd_finish(&jobd->watch);
	close(jobd->pidfd);
	free(jobd);
}

/* What a killed one leaves: nobody else takes its name. By its process, which is known, not by what it says its name is. */
static void remove_files(const struct executord *ex, pid_t pid)
{
	static const char *const ends[] = {"bus", "lock"};

	for (size_t i = 0; i < 2; i++) {
		char *path = env_runtime_path(&ex->env, "jobd-%d.%s", (int)pid, ends[i]);
		file_remove(path, NULL);
		free(path);
	}
}

static void on_death(void *data, int events)
{
	struct jobd *jobd = data;
	struct executord *ex = jobd->ex;
	struct job *job = jobd->job;
	bool expected = jobd->leaving || jobd->unheard;
	char why[128];

	snprintf(why, sizeof(why), "its jobd (%s) died", jobd->name);
	remove_files(ex, jobd->pid);
	drop(ex, jobd);
	if (job)
		jobs_on_jobd_gone(ex, job, why);
	else if (!expected)
		log_warning("a spare jobd died");
	jobs_on_jobd_heard(ex);
	jobd_pool_fill(ex);
}

static void on_peer(void *owner, const char *peer, enum bus_peer_event what)
{
	struct executord *ex = owner;
	struct jobd *jobd = jobd_pool_find(ex, peer);

	if (!jobd || what == BUS_PEER_GAP)
		return;
	jobd->up = what == BUS_PEER_UP;
	if (jobd->up)
		jobs_on_jobd_up(ex, jobd->job);
}

struct jobd *jobd_pool_add(struct executord *ex, const char *name, pid_t pid, bool spare, struct gw_error *err)
{
	struct jobd *jobd = jobd_pool_find(ex, name);
	int pidfd;

	if (jobd)
		return jobd;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		gw_fail_errno(err, GW_UNREACHABLE, errno, "%s: its process %d cannot be watched", name, (int)pid);
		return NULL;
	}
	fcntl(pidfd, F_SETFD, FD_CLOEXEC);
	jobd = gw_calloc(1, sizeof(*jobd));
	jobd->ex = ex;
	jobd->pid = pid;
	jobd->pidfd = pidfd;
	snprintf(jobd->name, sizeof(jobd->name), "%s", name);
	jobd->next = ex->pool.all;
	ex->pool.all = jobd;
	if (!loop_fd_start(&ex->loop, &jobd->watch, pidfd, UV_READABLE, on_death, jobd, err)) {
		drop(ex, jobd);
		return NULL;
	}
	bus_watch(&ex->bus, name, on_peer, ex);
	if (spare && ex->pool.awaited) {
		loop_timer_stop(&ex->pool.awaited->patience);
		ex->pool.awaited = NULL;
		late_is_over(ex);
	}
	ex->pool.failing = false;
	return jobd;
}

struct jobd *jobd_pool_take(struct executord *ex, struct job *job)
{
	struct jobd *jobd = ex->pool.all;

	while (jobd && (jobd->job || !jobd->up || jobd->leaving || jobd->unheard))
		jobd = jobd->next;
	if (!jobd) { /* that job waits: at once */
		loop_timer_stop(&ex->pool.next);
		jobd_pool_fill(ex);
		return NULL;
	}
	jobd->job = job;
	loop_timer_start(&ex->loop, &ex->pool.next, NEXT_SPARE_MS, on_retry, ex);
	return jobd;
}

void jobd_pool_give_back(struct executord *ex, struct jobd *jobd)
{
	if (jobd)
		jobd->job = NULL;
}

/* ---- their ends ---- */

/* Of another user where the units say so: then its unit's watchdog ends it. */
void jobd_pool_kill(struct executord *ex, struct jobd *jobd, const char *why)
{
	if (!jobd)
		return;
	jobd->leaving = true;
	if (syscall(SYS_pidfd_send_signal, jobd->pidfd, SIGKILL, NULL, 0) == 0)
		log_warning("%s is killed: %s", jobd->name, why);
	else if (errno != ESRCH)
		log_error("%s must end and cannot be killed: %s: %s", jobd->name, strerror(errno), why);
}

static void on_leave_patience(void *data)
{
	struct jobd *jobd = data;

	jobd_pool_kill(jobd->ex, jobd, "its job is over and it does not end");
}

void jobd_pool_dismiss(struct executord *ex, struct jobd *jobd)
{
	if (!jobd)
		return;
	jobd->job = NULL;
	jobd->leaving = true;
	loop_timer_start(&ex->loop, &jobd->patience, LEAVE_PATIENCE_MS, on_leave_patience, jobd);
}

/* ---- those of an executord before ---- */

static void find_one(struct executord *ex, const char *lock_name)
{
	char name[65], *path = env_runtime_path(&ex->env, "%s", lock_name);
	pid_t pid = file_lock_holder(path);
	struct gw_error err = {0};
	struct jobd *jobd;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(lock_name, "."), lock_name);
	if (pid > 0 && !jobd_pool_find(ex, name)) {
		jobd = jobd_pool_add(ex, name, pid, false, &err);
		if (jobd)
			jobd->unheard = true;
	}
	free(path);
}

void jobd_pool_find_living(struct executord *ex)
{
	DIR *dir = opendir(env_text(&ex->env, OPT_EXECUTOR_RUNTIME_DIR));
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');

		if (strncmp(entry->d_name, "jobd-", 5) == 0 && dot && strcmp(dot, ".lock") == 0)
			find_one(ex, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

/* An old spare ends by itself: the connection that wanted it has. */
void jobd_pool_hear(struct executord *ex, const char *name)
{
	struct jobd *jobd = jobd_pool_find(ex, name);

	if (!jobd || !jobd->unheard)
		return;
	jobd->unheard = false;
	jobd->leaving = !jobd->job;
}

bool jobd_pool_has_unheard(const struct executord *ex)
{
	for (const struct jobd *jobd = ex->pool.all; jobd; jobd = jobd->next)
		if (jobd->unheard)
			return true;
	return false;
}

void jobd_pool_kill_unheard(struct executord *ex)
{
	for (struct jobd *jobd = ex->pool.all; jobd; jobd = jobd->next)
		if (jobd->unheard) {
			jobd_pool_kill(ex, jobd, "it outlived an executord and does not say what it carries");
			jobd->unheard = false;
		}
}

void jobd_pool_finish(struct executord *ex)
{
	ex->pool.stopped = true;
	while (ex->pool.all)
		drop(ex, ex->pool.all);
	while (ex->pool.links)
		link_close(ex, ex->pool.links);
	loop_timer_finish(&ex->pool.retry);
	loop_timer_finish(&ex->pool.next);
}
