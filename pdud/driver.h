/* What a PDU's driver is: a row in drivers.c. Adding one is adding its file and its row.
 *
 * A driver does one ask after another or several at once (`parallel`), on the loop or on a thread of its own for a library that blocks; an
 * ask never takes longer than the driver's own deadlines, whatever the device does. Everything here is called on the loop's thread.
 */
#ifndef PDUD_DRIVER_H
#define PDUD_DRIVER_H

#include <cjson/cJSON.h>

#include "libgateway/error.h"
#include "libgateway/loop.h"
#include "pdud/port.h"

#define DRIVER_PORTS_MAX 4096

enum driver_op { DRIVER_LIST, DRIVER_READ, DRIVER_ON, DRIVER_OFF };

struct driver_port {
	const char *id;
	const char *label; /* NULL: none */
};

/* What the device says; borrowed until `done` returns. */
struct driver_answer {
	const struct driver_port *ports; /* of DRIVER_LIST: all there are, in the device's order */
	size_t n_ports;
	enum port_state state; /* of DRIVER_READ */
};

/* Owned by the PDU, which keeps it until `done`; a driver may link it. */
struct driver_ask {
	enum driver_op op;
	const char *port; /* id; not of DRIVER_LIST */
	/* Exactly once for each ask, from the loop and never inside `ask`; never after `destroy`. `answer` is NULL for a failure:
	 * GW_REFUSED, the device says that it cannot; GW_BAD_INPUT, it says nonsense; GW_UNREACHABLE, it does not answer. A driver whose
	 * device takes a while to show what it did calls it after that while. */
	void (*done)(struct driver_ask *ask, const struct driver_answer *answer, const struct gw_error *err);
};

struct driver {
	const char *name;
	unsigned poll_ms;   /* how often the ports are read to see what others changed; 0: nobody else can */
	unsigned parallel;  /* asks at once */
	int64_t min_off_ms; /* of ports of which the database says nothing */
	/* Checks the configuration and makes a device, without I/O. NULL with GW_BAD_INPUT that names the key. */
	void *(*create)(struct loop *loop, const cJSON *config, struct gw_error *err);
	void (*ask)(void *device, struct driver_ask *ask);
	void (*destroy)(void *device); /* gives up what is under way */
};

/* NULL with GW_BAD_INPUT: unknown, or not built yet. */
const struct driver *driver_find(const char *name, struct gw_error *err);
/* The keys of a driver's configuration: refuses each that is not among `known` (NULL-terminated), by name. */
bool driver_knows_keys(const cJSON *config, const char *const *known, struct gw_error *err);

extern const struct driver driver_dummy, driver_vpdu;

#endif
