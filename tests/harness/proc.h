/* A program under test: its output goes to a file that is awaited with inotify, so nothing polls and no pipe fills up. What fails here ends
 * the test with the program's log. One test program has one thread. */
#ifndef TESTS_HARNESS_PROC_H
#define TESTS_HARNESS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PROC_PATIENCE_MS 120000 /* only a failing test waits that long */

struct proc {
	char name[64];
	pid_t pid; /* 0: not running */
	int status;
	char log_path[512]; /* TMPDIR/NAME.log; a program started again under a name appends to it */
	size_t seen;        /* bytes of the log before what proc_await waits for */
};

/* Starts argv[0] (a path, or a name in PATH). `env` ("NAME=value", NULL-terminated, or NULL) is added to ours. */
void proc_start(struct proc *p, const char *name, const char *const *argv, const char *const *env);
/* As proc_start, with `in` as its standard input and `out` as its standard output (-1: as before). Both stay the caller's. An `in` that is
 * a terminal becomes its controlling one. */
void proc_start_io(struct proc *p, const char *name, const char *const *argv, const char *const *env, int in, int out);
/* Waits until its log has `pattern` (`*` stands for anything within a line) behind what was awaited before. Returns the line: borrowed
 * until the next call; it is whole unless nothing more comes for a while (a prompt). */
const char *proc_await(struct proc *p, const char *pattern);
bool proc_has_said(const struct proc *p, const char *pattern); /* anywhere, until now */
char *proc_log(const struct proc *p);                          /* all of it; the caller frees */
/* Waits for its end: the exit code, or 128 + the signal's number. */
int proc_wait(struct proc *p);
void proc_signal(struct proc *p, int signal); /* only if it runs */
int proc_end(struct proc *p, int signal);     /* proc_signal and proc_wait; 0 if it does not run */
void proc_show(const struct proc *p);         /* its log to standard error */

/* Waits until the file at `path` has `pattern` from `*from` on, and moves `*from` behind it; false after PROC_PATIENCE_MS. */
bool proc_await_file(const char *path, size_t *from, const char *pattern, char *line, size_t line_size);

/* Pieces that tests share. */
const char *tmp_path(const char *fmt, ...) __attribute__((format(printf, 1, 2))); /* below TMPDIR; valid for the next 16 calls */
void shell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));           /* a command, which must succeed */
void file_put(const char *path, const char *text);                                /* truncate and write */
char *file_get(const char *path);                                                 /* the caller frees; fails the test if there is none */
int terminal_open(int *master);                                                   /* a pseudo terminal; returns its slave side */
void await_socket(const char *path);                                              /* until a Unix socket of that name is there */
bool glob_line(const char *pattern, const char *text, size_t len);                /* whether a line of text has the pattern */

#endif
