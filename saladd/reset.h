/* The reset of a console that hangs on USB: its port's power goes off for a time and on again, by the hub's switch in sysfs (Linux 6.0; a
 * hub with power switching per port). Loop thread only.
 *
 * Ports that are off are noted in the runtime folder, so that one whose saladd dies meanwhile is not off for good. */
#ifndef SALADD_RESET_H
#define SALADD_RESET_H

#include "saladd/tty_ports.h"

#ifndef RESET_RETURN_MS       /* tests have less patience */
#define RESET_RETURN_MS 10000 /* how long a console may take to come back */
#endif

enum reset_end {
	RESET_DONE,        /* it is back */
	RESET_UNSUPPORTED, /* it has none, or may have none */
	RESET_FAILED,
};
typedef void reset_done(void *data, enum reset_end end, const char *text);

struct reset;
struct resets {
	struct tty_ports *ports; /* borrowed */
	uint64_t off_ms;
	bool disabled;
	char *note_path;     /* owned */
	struct reset *first; /* owned; those under way */
};

/* Owns `note_path`. Switches on again what is noted there; blocks: before the loop. Takes ports->came. */
void resets_init(struct resets *all, struct tty_ports *ports, uint64_t off_ms, bool disabled, char *note_path);
void resets_finish(struct resets *all); /* switches on what is off, and may block. Accepts zeroed memory */
/* `done` runs exactly once, maybe inside this call. The stream is borrowed for the call. */
void reset_start(struct resets *all, const struct stream *stream, reset_done *done, void *data);

#endif
