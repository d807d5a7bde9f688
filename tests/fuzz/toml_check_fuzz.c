#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gitlabd/toml_check.h"
#include "libgateway/utf8.h"

/* A text is TOML, or the error names a line that it has. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_error err = {0};
	char *text = gw_strndup((const char *)data, size);
	size_t lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (strlen(text) == size && utf8_prefix(text, size) == size && !toml_check(text, size, &err) &&
	    (strncmp(err.text, "line ", 5) != 0 || strtoul(err.text + 5, NULL, 10) > lines))
		__builtin_trap();
	free(text);
	return 0;
}
