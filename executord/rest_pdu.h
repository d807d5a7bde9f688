/* What REST may do with a port: rules without HTTP. */
#ifndef EXECUTORD_REST_PDU_H
#define EXECUTORD_REST_PDU_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "libgateway/error.h"

struct executord;
struct pdu;

struct port_change { /* what a PATCH asks for */
	bool has_state, on;
	bool has_reserved, reserved;
	bool has_min_off;
	int64_t min_off_ms;
};

struct port_facts { /* what port_change_allowed decides on; borrowed */
	const char *pdu, *port;
	bool reserved;
	const char *dut;        /* the machine that has the port; NULL: none */
	bool dut_in_service;    /* it is not retired */
	const char *discovered; /* the discovery that holds it; NULL: none */
};

/* A copy of a body in which Python's True and False, as in the reference text's example, are JSON's; as long, and ended by a 0. The caller
 * frees. */
char *port_change_text(const char *body, size_t len);
/* {"state": "on"|"off" in any case, "reserved": true|false (or "True"), "min_off_time": seconds}; GW_BAD_INPUT names the field. */
bool port_change_decode(const cJSON *json, struct port_change *change, struct gw_error *err);
bool port_change_allowed(const struct port_facts *facts, const struct port_change *change, struct gw_error *err);

/* An OFF of it could not be confirmed: PATCHes that wait for it are answered. */
void rest_port_alarmed(struct executord *ex, const char *pdu, const char *port);

bool port_is_reserved(struct executord *ex, const struct pdu *pdu, const char *port);

#endif
