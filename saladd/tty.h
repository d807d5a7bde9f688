/* A serial port as a console has it: 115200 baud, 8 bits, no parity, one stop bit, no flow control, every byte as it is. */
#ifndef SALADD_TTY_H
#define SALADD_TTY_H

#include "libgateway/error.h"

/* Non-blocking, and nobody else's while it is open; -1 and why: GW_BUSY if another program has it, GW_NOT_FOUND if it is gone. Some drivers
 * take seconds: on a worker thread. */
int tty_open(const char *path, struct gw_error *err);

#endif
