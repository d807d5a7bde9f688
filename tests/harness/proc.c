#include "tests/harness/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "libgateway/error.h"

enum {
	PROMPT_MS = 2000, /* of a program's output that is no prompt the rest has come by then */
	UNWATCHED_MS = 20,
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

const char *tmp_path(const char *fmt, ...)
{
	static char paths[16][512];
	static unsigned next;
	char *path = paths[next++ % 16], name[256];
	const char *dir = getenv("TMPDIR");
	va_list args;

	va_start(args, fmt);
	vsnprintf(name, sizeof(name), fmt, args);
	va_end(args);
	snprintf(path, sizeof(paths[0]), "%.200s/%s", dir ? dir : "/tmp", name);
	return path;
}

static char *read_all(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 65536, n = 0;
	char *text = gw_calloc(1, size);
	ssize_t r;

	while (fd >= 0 && (r = read(fd, text + n, size - 1 - n)) > 0) {
		n += (size_t)r;
		if (size - 1 == n)
			text = gw_realloc(text, size *= 2);
	}
	if (fd >= 0)
		close(fd);
	text[n] = 0;
	*len = n;
	return text;
}

char *file_get(const char *path)
{
	size_t len;

	if (access(path, R_OK) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return read_all(path, &len);
}

void file_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || close(fd) < 0)
		fail_msg("%s: %s", path, strerror(errno));
}

/* Whether `pattern` is found in the n bytes, from any place in them. */
static bool glob_at(const char *pattern, const char *text, size_t n)
{
	const char *star = strchr(pattern, '*');
	size_t head = star ? (size_t)(star - pattern) : strlen(pattern);
	const char *at;

	if (!star)
		return memmem(text, n, pattern, head) != NULL;
	at = memmem(text, n, pattern, head);
	return at && glob_at(star + 1, at + head, n - (size_t)(at + head - text));
}

bool glob_line(const char *pattern, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		const char *stop = lf ? lf : end;
		if (glob_at(pattern, text, (size_t)(stop - text)))
			return true;
		text = stop + 1;
	}
	return false;
}

/* Where the line that has the pattern ends, behind `from`; 0: there is none. */
static size_t find_line(const char *text, size_t len, size_t from, const char *pattern, char *line, size_t line_size)
{
	while (from < len) {
		const char *lf = memchr(text + from, '\n', len - from);
		size_t stop = lf ? (size_t)(lf - text) : len;
		if (glob_at(pattern, text + from, stop - from)) {
			snprintf(line, line_size, "%.*s", (int)(stop - from), text + from);
			return stop + 1 < len ? stop + 1 : len;
		}
		from = stop + 1;
	}
	return 0;
}

static int remaining_ms(int64_t until)
{
	int64_t now = now_ms();

	return until > now ? (int)(until - now) : 0;
}

/* A line that has been without an end for prompt_ms is taken as it is. */
static bool await_file(const char *path, size_t *from, const char *pattern, char *line, size_t line_size, int prompt_ms)
{
	int64_t until = now_ms() + PROC_PATIENCE_MS, grown = now_ms();
	size_t seen = 0;
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	size_t found = 0;

	/* where others have taken all watches that the machine gives, it is looked at again and again */
	if (watch < 0 ? errno != EMFILE : inotify_add_watch(watch, path, IN_MODIFY) < 0)
		fail_msg("cannot watch %s: %s", path, strerror(errno));
	do {
		struct pollfd p = {.fd = watch, .events = POLLIN};
		char events[4096];
		bool whole;
		int left;
		size_t len;
		char *text = read_all(path, &len);
		if (len != seen)
			grown = now_ms();
		seen = len;
		found = find_line(text, len, *from, pattern, line, line_size);
		whole = found && text[found - 1] == '\n';
		free(text);
		if (whole || (found && now_ms() >= grown + prompt_ms))
			break;
		left = remaining_ms(found ? grown + prompt_ms : until);
		poll(&p, 1, watch < 0 && left > UNWATCHED_MS ? UNWATCHED_MS : left);
		while (read(watch, events, sizeof(events)) > 0)
			;
	} while (now_ms() < until);
	if (watch >= 0)
		close(watch);
	if (found)
		*from = found;
	return found != 0;
}

bool proc_await_file(const char *path, size_t *from, const char *pattern, char *line, size_t line_size)
{
	return await_file(path, from, pattern, line, line_size, 0);
}

char *proc_log(const struct proc *p)
{
	size_t len;

	return read_all(p->log_path, &len);
}

bool proc_has_said(const struct proc *p, const char *pattern)
{
	size_t len;
	char *text = read_all(p->log_path, &len);
	bool has = glob_line(pattern, text, len);

	free(text);
	return has;
}

void proc_show(const struct proc *p)
{
	char *text = proc_log(p);
	size_t len = strlen(text);

	fprintf(stderr, "---- %s's log%s\n%s----\n", p->name, len > 20000 ? " (its end)" : "", len > 20000 ? text + len - 20000 : text);
	free(text);
}

const char *proc_await(struct proc *p, const char *pattern)
{
	static char line[4096];

	if (!await_file(p->log_path, &p->seen, pattern, line, sizeof(line), PROMPT_MS)) {
		proc_show(p);
		fail_msg("%s never said '%s'", p->name, pattern);
	}
	return line;
}

static void child(const struct proc *p, const char *const *argv, const char *const *env, int in, int out)
{
	int log = open(p->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (; env && *env; env++)
		putenv((char *)*env);
	if (in >= 0 && isatty(in)) { /* it is to be the one in front of it */
		setsid();
		ioctl(in, TIOCSCTTY, 0);
	}
	dup2(in >= 0 ? in : open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
	dup2(out >= 0 ? out : log, 1);
	dup2(log, 2);
	execvp(argv[0], (char *const *)argv);
	fprintf(stderr, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

void proc_start_io(struct proc *p, const char *name, const char *const *argv, const char *const *env, int in, int out)
{
	size_t len;

	*p = (struct proc){0};
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->log_path, sizeof(p->log_path), "%s", tmp_path("%s.log", name));
	close(open(p->log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644)); /* so that it can be watched */
	free(read_all(p->log_path, &len));
	p->seen = len;
	fflush(NULL);
	p->pid = fork();
	if (p->pid < 0)
		fail_msg("fork: %s", strerror(errno));
	if (p->pid == 0)
		child(p, argv, env, in, out);
}

void proc_start(struct proc *p, const char *name, const char *const *argv, const char *const *env)
{
	proc_start_io(p, name, argv, env, -1, -1);
}

int proc_wait(struct proc *p)
{
	int64_t until = now_ms() + PROC_PATIENCE_MS;
	int fd, status;

	if (!p->pid)
		return p->status;
	fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	if (fd >= 0) {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		int n = poll(&wait, 1, remaining_ms(until));

		while (n < 0 && errno == EINTR) /* a signal to the test is no end of the wait */
			n = poll(&wait, 1, remaining_ms(until));
		if (n != 1) {
			proc_show(p);
			kill(p->pid, SIGKILL);
			fail_msg("%s did not end", p->name);
		}
		close(fd);
	}
	if (waitpid(p->pid, &status, 0) != p->pid)
		fail_msg("%s: waitpid: %s", p->name, strerror(errno));
	p->pid = 0;
	p->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return p->status;
}

void proc_signal(struct proc *p, int signal)
{
	if (p->pid)
		kill(p->pid, signal);
}

int proc_end(struct proc *p, int signal)
{
	if (!p->pid)
		return 0;
	proc_signal(p, signal);
	return proc_wait(p);
}

int terminal_open(int *master)
{
	int slave = -1;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0 || grantpt(*master) < 0 || unlockpt(*master) < 0 ||
	    (slave = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
		fail_msg("no pseudo terminal: %s", strerror(errno));
	return slave;
}

void shell(const char *fmt, ...)
{
	char command[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

void await_socket(const char *path)
{
	int64_t until = now_ms() + PROC_PATIENCE_MS;
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char copy[512];
	struct stat st;

	snprintf(copy, sizeof(copy), "%s", path);
	if (watch < 0 || inotify_add_watch(watch, dirname(copy), IN_CREATE | IN_MOVED_TO) < 0)
		fail_msg("cannot watch the folder of %s: %s", path, strerror(errno));
	while (stat(path, &st) < 0 || !S_ISSOCK(st.st_mode)) {
		struct pollfd p = {.fd = watch, .events = POLLIN};
		char events[4096];
		if (now_ms() > until)
			fail_msg("%s did not appear", path);
		poll(&p, 1, PROC_PATIENCE_MS);
		while (read(watch, events, sizeof(events)) > 0)
			;
	}
	close(watch);
}
