#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "bucketd/config.h"
#include "tests/fuzz/libfyaml_leaks.h"

/* Any file is users with secrets, groups of them and buckets with names, or an error. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct bucketd_config config;
	struct gw_error err = {0};
	bool ok = bucketd_config_decode(&config, "bucketd.yml", (const char *)bytes, size, "minioadmin", &err);

	if (ok != (err.kind == GW_OK) || (ok && !config.n_buckets))
		__builtin_trap();
	for (size_t i = 0; i < config.n_users; i++)
		if (strlen(config.users[i].secret) < 8 || strcmp(config.users[i].name, "minioadmin") == 0)
			__builtin_trap();
	for (size_t i = 0; i < config.n_groups; i++)
		for (size_t g = 0; g < config.groups[i].n_grants; g++)
			if (strlen(config.groups[i].grants[g].bucket) < 3)
				__builtin_trap();
	bucketd_config_finish(&config);
	return 0;
}
