/* The virtual PDU's wire protocol, as the field's vpdu driver speaks it: a request is 4 bytes, big-endian, bits 0-1 the operation,
 * bits 2-12 the port, the rest zero; the answer is one byte. Pure functions.
 */
#ifndef PDUD_VPDUD_WIRE_H
#define PDUD_VPDUD_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#define VPDU_PORTS         16
#define VPDU_REQUEST_BYTES 4

enum vpdu_op { VPDU_COUNT_PORTS, VPDU_TURN_ON, VPDU_TURN_OFF, VPDU_STATE };

/* The answers of one byte; VPDU_COUNT_PORTS is answered with the count itself. */
enum vpdu_answer { VPDU_BAD_REQUEST = 0, VPDU_DONE = 1, VPDU_IS_ON = 3, VPDU_IS_OFF = 4, VPDU_ERROR = 5 };

struct vpdu_request {
	enum vpdu_op op;
	unsigned port; /* 0 to 2047; whether it exists is the caller's question */
};

/* False: a reserved bit is set, which closes the connection without an answer. */
bool vpdu_request_decode(const uint8_t bytes[VPDU_REQUEST_BYTES], struct vpdu_request *out);
void vpdu_request_encode(const struct vpdu_request *request, uint8_t bytes[VPDU_REQUEST_BYTES]);

#endif
