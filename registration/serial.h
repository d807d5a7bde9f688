/* The serial ports, and which of them leads to the gateway: SALAD answers `SALAD.ping` with `SALAD.pong`. */
#ifndef REGISTRATION_SERIAL_H
#define REGISTRATION_SERIAL_H

#include <termios.h>

#include "registration/text.h"

#ifndef SERIAL_PONG_MS /* a test's build has more time */
#define SERIAL_PONG_MS 1000
#endif

/* How many bytes of `SALAD.pong\n` came last; goes on over reads. Returns true once it is complete. */
bool serial_is_pong(size_t *at, const char *bytes, size_t n);

struct serial_port {
	char name[32]; /* below /dev */
	int in, out;   /* the same descriptor but for standard input and output */
	struct termios before;
	bool was_tty;
	size_t pong_at;
};

/* Pings every serial port of ROOT/sys/class/tty at once, at 115200 baud. True: `port` is the first that answered, open; the others are as
 * they were before. */
bool serial_find(struct serial_port *port, const char *root);
bool serial_ping_stdio(struct serial_port *port); /* standard input and output instead; to be closed in any case */
void serial_say(const struct serial_port *port, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void serial_close(struct serial_port *port); /* settings as before; standard input and output stay open */

#endif
