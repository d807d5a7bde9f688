/* Where a serial port is, as sysfs tells it. Reading it may take a device's lock: on a worker thread. */
#ifndef SALADD_PLACE_H
#define SALADD_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#define PLACE_KEY_MAX 128

struct place {
	char key[PLACE_KEY_MAX + 1]; /* the same after it was unplugged and plugged in again there; empty: nothing is known of it */
	char *usb;                   /* the folder of its USB device; owned; NULL: it is none */
	bool absent;                 /* a number for which there is no port */
	bool own_console;            /* the gateway's own: its kernel and its logins are there */
};

void place_read(struct place *place, dev_t port);
void place_finish(struct place *place);

#endif
