#include <stdint.h>

#include "libgateway/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct gw_error err = {0};
	cJSON *json = json_decode((const char *)bytes, n, &err);

	gw_assert((json != NULL) == (err.kind == GW_OK));
	cJSON_Delete(json);
	return 0;
}
