#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/s3_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE"};
	char *uri = gw_strndup((const char *)bytes, n);
	char bucket[S3_BUCKET_MAX + 1], key[S3_KEY_MAX + 1];
	struct s3_error err = {0};
	uint64_t first, size;

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct s3_target target;

		if (s3_target_decode(&target, methods[i], uri, i & 1, &err)) {
			gw_assert(target.name && target.op < S3_OPS && (target.bucket[0] || !target.key[0]));
			s3_target_query(&target, "uploadId");
		} else {
			gw_assert(err.code != S3_OK);
		}
		s3_target_finish(&target);
	}
	gw_assert(!s3_source_range_decode(uri, &first, &size, &err) || (size && first + size > first));
	gw_assert(!s3_source_decode(uri, bucket, key, &err) || (bucket[0] && key[0]));
	free(uri);
	return 0;
}
