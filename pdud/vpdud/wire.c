#include "pdud/vpdud/wire.h"

#define OP_BITS   2
#define PORT_BITS 11

bool vpdu_request_decode(const uint8_t bytes[VPDU_REQUEST_BYTES], struct vpdu_request *out)
{
	uint32_t word = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];

	out->op = (enum vpdu_op)(word & ((1u << OP_BITS) - 1));
	out->port = word >> OP_BITS & ((1u << PORT_BITS) - 1);
	return word >> (OP_BITS + PORT_BITS) == 0;
}

void vpdu_request_encode(const struct vpdu_request *request, uint8_t bytes[VPDU_REQUEST_BYTES])
{
	uint32_t word = (uint32_t)request->op | (uint32_t)request->port << OP_BITS;

	bytes[0] = (uint8_t)(word >> 24);
	bytes[1] = (uint8_t)(word >> 16);
	bytes[2] = (uint8_t)(word >> 8);
	bytes[3] = (uint8_t)word;
}
