#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libmars/excerpt.h"

/* The first line is the message, the rest the text. No control character comes out, and two lines or none. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *feed = memchr(data, '\n', size);
	size_t first = feed ? (size_t)(feed - data) : size, lines = 0;
	char *message = strndup((const char *)data, first), *out;

	out = mars_excerpt(message, "f", (const char *)data + first, size - first);
	for (const char *at = out; *at; at++) {
		lines += *at == '\n';
		if (((unsigned char)*at < ' ' && *at != '\n' && *at != '\t') || *at == 0x7f)
			__builtin_trap();
	}
	if (lines != 0 && lines != 2)
		__builtin_trap();
	free(out);
	free(message);
	return 0;
}
