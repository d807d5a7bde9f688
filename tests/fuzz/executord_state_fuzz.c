/* A DUT's record in STATE/executord/duts.json. */
#include <stdint.h>

#include "executord/dut.h"
#include "executord/state_store.h"
#include "libgateway/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct dut dut = {0};
	struct kept_job job;
	struct gw_error err = {0};
	cJSON *json = json_decode((const char *)bytes, n, &err);

	if (!json)
		return 0;
	if (state_store_decode(&dut, json, &job, &err))
		cJSON_Delete(state_store_encode(&dut));
	training_finish(&dut.training);
	dut_facts_finish(&dut.known);
	cJSON_Delete(json);
	return 0;
}
