/* A real systemd, booted by systemd-nspawn in a tree of its own: the host's /usr (read-only), what `meson install` makes of the build in
 * /usr/local, and an empty /etc and /var. It shares this test's network, so its daemons serve the test's bridge and the machines on it. */
#ifndef TESTS_HARNESS_BOOTED_H
#define TESTS_HARNESS_BOOTED_H

#include <stdbool.h>

#include "tests/harness/proc.h"

struct booted {
	struct proc container;
	struct proc journal; /* `journalctl -f`: what the daemons log is awaited there */
	pid_t init;          /* systemd, as seen from here */
	char tree[400];
};

/* False, with one line of why, where systemd-nspawn cannot even run /bin/true. */
bool booted_possible(char *why, size_t size);
void booted_start(struct booted *b); /* installs and boots; returns when basic.target is reached */
void booted_stop(struct booted *b);  /* powers it off */
/* Runs a command (words parted by spaces) in it and asserts that it succeeds. What it printed, without the last newline, is borrowed until
 * 4 calls later. */
const char *booted_run(struct booted *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int booted_try(struct booted *b, const char **output, const char *fmt, ...) __attribute__((format(printf, 3, 4))); /* the exit code */
void booted_put(const struct booted *b, const char *path, const char *text); /* a file in it, with its folders */

#endif
