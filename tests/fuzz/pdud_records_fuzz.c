#include <stdint.h>
#include <stdlib.h>

#include "pdud/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct records *records = records_decode((const char *)data, size, NULL);
	struct msg_pdu_configure *configuration = configuration_decode((const char *)data, size, NULL);
	char *text = records ? records_encode(records, NULL) : NULL;

	if (records && !text) /* what is accepted can be kept again */
		__builtin_trap();
	free(text);
	bus_body_free(&records_body, records);
	bus_body_free(&bus_body_pdu_configure, configuration);
	return 0;
}
