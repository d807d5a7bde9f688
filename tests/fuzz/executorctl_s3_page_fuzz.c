#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "executorctl/s3_page.h"

/* As a list, and as an error. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct s3_objects objects = {0};
	struct gw_error err = {0};
	char *token = NULL;

	if (s3_page_decode(&objects, &token, (const char *)data, size, &err) == (err.kind != GW_OK))
		__builtin_trap();
	for (size_t i = 0; i < objects.n; i++)
		if (!objects.v[i].key || objects.v[i].len > S3_KEY_MAX || objects.v[i].key[objects.v[i].len])
			__builtin_trap();
	s3_objects_finish(&objects);
	free(token);
	free(s3_error_decode((const char *)data, size));
	return 0;
}
