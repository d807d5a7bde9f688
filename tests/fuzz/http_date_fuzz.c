#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"
#include "libgateway/http_date.h"

/* What was read is written so that it is read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = gw_strndup((const char *)bytes, n), again[HTTP_DATE_SIZE];
	int64_t seconds, same;

	if (http_date_decode(text, &seconds)) {
		http_date_encode(again, seconds);
		gw_assert(http_date_decode(again, &same) && same == seconds);
	}
	free(text);
	return 0;
}
