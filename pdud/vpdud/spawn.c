#include "pdud/vpdud/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define FIRST_FD 3
#define FDS_MAX  8
#define SPARE_FD 100 /* above all that the child gets */

/* In the child: only async-signal-safe calls. First out of the way of 3, 4, ..., then into place, which also clears close-on-exec. */
static void place_fds(const int *fds, size_t n)
{
	int moved[FDS_MAX];

	for (size_t i = 0; i < n; i++)
		moved[i] = fds[i] < 0 ? -1 : fcntl(fds[i], F_DUPFD_CLOEXEC, SPARE_FD);
	for (size_t i = 0; i < n; i++) {
		if (moved[i] >= 0)
			dup2(moved[i], FIRST_FD + (int)i);
	}
}

static void become(char *const *argv, const int *fds, size_t n_fds, pid_t parent, int report)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), error;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it died before we could say so */
		_exit(127);
	setpgid(0, 0); /* a terminal's Ctrl-C is for vpdud, which then cuts the power in order */
	dup2(null, STDIN_FILENO);
	report = fcntl(report, F_DUPFD_CLOEXEC, SPARE_FD);
	place_fds(fds, n_fds);
	execvp(argv[0], argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

pid_t spawn_child(char *const *argv, const int *fds, size_t n_fds, struct gw_error *err)
{
	pid_t parent = getpid(), child;
	int report[2], error = 0;
	ssize_t n;

	gw_assert(n_fds <= FDS_MAX);
	if (pipe2(report, O_CLOEXEC) < 0) {
		gw_fail_errno(err, GW_INTERNAL, errno, "pipe");
		return -1;
	}
	child = fork();
	if (child == 0)
		become(argv, fds, n_fds, parent, report[1]);
	error = errno;
	close(report[1]);
	n = child < 0 ? (ssize_t)sizeof(error) : read(report[0], &error, sizeof(error)); /* until exec closes it: no waiting to speak of */
	close(report[0]);
	if (n <= 0)
		return child;
	if (child > 0)
		waitpid(child, NULL, 0);
	gw_fail_errno(err, GW_UNREACHABLE, error, "cannot start %s", argv[0]);
	return -1;
}
