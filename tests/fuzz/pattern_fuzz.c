#include <stdlib.h>
#include <string.h>

#include "libjob/pattern.h"

/* A regex, a 0, and the console's bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = memchr(data, 0, size);
	struct gw_error err = {0};
	struct pattern_match match;
	struct patterns *patterns;
	struct job job = {0};
	bool is_line;

	if (!end)
		return 0;
	job.patterns[JOB_SESSION_END] = (char *)(uintptr_t)data;
	if (!patterns_create(&patterns, &job, &err))
		return 0;
	for (const uint8_t *at = end + 1; at < data + size;)
		at += patterns_feed(patterns, at, (size_t)(data + size - at), &is_line, &match, &err);
	patterns_destroy(patterns);
	return 0;
}
