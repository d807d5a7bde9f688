/* The gateway's serial ports that lead to machines: found by their names at the start, and by what their folders tell from then on
 * (inotify: a folder tells of a port when it is plugged in, unplugged, or given to our group). Loop thread only. */
#ifndef SALADD_TTY_PORTS_H
#define SALADD_TTY_PORTS_H

#include "saladd/known.h"
#include "saladd/tty_port.h"

#define TTY_PORTS_MAX          512 /* more are left alone, with a warning */
#define TTY_PORTS_PATTERNS_MAX 32

struct tty_port_pattern {
	char *folder; /* owned */
	char *name;   /* owned; fnmatch(3) */
	int watch;    /* of the folder; -1: there is none */
};

struct tty_ports {
	struct loop *loop;
	struct streams *streams; /* borrowed */
	int inotify;             /* valid while watch.uv */
	struct loop_fd watch;
	struct tty_port_pattern pattern[TTY_PORTS_PATTERNS_MAX];
	unsigned patterns;
	struct tty_port *first; /* owned; the newest first */
	unsigned n;
	bool full_told;
	struct known known;
	void (*came)(void *data, struct tty_port *p); /* it is open; may be NULL */
	void *data;
};

/* Whether SALAD_SERIAL_PORTS is well-formed: paths with spaces between, whose last part is a pattern, or `none`. */
bool tty_ports_check(const char *patterns, struct gw_error *err);
/* Owns `known_path`. Ports that are there open from now on, each as soon as it can be. */
bool tty_ports_start(struct tty_ports *all, struct loop *loop, struct streams *streams, const char *patterns, char *known_path,
		     struct gw_error *err);
void tty_ports_finish(struct tty_ports *all);                                /* before the streams; accepts zeroed memory */
struct tty_port *tty_ports_at(const struct tty_ports *all, const char *key); /* the open port of that place; NULL: there is none */
struct tty_port *tty_ports_of(const struct tty_ports *all, const struct stream *stream);

#endif
