#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "saladd/scan.h"

/* The first byte cuts the rest into two reads; what is found must not depend on it. */
static unsigned look_through(struct scan *scan, const char *bytes, size_t n, unsigned sum)
{
	enum scan_event event;

	while (n) {
		size_t used = scan_bytes(scan, bytes, n, &event);
		if (used == 0 || used > n || strlen(scan->id) > SCAN_ID_MAX)
			__builtin_trap();
		if (event != SCAN_NOTHING)
			sum = sum * 31 + (unsigned)event;
		if (event == SCAN_ID)
			for (const char *c = scan->id; *c; c++)
				sum = sum * 31 + (unsigned char)*c;
		bytes += used;
		n -= used;
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan whole = {0}, cut = {0};
	const char *bytes = (const char *)data + 1;
	size_t first = size ? data[0] % size : 0;

	if (!size)
		return 0;
	if (look_through(&whole, bytes, size - 1, 1) !=
	    look_through(&cut, bytes + first, size - 1 - first, look_through(&cut, bytes, first, 1)))
		__builtin_trap();
	return 0;
}
