#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "saladd/known.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct known known = {0};

	known_decode(&known, (const char *)data, size);
	if (known.n > KNOWN_MAX)
		__builtin_trap();
	for (size_t i = 0; i < known.n; i++)
		if (strlen(known.v[i].key) > PLACE_KEY_MAX || strlen(known.v[i].id) > SCAN_ID_MAX || !*known.v[i].id ||
		    strcmp(known_find(&known, known.v[i].key), known.v[i].id) != 0)
			__builtin_trap();
	known_finish(&known);
	return 0;
}
