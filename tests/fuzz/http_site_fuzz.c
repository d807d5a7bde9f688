#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libgateway/error.h"
#include "libgateway/http_site.h"

static const char *const names[] = {"ci-gateway", NULL};

/* A Host, an Origin and a Sec-Fetch-Site, a line each. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	char *text = gw_strndup((const char *)bytes, n), *rest = text;
	const char *host = strsep(&rest, "\n"), *origin = strsep(&rest, "\n");

	if (http_site_is_ours(host, names))
		gw_assert(!strchr(host, '@') && !strchr(host, '/'));
	if (origin && strncmp(origin, "http://", 7) == 0 && !rest && strcmp(origin + 7, host) == 0)
		gw_assert(!http_site_is_another(host, origin, NULL));
	http_site_is_another(host, origin, rest);
	free(text);
	return 0;
}
