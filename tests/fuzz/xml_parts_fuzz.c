#include <stdint.h>
#include <string.h>

#include "bucketd/xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct s3_error err = {0};
	struct xml_parts parts;

	if (xml_read_parts(&parts, (const char *)bytes, n, &err))
		gw_assert(parts.n >= 1 && parts.n <= XML_PARTS_MAX);
	else
		gw_assert(err.code != S3_OK && err.text[0] && !parts.v);
	for (size_t i = 0; i < parts.n; i++) {
		gw_assert(parts.v[i].number >= 1 && parts.v[i].number <= XML_PARTS_MAX && strlen(parts.v[i].etag) >= 1);
		gw_assert(i == 0 || parts.v[i - 1].number < parts.v[i].number);
	}
	xml_parts_finish(&parts);
	return 0;
}
