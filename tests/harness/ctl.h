/* executorctl as a user runs it: from a script, or on a terminal. */
#ifndef TESTS_HARNESS_CTL_H
#define TESTS_HARNESS_CTL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

extern char *ctl_out, *ctl_err; /* what the last one printed; NULL before the first */

/* Runs it to its end; the exit code, or 128 + the signal's number. Arguments end with NULL. */
int ctl(const char *first, ...);
/* With `input` on its standard input, and `env` ("NAME=value", NULL-terminated, or NULL) added to ours. */
int ctl_fed(const char *input, const char *const *env, const char *first, ...);
int ctl_argv(const char *input, const char *const *env, const char *const *arguments);
void ctl_finish(void); /* frees what was printed */

/* A pseudo terminal with a program on it. What comes in no time fails the test. */
struct terminal {
	int fd;
	pid_t pid;
	char seen[65536];
	size_t n, looked; /* looked: what was awaited already */
};
/* `argv` ends with NULL; `columns` 0: 80 x 24. */
void terminal_start(struct terminal *t, const char *const *argv, unsigned columns, unsigned rows);
bool terminal_read(struct terminal *t);                    /* false at its end */
void terminal_await(struct terminal *t, const char *text); /* behind what was awaited before */
void terminal_type(struct terminal *t, const char *keys);
void terminal_resize(struct terminal *t, unsigned columns, unsigned rows);
int terminal_end(struct terminal *t); /* waits for its end: the exit code, or 128 + the signal's number */

#endif
