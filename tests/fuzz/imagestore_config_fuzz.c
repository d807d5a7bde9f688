#include <stdlib.h>

#include "executord/imagestore_config.h"
#include "tests/fuzz/libfyaml_leaks.h"

/* Any file is mounts that all have a type and a source, or errors. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct imagestore_config config;
	struct gw_errors errs = {0};

	if (imagestore_config_decode(&config, (const char *)bytes, size, "config.yml", &errs) != (errs.n == 0))
		__builtin_trap();
	for (size_t i = 0; i < config.n; i++)
		if (!config.v[i].type || !config.v[i].src)
			__builtin_trap();
	imagestore_config_finish(&config);
	gw_errors_finish(&errs);
	return 0;
}
