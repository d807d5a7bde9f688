#include "executord/child.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the process ended with; an adopted one is not ours to wait for. */
static int reap(struct child *child, char *how, size_t size)
{
	int status = 0;

	if (child->adopted || waitpid(child->pid, &status, WNOHANG) != child->pid) {
		snprintf(how, size, "ended");
		return -1;
	}
	if (WIFSIGNALED(status)) {
		snprintf(how, size, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
		return -1;
	}
	snprintf(how, size, "exit code %d", WEXITSTATUS(status));
	return WEXITSTATUS(status);
}

void child_forget(struct child *child)
{
	if (!child->pid)
		return;
	loop_fd_finish(&child->watch);
	close(child->pidfd);
	child->pid = 0;
}

static void on_end(void *data, int events)
{
	struct child *child = data;
	char how[64];
	int code = reap(child, how, sizeof(how));

	child_forget(child);
	child->ended(child, how, code);
}

static bool watch(struct child *child, struct loop *loop, pid_t pid, bool adopted, struct gw_error *err)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (fd < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "process %d cannot be watched", (int)pid);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (!loop_fd_start(loop, &child->watch, fd, UV_READABLE, on_end, child, err)) {
		close(fd);
		return false;
	}
	child->pid = pid;
	child->pidfd = fd;
	child->adopted = adopted;
	return true;
}

static void pass(int fd)
{
	char pid[16];

	if (fd == 3)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, 3);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "1", 1);
	setenv("LISTEN_FDNAMES", "connection", 1);
}

/* To whom it says that it is alive, and how often. Not what our own starter has told us. */
static void tell_watchdog(const struct child *child)
{
	char text[32];

	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (!child->notify)
		return;
	setenv("NOTIFY_SOCKET", child->notify, 1);
	if (!child->watchdog_us)
		return;
	snprintf(text, sizeof(text), "%" PRIu64, child->watchdog_us);
	setenv("WATCHDOG_USEC", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("WATCHDOG_PID", text, 1);
}

/* In the new process. */
static void become(const struct child *child, const char *path, const char *const *arguments, int passed)
{
	const char *argv[16] = {path};
	sigset_t none;

	for (int i = 0; arguments && arguments[i] && i < 14; i++)
		argv[i + 1] = arguments[i];
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (passed >= 0)
		pass(passed);
	for (size_t i = 0; child->without && child->without[i]; i++)
		unsetenv(child->without[i]);
	tell_watchdog(child);
	execv(path, (char *const *)argv);
	fprintf(stderr, "%s: cannot be started: %s\n", path, strerror(errno));
	_exit(127);
}

bool child_start(struct child *child, struct loop *loop, const char *path, const char *const *arguments, int passed, struct gw_error *err)
{
	pid_t pid;

	gw_assert(!child->pid);
	pid = fork();
	if (pid < 0)
		return gw_fail_errno(err, GW_INTERNAL, errno, "%s: cannot be started", path);
	if (pid == 0)
		become(child, path, arguments, passed);
	if (watch(child, loop, pid, false, err))
		return true;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return false;
}

bool child_adopt(struct child *child, struct loop *loop, pid_t pid, struct gw_error *err)
{
	gw_assert(!child->pid);
	return watch(child, loop, pid, true, err);
}

void child_signal(const struct child *child, int number)
{
	if (child->pid)
		syscall(SYS_pidfd_send_signal, child->pidfd, number, NULL, 0);
}
