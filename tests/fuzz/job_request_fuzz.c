#include <stdint.h>

#include "executord/job_request.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct job_request rq;
	struct gw_error err = {0};
	bool ok = job_request_decode(&rq, (const char *)bytes, n, &err);

	gw_assert(ok == (err.kind == GW_OK));
	gw_assert(!ok || (rq.callback_port >= 1024 && rq.callback_port <= 65535));
	job_request_finish(&rq);
	return 0;
}
