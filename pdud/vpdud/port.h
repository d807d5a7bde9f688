/* A port of the virtual PDU: ON is a qemu process, OFF is none. Requests of one port run one after the other. Loop thread only. */
#ifndef PDUD_VPDUD_PORT_H
#define PDUD_VPDUD_PORT_H

#include <stdbool.h>
#include <uv.h>

#include "pdud/vpdud/console.h"
#include "pdud/vpdud/machine.h"
#include "pdud/vpdud/options.h"
#include "pdud/vpdud/wire.h"

/* A switch that waits for its turn or its end; the caller's memory until `done` has run, once and from the loop or within port_switch. */
struct port_switch {
	bool on;
	void (*done)(struct port_switch *self, bool ok); /* ok: it was seen to be so */
	struct port_switch *next;
};

enum port_state { PORT_OFF, PORT_STARTING, PORT_ON, PORT_STOPPING };

struct port {
	unsigned number;
	const struct vpdud_options *opt; /* borrowed */
	enum port_state state;
	struct machine *machine; /* NULL also while ON, if qemu has ended by itself: a port has power, a machine may be dead */
	struct console console;
	struct port_switch *first, *last; /* waiting; the first is being done in STARTING and STOPPING */
	uv_timer_t *deadline;             /* of STARTING; owned */
	uv_timer_t *salad_wait;           /* how long the first ON waits for SALAD; owned */
	bool qemu_ready, console_ready;
	size_t prompt_seen; /* how much of iPXE's prompt the console has just shown */
};

void port_init(struct port *p, uv_loop_t *loop, const struct vpdud_options *opt, unsigned number);
void port_switch(struct port *p, struct port_switch *sw);
bool port_is_on(const struct port *p); /* a port that is being stopped is ON until that is confirmed */
/* Only when it is OFF with nothing waiting. The handles free themselves in the loop. */
void port_finish(struct port *p);

#endif
