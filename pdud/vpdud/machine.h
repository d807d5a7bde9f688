/* One powered qemu process: started stopped, let run over QMP, killed. Loop thread only. */
#ifndef PDUD_VPDUD_MACHINE_H
#define PDUD_VPDUD_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "libgateway/error.h"
#include "pdud/vpdud/options.h"

struct machine;

/* All run from the loop, never inside a call of this header. */
struct machine_events {
	void (*ready)(void *data);   /* qemu waits for machine_run */
	void (*running)(void *data); /* the guest has its first cycle behind it */
	void (*console)(void *data, const char *bytes, size_t n);
	void (*drained)(void *data);                /* everything given to machine_type has reached qemu */
	void (*ended)(void *data, const char *how); /* the process is gone and reaped: exactly once, the last call. The machine
						       frees itself: forget it now. */
};

/* Starts the process. NULL: it could not be. `opt`, `events` and `data` must outlive the machine. */
struct machine *machine_start(uv_loop_t *loop, const struct vpdud_options *opt, unsigned port, const struct machine_events *events,
			      void *data, struct gw_error *err);
void machine_run(struct machine *m);
void machine_kill(struct machine *m); /* SIGKILL: the power is cut. `ended` follows. Calling it twice is fine */
/* Types into the serial console; copies. Returns how many bytes wait for qemu to take them: pause while it is not 0. */
size_t machine_type(struct machine *m, const char *bytes, size_t n);
int machine_pid(const struct machine *m);

#endif
