/* The first byte is the option's code, the rest its value as a job writes it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libjob/dhcp_options.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char hex[DHCP_OPTION_HEX_MAX + 1], *value;
	struct gw_error err = {0};

	if (n == 0)
		return 0;
	value = gw_strndup((const char *)bytes + 1, n - 1);
	if (dhcp_option_encode(bytes[0], value, hex, "job", &err))
		gw_assert(strlen(hex) % 2 == 0 && strlen(hex) > 0);
	else
		gw_assert(err.kind == GW_BAD_INPUT);
	free(value);
	return 0;
}
