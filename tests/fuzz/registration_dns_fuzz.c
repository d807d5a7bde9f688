#include <stdlib.h>
#include <string.h>

#include "registration/resolve.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char *message = malloc(size), address[4];

	if (size)
		memcpy(message, data, size);
	dns_answer_decode(message, size, size >= 2 ? (uint16_t)(data[0] << 8 | data[1]) : 0, address);
	free(message);
	return 0;
}
