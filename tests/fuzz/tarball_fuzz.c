#include <stdint.h>

#include "executord/tarball.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	(void)tarball_begins((const char *)bytes, n);
	return 0;
}
