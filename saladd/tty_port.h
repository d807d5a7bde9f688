/* One serial port: opened on a worker thread as soon as it is there, and again when it was gone. */
#ifndef SALADD_TTY_PORT_H
#define SALADD_TTY_PORT_H

#include <sys/types.h>

#include "libgateway/loop.h"
#include "saladd/place.h"
#include "saladd/stream.h"

struct tty_ports;
struct tty_port_opening;

struct tty_port {
	struct tty_port *next; /* in ports.first */
	struct tty_ports *all;
	char *path;       /* owned */
	const char *name; /* the last part of it, or all of it */
	dev_t device;     /* what it is a name of */
	dev_t on;         /* the file system and the node: they differ if it was unplugged and plugged in again meanwhile */
	ino_t node;
	struct place place;    /* while `stream` */
	struct stream *stream; /* NULL: not open */
	struct stream_port as_stream;
	struct tty_port_opening *opening; /* NULL: not being opened */
	struct loop_timer again;
	unsigned failures; /* since it was open or came; the first is silent: udev may not be done with it yet */
	int closing_watch; /* told when another program closes it; -1: none */
	bool settled;      /* it is none of ours: not tried again */
	bool seen;         /* by the look around that is under way */
};

struct tty_port *tty_port_create(struct tty_ports *all, const char *path, dev_t device, dev_t on, ino_t node);
void tty_port_try(struct tty_port *p);     /* opens it, unless it is open, is being opened, or is none of ours */
void tty_port_destroy(struct tty_port *p); /* takes it out of no list */

#endif
