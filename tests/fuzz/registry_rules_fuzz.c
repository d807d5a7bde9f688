#include <stdlib.h>

#include "executord/registry_rules.h"
#include "tests/fuzz/libfyaml_leaks.h"

/* Any file is rules that all have a regex and a replacement, or errors. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct registry_rules rules;
	struct gw_errors errs = {0};

	if (registry_rules_decode(&rules, (const char *)bytes, size, "config.yml", &errs) != (errs.n == 0))
		__builtin_trap();
	for (size_t i = 0; i < rules.n; i++)
		if (!rules.v[i].match || !rules.v[i].replace)
			__builtin_trap();
	registry_rules_finish(&rules);
	gw_errors_finish(&errs);
	return 0;
}
