/* A virtual PDU's answer of one byte, as an answer or an error. Pure. */
#ifndef PDUD_VPDU_REPLY_H
#define PDUD_VPDU_REPLY_H

#include <stdint.h>

#include "libgateway/error.h"
#include "pdud/driver.h"

struct vpdu_reply {
	unsigned count;        /* of DRIVER_LIST */
	enum port_state state; /* of DRIVER_READ */
};
/* GW_REFUSED: the device cannot do it; GW_BAD_INPUT: it is no answer to that. */
bool vpdu_reply_decode(enum driver_op op, uint8_t byte, struct vpdu_reply *reply, struct gw_error *err);
/* "HOST", "HOST:PORT", "[IPV6]:PORT". `host` is owned by the caller afterwards. */
bool vpdu_hostname_decode(const char *text, char **host, uint16_t *port, struct gw_error *err);

#endif
