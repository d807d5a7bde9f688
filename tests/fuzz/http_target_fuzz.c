#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/http_path.h"

static const struct http_route routes[] = {{"GET", "/a/{id}/b", NULL, 0}, {"POST", "/files/{rest*}", NULL, 0}, {NULL}};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *uri = gw_strndup((const char *)bytes, n), allow[64];
	struct http_target target;
	struct http_args args;
	struct gw_error err = {0};

	if (http_target_decode(&target, uri, &err)) {
		gw_assert(!strstr(target.path, "/../"));
		http_route_find(routes, "GET", &target, &args, allow, sizeof(allow));
	}
	http_target_finish(&target);
	free(uri);
	return 0;
}
