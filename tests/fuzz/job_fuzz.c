#include <stdlib.h>

#include "libjob/job.h"
#include "tests/fuzz/libfyaml_leaks.h"

/* A rendered description: it is a job that can be asked everything, or there are errors. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct job_options options = {.wall_now = 1700000000, .firmware_boot_time = 3};
	struct gw_errors errs = {0};
	struct gw_error err;
	struct job job;
	char *text = NULL;

	if (!job_decode(&job, (const char *)data, size, &options, &errs)) {
		if (!errs.n)
			__builtin_trap();
		gw_errors_finish(&errs);
		return 0;
	}
	if (errs.n || !job.rendered || job.timeouts[JOB_OVERALL].ms < 0)
		__builtin_trap();
	job_storage_match(&job.next.http, "/pool/a/b", &text, &err);
	free(text);
	job_finish(&job);
	return 0;
}
