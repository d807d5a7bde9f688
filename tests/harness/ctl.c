#include "tests/harness/ctl.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/harness/proc.h"

#define PROGRAM       GW_BUILD_ROOT "/executorctl/executorctl"
#define ARGUMENTS_MAX 62

char *ctl_out, *ctl_err;

static void redirect(const char *path, int flags, int fd)
{
	int file = open(path, flags, 0600);

	if (file < 0 || dup2(file, fd) < 0)
		_exit(126);
}

static int code_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int ctl_argv(const char *input, const char *const *env, const char *const *arguments)
{
	const char *argv[ARGUMENTS_MAX + 2] = {PROGRAM};
	int status;
	pid_t pid;

	for (size_t i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
		argv[i + 1] = arguments[i];
	file_put(tmp_path("ctl.in"), input ? input : "");
	pid = fork();
	if (pid == 0) {
		for (; env && *env; env++)
			putenv((char *)*env);
		redirect(tmp_path("ctl.in"), O_RDONLY, STDIN_FILENO);
		redirect(tmp_path("ctl.out"), O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO);
		redirect(tmp_path("ctl.err"), O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO);
		execv(PROGRAM, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ctl_finish();
	ctl_out = file_get(tmp_path("ctl.out"));
	ctl_err = file_get(tmp_path("ctl.err"));
	return code_of(status);
}

static int ctl_list(const char *input, const char *const *env, const char *first, va_list more)
{
	const char *arguments[ARGUMENTS_MAX + 1] = {first};

	for (size_t i = 1; i < ARGUMENTS_MAX && arguments[i - 1]; i++)
		arguments[i] = va_arg(more, const char *);
	return ctl_argv(input, env, arguments);
}

int ctl(const char *first, ...)
{
	va_list more;
	int code;

	va_start(more, first);
	code = ctl_list(NULL, NULL, first, more);
	va_end(more);
	return code;
}

int ctl_fed(const char *input, const char *const *env, const char *first, ...)
{
	va_list more;
	int code;

	va_start(more, first);
	code = ctl_list(input, env, first, more);
	va_end(more);
	return code;
}

void ctl_finish(void)
{
	free(ctl_out);
	free(ctl_err);
	ctl_out = ctl_err = NULL;
}

/* ---- a terminal ---- */

void terminal_start(struct terminal *t, const char *const *argv, unsigned columns, unsigned rows)
{
	struct winsize size = {.ws_col = (unsigned short)(columns ? columns : 80), .ws_row = (unsigned short)(columns ? rows : 24)};

	*t = (struct terminal){0};
	t->pid = forkpty(&t->fd, NULL, NULL, &size);
	if (t->pid == 0) {
		putenv((char *)"TERM=xterm");
		unsetenv("NO_COLOR");
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
}

/* fail_msg would cut it. */
static void fail_with(const struct terminal *t, const char *text)
{
	fprintf(stderr, "---- the terminal:\n%s\n----\n", t->seen);
	fail_msg("the terminal never showed %s", text);
}

bool terminal_read(struct terminal *t)
{
	struct pollfd p = {.fd = t->fd, .events = POLLIN};
	ssize_t n;

	if (t->n > sizeof(t->seen) / 2) { /* keeps the newer half */
		size_t gone = t->n / 2;

		memmove(t->seen, t->seen + gone, t->n - gone);
		t->n -= gone;
		t->looked = t->looked > gone ? t->looked - gone : 0;
	}
	if (poll(&p, 1, PROC_PATIENCE_MS) != 1)
		fail_with(t, "anything more");
	n = read(t->fd, t->seen + t->n, sizeof(t->seen) - 1 - t->n);
	t->n += n > 0 ? (size_t)n : 0;
	t->seen[t->n] = '\0';
	return n > 0;
}

void terminal_await(struct terminal *t, const char *text)
{
	const char *at;

	for (time_t began = time(NULL); !(at = strstr(t->seen + t->looked, text));)
		if (!terminal_read(t) || time(NULL) - began > PROC_PATIENCE_MS / 1000) /* it may go on showing others */
			fail_with(t, text);
	t->looked = (size_t)(at - t->seen) + strlen(text);
}

void terminal_type(struct terminal *t, const char *keys)
{
	assert_int_equal(write(t->fd, keys, strlen(keys)), strlen(keys));
}

void terminal_resize(struct terminal *t, unsigned columns, unsigned rows)
{
	struct winsize size = {.ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows};

	assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &size), 0);
}

int terminal_end(struct terminal *t)
{
	int status;

	while (terminal_read(t))
		;
	assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
	close(t->fd);
	return code_of(status);
}
