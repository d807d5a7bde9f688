/* Options whose part of the gateway is not built yet. */
#include <stdlib.h>

#include "libgateway/env.h"
#include "libgateway/log.h"

static const struct {
	const char *name, *part, *meaning;
} rows[] = {
#define UNBUILT(name, part, meaning) {#name, part, meaning},
#include "libgateway/options_unbuilt.def"
#undef UNBUILT
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

void env_warn_of_unbuilt(void)
{
	for (size_t i = 0; i < ROWS; i++) {
		const char *text = getenv(rows[i].name);

		if (text && *text)
			log_warning("%s: %s is not built yet, so this option has no effect", rows[i].name, rows[i].part);
	}
}

void env_print_unbuilt(FILE *out)
{
	for (size_t i = 0; i < ROWS; i++)
		fprintf(out, "| `%s` | none | nobody yet | %s Without effect: %s is not built yet. |\n", rows[i].name, rows[i].meaning,
			rows[i].part);
}
