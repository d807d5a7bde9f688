#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/http_multipart.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *body = gw_calloc(n + 1, 1);
	struct http_parts parts = {0};
	struct gw_error err = {0};
	bool ok;

	if (n)
		memcpy(body, bytes, n);
	ok = http_multipart_decode(&parts, "multipart/form-data; boundary=XX", body, n, false, &err);
	for (size_t i = 0; ok && i < parts.n; i++)
		gw_assert(parts.v[i].part.data + parts.v[i].part.len <= body + n);
	http_multipart_finish(&parts);
	free(body);
	return 0;
}
