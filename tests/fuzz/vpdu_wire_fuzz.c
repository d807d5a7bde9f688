#include <stddef.h>
#include <string.h>

#include "pdud/vpdud/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vpdu_request request;
	uint8_t again[VPDU_REQUEST_BYTES];

	if (size < VPDU_REQUEST_BYTES || !vpdu_request_decode(data, &request))
		return 0;
	vpdu_request_encode(&request, again); /* what is accepted has one form */
	if (memcmp(again, data, sizeof(again)) != 0 || request.port > 2047)
		__builtin_trap();
	return 0;
}
